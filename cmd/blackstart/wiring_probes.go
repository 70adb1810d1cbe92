package main

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
)

// probesFor opens every probe that the scenario has a use for, on all that it can be asked of, and those that it or the target lists.
// An observation writes no marker.
func probesFor(scenario *harness.Scenario, observing bool) func(harness.RunningTarget) []harness.ProbeRun {
	kinds := slices.DeleteFunc(probes.Probes.All(), func(k registry.Kind[probes.Factory]) bool {
		t := k.New().Traits()
		return t.Listed || t.Writes != "" && !uses(scenario, k.Name)
	})
	return func(s harness.RunningTarget) []harness.ProbeRun {
		runs := probes.Open(kinds, slices.Concat(scenario.Probes, s.Target.Probes), s, !observing && needsMarker(scenario))
		for i := range runs {
			runs[i].Needs = neededBy(scenario, runs[i].Probe)
		}
		return runs
	}
}

// neededBy names the first objective that has no value without a kind of probe, "" if there is none.
func neededBy(s *harness.Scenario, probe string) string {
	for _, o := range s.Objectives {
		if slices.Contains(measure.RowOf(o.Measure).Probes, probe) {
			return "objective " + o.ID
		}
	}
	return ""
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
