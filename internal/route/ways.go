package route

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Ways are the ways by which this machine reached some addresses at a moment. They tell later whether this machine has lost them: what
// is down at the other end is nothing that they look at.
type Ways struct {
	to         []netip.Addr
	interfaces []string // by which each was reached then; "" of one that was not
}

// WaysTo asks for the way to each address. What this machine reaches in itself is left out, and so is what it has no way to by now.
func WaysTo(all []netip.Addr) *Ways {
	var w Ways
	for _, to := range all {
		r, err := To(to)
		if err != nil || loops(r.Interface) || slices.Contains(w.to, to) {
			continue
		}
		w.to, w.interfaces = append(w.to, to), append(w.interfaces, r.Interface)
	}
	return &w
}

func loops(name string) bool {
	i, err := net.InterfaceByName(name)
	return err == nil && i.Flags&net.FlagLoopback != 0
}

// Lost says why this machine has lost its ways, "" if it has not. One is enough whose interface was shut or taken away on this machine,
// or to which no route leads any more; an interface that nothing is heard on any more may be the doing of the other end, and counts
// where every way is gone; the kernel may say so up to a second late. It asks the kernel, and sends nothing.
func (w *Ways) Lost() string {
	var silent []string // interfaces that nothing is heard on
	for n, to := range w.to {
		name := w.interfaces[n]
		i, err := net.InterfaceByName(name)
		switch {
		case err != nil:
			return fmt.Sprintf("%s, by which it reached %s, is gone", name, to)
		case i.Flags&net.FlagUp == 0:
			return fmt.Sprintf("%s, by which it reached %s, is shut", name, to)
		case i.Flags&net.FlagRunning == 0:
			if !slices.Contains(silent, name) {
				silent = append(silent, name)
			}
			continue
		}
		if _, err := To(to); err != nil {
			return err.Error()
		}
	}
	used := slices.Clone(w.interfaces)
	slices.Sort(used)
	if len(silent) > 0 && len(silent) == len(slices.Compact(used)) {
		return "nothing is heard any more on " + strings.Join(silent, ", ")
	}
	return ""
}
