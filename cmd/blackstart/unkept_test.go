package main

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/reconcile"
	"blackstart/loadgen/workloads"
)

// TestALedgerIsLookedUpOrRefused: what was acknowledged and cannot be looked up would be counted as lost.
func TestALedgerIsLookedUpOrRefused(t *testing.T) {
	for _, k := range workloads.Workloads.All() {
		if traits := k.New().Traits(); traits.Ledger && !reconcile.Keeps(traits.Speaks) {
			t.Errorf("%s keeps a ledger in a %q, which nobody can look up", k.Name, traits.Speaks)
		}
	}
	if writesLedger([]harness.LoadSpec{{Workload: "http.query"}, {Workload: "metronome"}}) || !writesLedger([]harness.LoadSpec{{Workload: "postgres.ledger"}}) {
		t.Error("who writes a ledger is not known by traits")
	}
	refused := unkept([]harness.LoadSpec{{ID: "a", Workload: "postgres.ledger"}, {ID: "b", Workload: "diary.ledger"}}, func(l harness.LoadSpec) (harness.Traits, bool) {
		kind, _, _ := strings.Cut(l.Workload, ".")
		return harness.Traits{Ledger: true, Speaks: kind}, true
	})
	if len(refused) != 1 || !strings.Contains(refused[0].Err.Error(), `load b keeps a ledger in components of kind "diary"`) {
		t.Errorf("refused %v", refused)
	}
}
