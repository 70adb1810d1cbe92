package main

import (
	"reflect"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen/workloads"
)

func described() harness.Description {
	return harness.Description{
		Regions:   []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Entry:     harness.Entry{Name: "api.finrag.test.", Resolver: "127.0.0.1:1", Port: 8443},
		Questions: []harness.Question{{ID: "q1", Namespace: "public", Text: "t", Right: "r", Older: "o"}},
	}
}

func TestOnlyUsersAskKnownQuestions(t *testing.T) {
	want := []workloads.Question{{ID: "q1", Namespace: "public", Text: "t", Right: "r"}}
	for workload, want := range map[string][]workloads.Question{"http.query": want, "metronome": nil} {
		spec := harness.LoadSpec{Workload: workload, Place: harness.Outside}
		traits, _ := traitsOf(spec)
		l := load{spec: spec, traits: traits, s: harness.Surroundings{Target: described()}}
		if err := l.place(); err != nil || !reflect.DeepEqual(l.config.Entry.Questions, want) {
			t.Errorf("%s: asks %v, %v", workload, l.config.Entry.Questions, err)
		}
	}
}

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
		if got := asksAge(&c.s); got != c.want {
			t.Errorf("%s: written %v", name, got)
		}
	}
}
