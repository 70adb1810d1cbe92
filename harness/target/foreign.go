package target

import (
	"net/netip"

	"blackstart/harness"
)

// Foreign tells whether a host may not be part of a rehearsal: it is not shown to be on this machine. A name is not.
func (t *Target) Foreign(host string) bool { return t.foreign(host) != "" }

// foreign says why a host may not be part of a rehearsal, "" if it may.
func (t *Target) foreign(host string) string {
	if t.Metadata.Environment != harness.Rehearsal || host == "localhost" {
		return ""
	}
	a, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return "it is a name, which may lead anywhere"
	case a.Unmap().IsLoopback():
		return ""
	case t.here == nil:
		return "it is not a loopback address"
	}
	if err := t.here(a); err != nil {
		return err.Error()
	}
	return ""
}
