package containers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/relay"
)

// cutDirections are the directions in which a link is cut, as seen from the component it leads to.
type cutDirections struct{ in, out bool }

// sidesOf translates a direction seen from the region to one seen from the component.
func (r *rehearsal) sidesOf(a harness.Action, link harness.Link) (cutDirections, error) {
	if a.Direction == "" || a.Direction == harness.Both {
		return cutDirections{true, true}, nil
	}
	if a.Direction != harness.In && a.Direction != harness.Out {
		return cutDirections{}, fmt.Errorf("direction %q is not known", a.Direction)
	}
	inwards := a.Direction == harness.In
	to, _ := r.Described.ComponentByName(link.To)
	switch a.Region {
	case to.Region:
		return cutDirections{in: inwards, out: !inwards}, nil
	case link.From:
		return cutDirections{in: !inwards, out: inwards}, nil
	}
	return cutDirections{}, fmt.Errorf("link %s has no end in region %q, of which the direction speaks", link.Name, a.Region)
}

// Cut drops the packets of links.
func (r *rehearsal) Cut(ctx context.Context, a harness.Action) error {
	wanted := maps.Clone(r.cuts)
	for _, name := range a.Links {
		link, _ := r.Described.LinkByName(name)
		s, err := r.sidesOf(a, link)
		if err != nil {
			return err
		}
		wanted[name] = cutDirections{in: wanted[name].in || s.in, out: wanted[name].out || s.out}
	}
	return r.applyCuts(ctx, a.Links, wanted)
}

// Heal lets them pass again.
func (r *rehearsal) Heal(ctx context.Context, a harness.Action) error {
	wanted := maps.Clone(r.cuts)
	for _, name := range a.Links {
		delete(wanted, name)
	}
	return r.applyCuts(ctx, a.Links, wanted)
}

// applyCuts makes the wanted cuts those in force, in all gates that have to do with the links, at the same time. After an
// error it is not known what is in force, but what was wanted is remembered: the next action sets all rules anew.
func (r *rehearsal) applyCuts(ctx context.Context, links []string, wanted map[string]cutDirections) error {
	r.cuts = wanted
	var names []string
	for _, l := range links {
		link, _ := r.Described.LinkByName(l)
		name, _ := linkEnd(link)
		names = append(names, name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	errs := make([]error, len(names)+1)
	var setting sync.WaitGroup
	for i, name := range names {
		setting.Go(func() { errs[i] = r.applyTo(ctx, name, wanted) })
	}
	if slices.Contains(links, finrag.WALLink) {
		errs[len(names)] = r.enforceRelay(wanted[finrag.WALLink])
	}
	setting.Wait()
	return errors.Join(errs...)
}

// applyTo sets the rules of one gate. One whose container is gone carries nothing, and says so: there is nothing left to heal,
// and nothing that a new cut could hold.
func (r *rehearsal) applyTo(ctx context.Context, name string, wanted map[string]cutDirections) error {
	g := r.gates[name]
	err := g.apply(ctx, r.rulesOf(name, wanted))
	if err == nil {
		return nil
	}
	gone := r.goneGate(ctx, name)
	if missing, rest := harness.Gone(gone); len(missing) > 0 && len(rest) == 0 {
		return gone
	}
	return errors.Join(err, gone)
}

// rulesOf are the rules of one gate: packets of a cut link vanish, by the address that only this link uses.
func (r *rehearsal) rulesOf(gate string, wanted map[string]cutDirections) (rules []string) {
	for _, l := range r.Described.Links {
		name, network := linkEnd(l)
		if name != gate {
			continue
		}
		address := r.gates[gate].address[network]
		if wanted[l.Name].in {
			rules = append(rules, "-A INPUT -d "+address+" -j DROP")
		}
		if wanted[l.Name].out {
			rules = append(rules, "-A OUTPUT -s "+address+" -j DROP")
		}
	}
	return rules
}

// enforceRelay cuts the relay of the WAL, if there is one, too: it would go on to accept.
func (r *rehearsal) enforceRelay(s cutDirections) error {
	if r.walRelay == nil {
		return nil
	}
	switch {
	case s.in && s.out:
		return r.walRelay.Cut(relay.Both)
	case s.in:
		return r.walRelay.Cut(relay.ToUpstream)
	case s.out:
		return r.walRelay.Cut(relay.ToClient)
	}
	return r.walRelay.Heal()
}

// linkEnd is where a link ends: the gate that can cut it and the network it goes through.
func linkEnd(l harness.Link) (gate, network string) {
	region, _, _ := strings.Cut(l.To, ".")
	if l.From == outside {
		return l.To, upTo(region)
	}
	return l.To, walNet
}
