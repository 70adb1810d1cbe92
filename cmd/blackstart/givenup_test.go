package main

import (
	"testing"

	"blackstart/evidence"
)

// A run is given up by somebody who says why, and only on the target of a file: what a rehearsal has left is ours.
func TestWhoMayGiveUp(t *testing.T) {
	for text, fine := range map[string]bool{"": true, "Ann: rebuilt": true, "Ann": false, ": rebuilt": false, "Ann: ": false, "Ann:rebuilt": false, "Ann: two\nlines": false} {
		if err := wrongGivenUp(text); (err == nil) != fine {
			t.Errorf("%q: %v", text, err)
		}
	}
	l := unfinishedRun{dir: t.TempDir(), givenUp: "Ann: rebuilt"}
	left := &exitError{hint: "as before"}
	if done, ok := l.giveUp(undoOutcome{}, left, evidence.NewRedactor()); ok || done.Detail != "" || left.hint != "as before" {
		t.Errorf("a run on a rehearsal target was given up: %+v, %s", done, left.hint)
	}
}
