package main

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
)

// probesFor opens every probe that the scenario has a use for, on all that it can be asked of.
func probesFor(scenario *harness.Scenario) func(harness.RunningTarget) ([]harness.ProbeRun, error) {
	kinds := slices.DeleteFunc(probes.Probes.All(), func(k registry.Kind[probes.Factory]) bool {
		return k.New().Traits().Writes != "" && !uses(scenario, k.Name)
	})
	return func(s harness.RunningTarget) ([]harness.ProbeRun, error) {
		return probes.Open(kinds, s, needsMarker(scenario))
	}
}

// uses tells whether a scenario needs a probe that writes: where something is broken, what becomes of the standby is always
// measured; else it is only asked for by name. Nothing is written that nobody needs.
func uses(s *harness.Scenario, probe string) bool {
	return len(s.Faults) > 0 ||
		slices.ContainsFunc(s.SteadyState.Require, func(r harness.Requirement) bool { return r.Probe == probe }) ||
		slices.ContainsFunc(s.Guards, func(g harness.Guard) bool { return g.Probe == probe })
}

// needsMarker tells whether a scenario asks how old the answers were that clients were given: only then is the marker written
// that shows it. Without a fault no answer is judged.
func needsMarker(s *harness.Scenario) bool {
	return len(s.Faults) > 0 && slices.ContainsFunc(s.Objectives, func(o harness.Objective) bool {
		return measure.RowOf(o.Measure).Questions && o.StaleAfter > 0
	})
}
