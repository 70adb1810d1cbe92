package evidence

import (
	"slices"
	"testing"

	"blackstart/harness"
)

// A list of commits that the record names must be in the pack, and one that it does not name must not.
func TestTheListOfCommitsIsExpectedWhereItIsNamed(t *testing.T) {
	const file = "data/ledger/wal.jsonl"
	rec := &harness.Record{Status: harness.Completed}
	if required, allowed := (&checker{}).expectedFiles(rec); slices.Contains(required, file) || allowed(file) {
		t.Error("a list that the record does not name is let in")
	}
	rec.Ledger.WAL.File = file
	if required, _ := (&checker{}).expectedFiles(rec); !slices.Contains(required, file) {
		t.Error("a list that the record names may be missing")
	}
}
