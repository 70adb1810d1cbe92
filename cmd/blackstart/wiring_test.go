package main

import (
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// The marker is written where an objective asks for the age of answers after a fault, and nowhere else.
func TestTheMarkerIsWrittenWhereAgesAreAskedFor(t *testing.T) {
	fault := make([]harness.FaultSpec, 1)
	ages := harness.Objective{Measure: measure.MeasureWrong, StaleAfter: harness.Duration(time.Second)}
	for name, c := range map[string]struct {
		s    harness.Scenario
		want bool
	}{
		"asked for":        {harness.Scenario{Faults: fault, Objectives: []harness.Objective{{Measure: "rto"}, ages}}, true},
		"no fault":         {harness.Scenario{Objectives: []harness.Objective{ages}}, false},
		"no objective":     {harness.Scenario{Faults: fault}, false},
		"of any age":       {harness.Scenario{Faults: fault, Objectives: []harness.Objective{{Measure: measure.MeasureWrong}}}, false},
		"of another thing": {harness.Scenario{Faults: fault, Objectives: []harness.Objective{{Measure: "rto", StaleAfter: 1}}}, false},
	} {
		if got := needsMarker(&c.s); got != c.want {
			t.Errorf("%s: written %v", name, got)
		}
	}
}
