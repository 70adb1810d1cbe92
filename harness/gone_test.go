package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestGoneTakesErrorsApart: only what is nothing but gone is no trouble.
func TestGoneTakesErrorsApart(t *testing.T) {
	east := &GoneError{Component: "east.db", Found: "no container"}
	for name, c := range map[string]struct {
		err        error
		gone, rest int
	}{
		"nothing":         {nil, 0, 0},
		"gone":            {fmt.Errorf("execute: %w", east), 1, 0},
		"two":             {errors.Join(east, &GoneError{Component: "east.api"}), 2, 0},
		"gone and broken": {fmt.Errorf("execute: %w", errors.Join(east, errors.New("no answer"))), 1, 1},
		"broken":          {fmt.Errorf("execute: %w", errors.New("no answer")), 0, 1},
	} {
		if gone, rest := Gone(c.err); len(gone) != c.gone || len(rest) != c.rest {
			t.Errorf("%s: gone %v, rest %v", name, gone, rest)
		}
	}
}

// TestGoneIsNoFailure: a database that is gone needs no fence, the undo goes on, and the record says what was found.
func TestGoneIsNoFailure(t *testing.T) {
	r := newRig()
	r.fail[ComponentFence] = fmt.Errorf("execute: %w", &GoneError{Component: "east.db", Found: "no container with its id is left"})
	rec, err, _ := tell(t, r, nil)
	if err != nil || rec.Status != Completed || !rec.Undo.Complete || rec.Undo.Fenced || !rec.Faults[0].Restored ||
		!slices.Contains(r.told, "link.heal") || len(rec.Undo.Gone) != 1 || !strings.Contains(rec.Undo.Gone[0], "east.db is gone: no container") {
		t.Errorf("%v, status %s, undo %+v, told %v", err, rec.Status, rec.Undo, r.told)
	}
	if slices.Contains(r.told, "link.answers outside→east.db") || slices.Contains(r.events, "primary.fenced") || !slices.Contains(r.events, "component.gone") {
		t.Errorf("told %v, events %v", r.told, r.events)
	}
}

// TestGoneHidesNoTrouble: what could not be fenced stays a failure, whatever else is gone; so does one that still takes writes.
func TestGoneHidesNoTrouble(t *testing.T) {
	for name, spoil := range map[string]func(*rig){
		"another trouble": func(r *rig) {
			r.fail[ComponentFence] = errors.Join(&GoneError{Component: "east.db"}, errors.New("the engine does not answer"))
		},
		"it takes writes": func(r *rig) { r.fail[ComponentFence] = &GoneError{Component: "east.db"}; r.writes = true },
	} {
		r := newRig()
		spoil(r)
		if rec, _, _ := tell(t, r, nil); rec.Undo.Complete || slices.Contains(r.told, "link.heal") {
			t.Errorf("%s: undo %+v, told %v", name, rec.Undo, r.told)
		}
	}
}

// TestFenceable refuses a plan that would fence what is not there, or no database.
func TestFenceable(t *testing.T) {
	for name, want := range map[string]string{"east.db": "", "north.db": "has no such component", "east.api": "only a database"} {
		err := fenceable(Plan{Fences: []string{name}}, rigTarget())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
