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
