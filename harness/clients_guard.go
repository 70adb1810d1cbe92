package harness

import (
	"errors"
	"slices"
)

// GuardsOthers refuses a drill outside a rehearsal that has no guard on clients which are not the drill's own: our own load suffers
// first where we hurt somebody, but not with everybody. A guard counts if its probe is one that the file of the target lists, or one
// that tells what clients get; traits says what a listed probe is, false where that cannot be known.
func GuardsOthers(s *Scenario, target *Description, traits func(ProbeSpec) (ProbeTraits, bool)) error {
	if target.Environment == Rehearsal {
		return nil
	}
	counts := func(g Guard) bool {
		of := func(p ProbeSpec) bool { return named(p.ID, p.Probe, g.Probe) }
		tells := func(p ProbeSpec) bool {
			t, ok := traits(p)
			return of(p) && ok && t.Clients
		}
		return slices.ContainsFunc(target.Probes, of) || slices.ContainsFunc(s.Probes, tells)
	}
	if slices.ContainsFunc(s.Guards, counts) {
		return nil
	}
	return errors.New("no guard watches clients that are not the drill's own, and this is no rehearsal: " +
		"list a probe in the target's file that tells what they get, and write a guard on it")
}
