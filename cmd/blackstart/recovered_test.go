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

// TestWhatAnUndoAskedOfPeopleIsOnRecord: what an undo that failed asked is kept for the one that does not.
func TestWhatAnUndoAskedOfPeopleIsOnRecord(t *testing.T) {
	l := unfinishedRun{dir: t.TempDir()}
	asked := func(at harness.Stamp, done string) harness.PersonRecord {
		return harness.PersonRecord{Act: harness.ActUndo, Fault: "loss", Asked: at, DoneBy: done}
	}
	l.keepRecovered(undoOutcome{Began: 10, Over: 20, People: []harness.PersonRecord{asked(11, "")}}) // nothing is known to be over
	l.keepRecovered(undoOutcome{Recovered: undostate.Recovered{Detail: "restored"}, Began: 30, Over: 40, People: []harness.PersonRecord{asked(31, "Ann")}})
	u := l.keepRecovered(undoOutcome{Began: 50, Over: 60}) // the pack could not be sealed before
	rec := &harness.Record{People: []harness.PersonRecord{asked(5, "Ben")}}
	u.apply(rec)
	if n := len(rec.People); n != 3 || rec.People[0].DoneBy != "Ben" || rec.People[1].Asked != 11 || rec.People[2].DoneBy != "Ann" {
		t.Errorf("%+v", rec.People)
	}
}
