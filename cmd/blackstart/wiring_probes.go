package main

import (
	"context"
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
)

// probesFor opens every probe that the description allows and the scenario has a use for: each on what it speaks of.
func probesFor(scenario *harness.Scenario) func(harness.Surroundings) ([]harness.ProbeRun, error) {
	kinds := slices.DeleteFunc(slices.Clone(probes.Probes.All()), func(k registry.Kind[probes.Factory]) bool {
		_, writes := k.New().(probes.Writer)
		return writes && !uses(scenario, k.Name)
	})
	return func(s harness.Surroundings) ([]harness.ProbeRun, error) {
		return openKinds(kinds, s, asksAge(scenario))
	}
}

// uses tells whether a scenario needs a probe that writes: where something is broken, what becomes of the standby is always
// measured; else it is only asked for by name. Nothing is written that nobody needs.
func uses(s *harness.Scenario, probe string) bool {
	return len(s.Faults) > 0 ||
		slices.ContainsFunc(s.SteadyState.Require, func(r harness.Requirement) bool { return r.Probe == probe }) ||
		slices.ContainsFunc(s.Guards, func(g harness.Guard) bool { return g.Probe == probe })
}

// asksAge tells whether a scenario asks how old the answers were that clients were given: only then is the marker written that
// shows it. Without a fault no answer is judged.
func asksAge(s *harness.Scenario) bool {
	return len(s.Faults) > 0 && slices.ContainsFunc(s.Objectives, func(o harness.Objective) bool {
		return o.Measure == measure.MeasureWrong && o.StaleAfter > 0
	})
}

// openKinds opens probes of these kinds, with the marker or without: all of them, or none. Some work from the moment they are
// opened.
func openKinds(kinds []registry.Kind[probes.Factory], s harness.Surroundings, marker bool) (runs []harness.ProbeRun, err error) {
	var opened []harness.Probe
	defer func() {
		if err != nil {
			for _, p := range opened {
				p.Close()
			}
		}
	}()
	for _, kind := range kinds {
		factory := kind.New()
		for _, of := range probed(kind.Name, &s.Target) {
			p, err := factory.Open(context.Background(), harness.ProbeConfig{Target: s.Target, Region: of.region, Clock: s.Clock,
				Access: s.Access, Every: factory.Every(), Marker: marker})
			if err != nil {
				return nil, err
			}
			opened = append(opened, p)
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, On: of.on, Role: of.role, Every: factory.Every(),
				Run: func(ctx context.Context, sink func(harness.Observation)) {
					defer p.Close()
					probes.Run(ctx, p, factory.Every(), s.Clock, sink)
				}})
		}
	}
	return runs, nil
}

// subject is what one series of a probe speaks of.
type subject struct{ on, role, region string }

// probed says what a probe is asked about on a target: nothing, where the target has nothing of the kind.
func probed(probe string, t *harness.Description) []subject {
	roles, kind := []string{harness.Standby}, "postgres"
	switch probe {
	case "http.health":
		roles, kind = []string{harness.Primary, harness.Standby}, "api"
	case "dns.answer":
		kind = "dns"
	case "answers.known":
		if len(t.Questions) == 0 || t.Entry.Name == "" {
			return nil
		}
		return []subject{{on: "entry", role: harness.Outside}}
	}
	var all []subject
	for _, role := range roles {
		region, ok := t.RegionByRole(role)
		if !ok {
			continue
		}
		on := region.Name
		if c, ok := t.ComponentOf(region.Name, kind); ok {
			on = c.Name
		}
		all = append(all, subject{on, role, region.Name})
	}
	return all
}
