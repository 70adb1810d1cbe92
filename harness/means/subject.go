package means

import (
	"net"

	"blackstart/harness"
	"blackstart/harness/target"
)

// SubjectOf is what a means of a target acts on, by its name: a component, or a link.
func SubjectOf(t *target.Target, m target.Means, on, run string) Subject {
	s := Subject{Run: run, Sudo: m.Sudo}
	for _, l := range t.Links {
		if l.Name != on {
			continue
		}
		s.Link = l
		if from, ok := t.ComponentByName(l.From); ok {
			s.From, _, _ = net.SplitHostPort(t.AddressOf(from)) //nolint:errcheck // it was joined
		}
		on = l.To
	}
	s.Component, _ = t.ComponentByName(on)
	s.Component.Region = t.RegionOf(s.Component).Name // that of its host, where the file says no other
	s.Address = t.AddressOf(s.Component)
	return s
}

// ActsOf are the acts of a means' kind; none of a kind that does not exist.
func ActsOf(m target.Means) []harness.ActionKind {
	k, ok := Means.Get(m.Means)
	if !ok {
		return nil
	}
	return k.New().Acts()
}
