package main

import (
	"errors"
	"strings"

	"blackstart/evidence"
	"blackstart/harness/targets/external"
	"blackstart/internal/strictyaml"
)

// wrongGivenUp refuses --given-up that does not say who gives a run up, and why.
func wrongGivenUp(text string) error {
	who, why, said := strings.Cut(text, ": ")
	if text == "" || said && strings.TrimSpace(who) != "" && strings.TrimSpace(why) != "" && strictyaml.CheckText(text, 300) == nil {
		return nil
	}
	return usage(errors.New("--given-up does not say who gives it up, and why"), `write --given-up "NAME: what was done instead", in one line`)
}

// giveUp puts on record that somebody answers from here on for what an undo could not show, and gives what is said of it. A run on a
// rehearsal target is not given up: what it has left is ours.
func (l unfinishedRun) giveUp(done undoOutcome, left *exitError, redact *evidence.Redactor) (undoOutcome, bool) {
	if _, there, _ := external.Kept(l.dir, keptReader().Parse); !there || l.givenUp == "" {
		return done, false
	}
	by := redact.Text(l.givenUp)
	done.givenUp = true
	done.Detail = strings.TrimPrefix(done.Detail+"; given up by "+by+"; nothing has shown that it is over", "; ")
	left.hint = "it was given up by " + by + ": its state is gone, and no drill waits for it any more; see to the target"
	return done, true
}
