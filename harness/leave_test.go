package harness

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// Who is in a hurry leaves once everything is undone, and not before.
func TestInAHurryOnlyTheUndoIsWaitedFor(t *testing.T) {
	r := newRig()
	hurry, hurryUp := context.WithCancel(context.Background())
	rec, err, _ := tell(t, r, func(p *Parts) {
		p.LeaveEarly = hurry
		p.Undone = hurryUp // the second signal comes at this very moment
	})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(r.told, "reconcile") || slices.Contains(r.told, "stop") || !slices.Contains(r.told, "link.heal") {
		t.Errorf("told %v", r.told)
	}
	if rec.Status != Stopped || !strings.Contains(rec.StatusReason, "left by the operator") || !rec.Undo.Complete {
		t.Errorf("status %s (%s), undo %+v", rec.Status, rec.StatusReason, rec.Undo)
	}
	if !slices.Contains(r.events, "drill.left") {
		t.Errorf("events %v", r.events)
	}
}

// An undo that is not complete is never told as done.
func TestAnIncompleteUndoIsNotToldAsDone(t *testing.T) {
	r := newRig()
	r.stuck = true
	done := false
	rec, _, _ := tell(t, r, func(p *Parts) { p.Undone = func() { done = true } })
	if rec.Undo.Complete || done {
		t.Errorf("undo %+v, told as done: %t", rec.Undo, done)
	}
}
