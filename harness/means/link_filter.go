package means

import (
	"fmt"
	"net/netip"

	"blackstart/harness"
	"blackstart/harness/target"
)

// Where the host of a packet filter stands.
const (
	whereForward = "forward"
	whereInput   = "input"
	whereOutput  = "output"
)

// filterWith are the parameters of both packet filters.
type filterWith struct {
	Where    string   `yaml:"where" need:"yes" one:"forward|input|output" doc:"where the host stands: forward (between the ends, as a router), input (it is the end that is connected to) or output (it is the end that connects)"`
	From     []string `yaml:"from" doc:"addresses or networks that connect, as packets have them on the host; the address of that end if not written, any where it is outside"`
	To       []string `yaml:"to" doc:"addresses that are connected to, as packets have them on the host, where they are translated on the way; that of the component if not written"`
	Port     int      `yaml:"port" min:"1" max:"65535" doc:"port that is connected to, where it is translated on the way; that of the component if not written"`
	Keep     []string `yaml:"keep" doc:"addresses or networks whose packets are never cut, by a rule of their own: the management path, by which the host is reached; needed unless where: forward"`
	KeepPort int      `yaml:"keepPort" min:"1" max:"65535" doc:"port of the management path, such as 22: only packets of keep to and from it are kept, so that a load from there is cut; all if not written"`
}

// Wrong implements target.Judge.
func (w filterWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	for _, list := range []struct {
		key string
		all []string
	}{{"from", w.From}, {"to", w.To}, {"keep", w.Keep}} {
		for _, text := range list.all {
			p, err := prefixOf(text)
			switch {
			case err != nil:
				return list.key, fmt.Sprintf("is no address and no network (%q)", text), "write one such as 10.1.0.5 or 10.1.0.0/24, with the first address of the network"
			case p.Bits() == 0 && list.key == "keep":
				return list.key, "keeps everything", "write the networks that the host is reached from, such as 10.9.0.0/24"
			case p.Bits() == 0:
				return list.key, "is everything", "write the addresses, or leave it out for any"
			}
		}
	}
	switch {
	case w.Where != whereForward && len(w.Keep) == 0:
		return "keep", "is not written, and the rules stand on a host that is reached through them", "write the networks that the host is reached from, such as keep: [10.9.0.0/24]"
	case w.KeepPort != 0 && len(w.Keep) == 0:
		return "keepPort", "goes with keep", "write the networks that the host is reached from as keep:"
	}
	return "", "", ""
}

// rule is what a packet filter does with the packets of TCP that one rule is about.
type rule struct {
	keep         bool // lets them go on to whatever comes after ours; else they vanish
	six          bool // IPv6
	from, to     netip.Prefix
	sport, dport int // 0 is any
}

// filter is what is put on a host for one link.
type filter struct {
	rules []rule   // those that keep first
	hooks []string // where the kernel goes through them: forward, input, output
}

// of tells how many rules of a family keep, and how many drop.
func (f filter) of(six bool) (keep, drop int) {
	for _, r := range f.rules {
		switch {
		case r.six != six:
		case r.keep:
			keep++
		default:
			drop++
		}
	}
	return keep, drop
}

// filter builds the rules of one act on one link.
func (w filterWith) filter(act harness.Action, on Subject) (filter, error) {
	cut, err := flowsOf(act, on)
	if err != nil {
		return filter{}, err
	}
	port, err := portOf(on.Address)
	if err != nil {
		return filter{}, fmt.Errorf("the address of %s: %w", on.Component.Name, err)
	}
	if w.Port != 0 {
		port = w.Port
	}
	from, err := addressesOf(w.From, on.From, "from")
	if err != nil {
		return filter{}, err
	}
	to, err := addressesOf(w.To, on.Address, "to")
	if err != nil {
		return filter{}, err
	}
	if len(from) == 0 {
		from = []netip.Prefix{{}}
	}
	var drops []rule
	for _, f := range from {
		for _, t := range to {
			if f.IsValid() && f.Addr().Is4() != t.Addr().Is4() {
				continue
			}
			if cut.towards {
				drops = append(drops, rule{six: t.Addr().Is6(), from: f, to: t, dport: port})
			}
			if cut.back {
				drops = append(drops, rule{six: t.Addr().Is6(), from: t, to: f, sport: port})
			}
		}
	}
	if len(drops) == 0 {
		return filter{}, fmt.Errorf("no end that connects and no end that is connected to have addresses of one family: nothing would be cut")
	}
	keeps, err := w.keeps(from, to, port)
	return filter{rules: append(keeps, drops...), hooks: w.hooks(cut)}, err
}

// keeps are the rules of the management path. One that would keep the whole link is refused: nothing would be cut.
func (w filterWith) keeps(from, to []netip.Prefix, port int) (all []rule, err error) {
	for _, text := range w.Keep {
		k, err := prefixOf(text)
		if err != nil {
			return nil, err
		}
		for _, end := range append(from[:len(from):len(from)], to...) {
			if end.IsValid() && k.Bits() <= end.Bits() && k.Contains(end.Addr()) && (w.KeepPort == 0 || w.KeepPort == port) {
				return nil, fmt.Errorf("keep: %s holds %s, an end of the link, and would keep what is to be cut: write keepPort:, or less", k, end)
			}
		}
		six := k.Addr().Is6()
		if w.KeepPort == 0 {
			all = append(all, rule{keep: true, six: six, from: k}, rule{keep: true, six: six, to: k})
			continue
		}
		all = append(all, rule{keep: true, six: six, from: k, dport: w.KeepPort}, rule{keep: true, six: six, to: k, sport: w.KeepPort},
			rule{keep: true, six: six, from: k, sport: w.KeepPort}, rule{keep: true, six: six, to: k, dport: w.KeepPort})
	}
	return all, nil
}

// hooks are where packets of the directions that are cut come by.
func (w filterWith) hooks(cut flows) []string {
	arrives, leaves := cut.towards, cut.back
	switch w.Where {
	case whereForward:
		return []string{whereForward}
	case whereOutput:
		arrives, leaves = cut.back, cut.towards
	}
	var all []string
	if arrives {
		all = append(all, whereInput)
	}
	if leaves {
		all = append(all, whereOutput)
	}
	return all
}

// rebooted says what a reboot leaves of rules that nobody has saved.
const rebooted = "A reboot of the host takes the rules with it: they are kept by the kernel alone, unless something there saves the rules in force and loads them again. " +
	"A reload of its firewall may take them too, and is found as a gap."
