package main

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
)

// probesFor opens every probe that the scenario has a use for, on all that it can be asked of.
func probesFor(scenario *harness.Scenario) func(harness.Surroundings) ([]harness.ProbeRun, error) {
	kinds := slices.DeleteFunc(probes.Probes.All(), func(k registry.Kind[probes.Factory]) bool {
		return k.New().Traits().Writes != "" && !uses(scenario, k.Name)
	})
	return func(s harness.Surroundings) ([]harness.ProbeRun, error) { return probes.Open(kinds, s) }
}

// uses tells whether a scenario needs a probe that writes: where something is broken, what becomes of the standby is always
// measured; else it is only asked for by name. Nothing is written that nobody needs.
func uses(s *harness.Scenario, probe string) bool {
	return len(s.Faults) > 0 ||
		slices.ContainsFunc(s.SteadyState.Require, func(r harness.Requirement) bool { return r.Probe == probe }) ||
		slices.ContainsFunc(s.Guards, func(g harness.Guard) bool { return g.Probe == probe })
}
