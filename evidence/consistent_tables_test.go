package evidence

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// What another target, workload or currency brings is accepted as it is: three readings of each database, codes of a workload that this
// build does not have, amounts with no decimals or with eight.
func TestTablesOfOtherDrillsAreAccepted(t *testing.T) {
	rec := &harness.Record{Target: harness.Description{Components: []harness.Component{{Name: "a.db"}, {Name: "b.db"}}},
		Scenario: harness.Scenario{Load: []harness.LoadSpec{{Workload: "queue.push"}}},
		Outcomes: append(loadgen.CommonOutcomes(), loadgen.OutcomeCode{Code: 200, Name: "queue-full", Class: loadgen.ClassFailed})}
	for currency, exponent := range map[string]uint8{"JPY": 0, "KWD": 3, "": 8, "USD": 2} {
		s := harness.Stream{ID: 1, Load: "ledger", Kind: "ledger", Recorded: &harness.Traits{Ledger: true, Table: "app.payments", Valued: true, Currency: currency, Exponent: exponent}}
		rec.Streams, rec.Ledger = []harness.Stream{s}, harness.LedgerRecord{WAL: harness.WALReport{Tool: "pg_waldump", Table: "app.payments"}}
		for _, node := range []string{"a.db", "b.db"} {
			for _, reading := range harness.Readings {
				rec.Ledger.Copies = append(rec.Ledger.Copies, harness.CopiesFile{Stream: 1, Load: "ledger", Node: node, Reading: reading})
			}
		}
		for what, err := range map[string]error{"readings": namedReadings(rec), "table": agreesOnTable(rec), "currency": agreesOnCurrency(rec, s), "outcomes": knownOutcomes(rec)} {
			if err != nil {
				t.Errorf("%s, %s: %v", currency, what, err)
			}
		}
	}
	rec.Ledger.Copies = append(rec.Ledger.Copies, rec.Ledger.Copies[3])
	if err := namedReadings(rec); err == nil || !strings.Contains(err.Error(), "two files of what was found before-heal on b.db") {
		t.Errorf("one reading twice: %v", err)
	}
	rec.Outcomes = rec.Outcomes[1:]
	if err := knownOutcomes(rec); err == nil || !strings.Contains(err.Error(), "does not say that 1 is ok") {
		t.Errorf("without ok: %v", err)
	}
}
