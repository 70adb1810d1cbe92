package loads

import (
	"reflect"
	"testing"

	"blackstart/harness"
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
		traits, _ := Traits(spec)
		l := load{spec: spec, traits: traits, s: harness.RunningTarget{Target: described()}}
		if err := l.place(); err != nil || !reflect.DeepEqual(l.config.Entry.Questions, want) {
			t.Errorf("%s: asks %v, %v", workload, l.config.Entry.Questions, err)
		}
	}
}

// TestALedgerHasAStore: what says that it keeps a ledger can be looked up, and nothing else can.
func TestALedgerHasAStore(t *testing.T) {
	for _, kind := range workloads.Workloads.All() {
		spec := harness.LoadSpec{ID: "a", Workload: kind.Name}
		traits, _ := Traits(spec)
		if k, keeps := Keeper(spec); traits.Ledger != keeps || keeps && k.Traits().Speaks == "" {
			t.Errorf("%s says %+v, and has a store: %v", kind.Name, traits, keeps)
		}
	}
	if _, ok := Keeper(harness.LoadSpec{Workload: "diary.ledger"}); ok {
		t.Error("a workload that is not there keeps a ledger")
	}
}

// A load that writes to several databases enters each as the target says.
func TestEachDatabaseIsEnteredInItsOwnWay(t *testing.T) {
	about := described()
	about.Components = []harness.Component{{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "west.db", Kind: "postgres", Region: "west"}}
	spec := harness.LoadSpec{Workload: "postgres.ledger", Place: harness.Outside}
	traits, _ := Traits(spec)
	l := load{spec: spec, traits: traits, s: harness.RunningTarget{Target: about, Access: func(_, component string) (harness.Access, error) {
		return harness.Access{Address: component + ":1", User: "of " + component, Auth: "scram-sha-256"}, nil
	}}}
	if err := l.place(); err != nil {
		t.Fatal(err)
	}
	d := l.config.Database
	if len(d.Addresses) != 2 || d.Logins["east.db:1"].User != "of east.db" || d.Logins["west.db:1"].User != "of west.db" || d.Logins["west.db:1"].Auth != "scram-sha-256" {
		t.Errorf("%+v", d)
	}
}
