package main

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/internal/registry"
	"blackstart/loadgen/workloads"
)

func described() harness.Description {
	return harness.Description{
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.api", Kind: "api", Region: "east"}, {Name: "west.api", Kind: "api", Region: "west"},
			{Name: "west.db", Kind: "postgres", Region: "west"},
		},
		Entry:     harness.Entry{Name: "api.finrag.test.", Resolver: "127.0.0.1:1", Port: 8443},
		Questions: []harness.Question{{ID: "q1", Namespace: "public", Text: "t", Right: "r", Older: "o"}},
	}
}

func TestWhatProbesAreAskedAbout(t *testing.T) {
	full, noQuestions, noEntry := described(), described(), described()
	noQuestions.Questions = nil
	noEntry.Entry = harness.Entry{}
	for _, tc := range []struct {
		probe  string
		target harness.Description
		want   []subject
	}{
		{"http.health", full, []subject{{"east.api", harness.Primary, "east"}, {"west.api", harness.Standby, "west"}}},
		{"replication.lag", full, []subject{{"west.db", harness.Standby, "west"}}},
		{"dns.answer", full, []subject{{"west", harness.Standby, "west"}}},
		{"answers.known", full, []subject{{"entry", harness.Outside, ""}}},
		{"answers.known", noQuestions, nil},
		{"answers.known", noEntry, nil},
	} {
		if _, ok := probes.Probes.Get(tc.probe); !ok {
			t.Errorf("there is no probe %s", tc.probe)
		}
		if got := probed(tc.probe, &tc.target); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.probe, got, tc.want)
		}
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

// plantedProbe is a probe that works from the moment it is opened, or cannot be opened.
type plantedProbe struct {
	open *int // how many are open
	fail bool
}

func (p plantedProbe) Open(context.Context, harness.ProbeConfig) (harness.Probe, error) {
	if p.fail {
		return nil, errors.New("planted")
	}
	*p.open++
	return p, nil
}
func (plantedProbe) Every() time.Duration                    { return time.Second }
func (plantedProbe) Ask(context.Context) harness.Observation { return harness.Observation{} }
func (p plantedProbe) Close()                                { *p.open-- }

// A probe that cannot be opened leaves none of the others at work.
func TestProbesAreOpenedAllOrNone(t *testing.T) {
	open := 0
	kind := func(fail bool) registry.Kind[probes.Factory] {
		return registry.Kind[probes.Factory]{Name: "replication.lag", New: func() probes.Factory { return plantedProbe{&open, fail} }}
	}
	s := harness.Surroundings{Target: described(), Clock: harness.NewClock()}
	if _, err := openKinds([]registry.Kind[probes.Factory]{kind(false), kind(false), kind(true)}, s, false); err == nil || open != 0 {
		t.Errorf("%v, %d probes are left open", err, open)
	}
	runs, err := openKinds([]registry.Kind[probes.Factory]{kind(false), kind(false)}, s, false)
	if err != nil || len(runs) != 2 || open != 2 {
		t.Fatalf("%v, %d runs, %d open", err, len(runs), open)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, run := range runs {
		run.Run(ended, func(harness.Observation) {})
	}
	if open != 0 {
		t.Errorf("%d probes are open after their runs", open)
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
	var got harness.ProbeConfig
	kind := registry.Kind[probes.Factory]{Name: "answers.known", New: func() probes.Factory { return notedProbe{config: &got} }}
	for _, marker := range []bool{true, false} {
		if _, err := openKinds([]registry.Kind[probes.Factory]{kind}, harness.Surroundings{Target: described()}, marker); err != nil || got.Marker != marker {
			t.Errorf("the probe was told %v, %v", got.Marker, err)
		}
	}
}

// notedProbe notes what it is opened with.
type notedProbe struct {
	plantedProbe
	config *harness.ProbeConfig
}

func (p notedProbe) Open(_ context.Context, c harness.ProbeConfig) (harness.Probe, error) {
	*p.config = c
	return p, nil
}
