package main

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/undostate"
)

// TestUndoTellsGoneFromRestored: only what was seen to be over counts as restored.
func TestUndoTellsGoneFromRestored(t *testing.T) {
	fault := func(kind string, do harness.Stamp) harness.FaultRecord {
		return harness.FaultRecord{Plan: harness.Plan{Fault: harness.FaultSpec{Kind: kind}}, Do: harness.Interval{Lo: do}}
	}
	rec := &harness.Record{Faults: []harness.FaultRecord{fault("code.stale", 5), fault("replication.break", 6), fault("region.kill", 0)}}
	u := undoOutcome{Recovered: undostate.Recovered{Restored: []int{0}, Detail: "it was found gone"}, Began: 10, Over: 20}
	u.apply(rec)
	if !rec.Faults[0].Restored || rec.Faults[1].Restored || rec.Faults[2].Restored || rec.Faults[2].Undone.Hi != 0 ||
		rec.Faults[1].Undone.Hi != 20 || rec.Undo.At.Lo != 10 || rec.Ended != 20 ||
		rec.Undo.Detail != "finished by `blackstart undo`: it was found gone; not seen to be over before that: replication.break" {
		t.Errorf("%+v, %+v", rec.Faults, rec.Undo)
	}
}

// TestSecondUndoKeepsTheFirst: a pack that could not be sealed the first time still tells what was taken back then.
func TestSecondUndoKeepsTheFirst(t *testing.T) {
	l := unfinishedRun{dir: t.TempDir()}
	first := undoOutcome{Recovered: undostate.Recovered{
		Ended: []string{"west.api"}, Restored: []int{0}, Detail: "restored", Events: []harness.Event{{Kind: "fault.restored", Text: "over"}},
	}, Began: 10, Over: 20}
	if got := l.keepRecovered(first); got.Detail != "restored" || got.Over != 20 {
		t.Errorf("the first: %+v", got)
	}
	got := l.keepRecovered(undoOutcome{Began: 30, Over: 40})
	if got.Detail != "restored" || len(got.Events) != 1 || len(got.Restored) != 1 || len(got.Ended) != 1 || got.Began != 10 || got.Over != 40 {
		t.Errorf("the second: %+v", got)
	}
	var said []string
	got.report(func(line string) { said = append(said, line) }, []string{"code.stale"}, nil)
	if text := strings.Join(said, "\n"); !strings.Contains(text, "code.stale may have been in force; restored") || !strings.Contains(text, "over") ||
		!strings.Contains(text, "ended 1 components that still ran: west.api") {
		t.Errorf("said %q", text)
	}
}
