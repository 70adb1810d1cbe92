package main

import (
	"reflect"
	"testing"

	"blackstart/harness"
	"blackstart/harness/probes"
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
		l := load{spec: harness.LoadSpec{Workload: workload, Place: harness.Outside}, s: harness.Surroundings{Target: described()}}
		if err := l.place(); err != nil || !reflect.DeepEqual(l.config.Entry.Questions, want) {
			t.Errorf("%s: asks %v, %v", workload, l.config.Entry.Questions, err)
		}
	}
}
