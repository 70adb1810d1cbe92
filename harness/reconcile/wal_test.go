package reconcile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
)

func TestWriteWAL(t *testing.T) {
	e := drill(t, 2)
	commits := []harness.WALCommit{{ID: 3<<40 + 1, At: 1_790_000_000_000_000_001, XID: 740, LSN: "0/1A"}, {At: 1_790_000_000_000_000_002, XID: 741, LSN: "0/1B"}}
	if err := e.writeWAL(commits); err != nil {
		t.Fatal(err)
	}
	if w := e.rec.Ledger.WAL; w.File != "data/ledger/wal.jsonl" || w.Listed != 2 {
		t.Errorf("the record names %+v", w)
	}
	data, err := os.ReadFile(filepath.Join(e.s.DataDir, "ledger/wal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for i, c := range commits {
		var got harness.WALCommit
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil || got != c {
			t.Errorf("line %d is %s (%v)", i+1, lines[i], err)
		}
	}
	if err := e.writeWAL(commits); err == nil { // what is in the pack is written once
		t.Error("the list was written twice")
	}
	e = drill(t, 2)
	if err := e.writeWAL(nil); err != nil || e.rec.Ledger.WAL.File == "" || e.rec.Ledger.WAL.Listed != 0 {
		t.Errorf("no commit is an answer too: %+v, %v", e.rec.Ledger.WAL, err)
	}
}

// A log that lists more than the file may hold is cut, and the counts in the record say so.
func TestWriteWALIsBounded(t *testing.T) {
	e := drill(t, 1)
	e.rec.Ledger.WAL.Commits = maxWALLines + 1
	if err := e.writeWAL(make([]harness.WALCommit, maxWALLines+1)); err != nil {
		t.Fatal(err)
	}
	if w := e.rec.Ledger.WAL; w.Listed != maxWALLines || w.Commits <= w.Listed {
		t.Errorf("the record says %+v", w)
	}
}
