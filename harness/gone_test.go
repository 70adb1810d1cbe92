package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
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

// TestFenceable refuses a plan that would fence what is not there, or what replicates with nothing, whatever its kind.
func TestFenceable(t *testing.T) {
	target := rigTarget()
	target.Components = append(target.Components, Component{Name: "east.store", Kind: "redis", Role: Primary}, Component{Name: "east.cache", Kind: "redis"})
	for name, want := range map[string]string{
		"east.db": "", "east.store": "", "north.db": "has no such component", "east.api": "only a database", "east.cache": "only a database",
	} {
		err := fenceable(Plan{Fences: []string{name}}, target)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// census is a rig whose components somebody else removes.
type census struct {
	*rig
	missing func() error
}

func (c census) MissingComponents(context.Context) error { return c.missing() }

// TestRemovedComponentsAreNoFailure: what somebody else removed, which no step of the undo meets, is looked for, told once, and not
// asked of; everything else still is.
func TestRemovedComponentsAreNoFailure(t *testing.T) {
	api := &GoneError{Component: "east.api", Found: "no container"}
	for name, c := range map[string]struct {
		missing         func(looks int) error
		stuck, complete bool
		gone            int
	}{
		"before the undo":     {func(int) error { return api }, true, true, 1},
		"during the proof":    {func(looks int) error { return map[bool]error{true: api}[looks > 1] }, true, true, 1},
		"another one":         {func(int) error { return &GoneError{Component: "west.api"} }, true, false, 1},
		"none":                {func(int) error { return nil }, true, false, 0},
		"it cannot be asked":  {func(int) error { return errors.New("the engine does not answer") }, true, false, 0},
		"nothing is the case": {func(int) error { return nil }, false, true, 0},
	} {
		looks := 0
		r := newRig()
		rec, err, _ := tell(t, r, func(p *Parts) {
			p.Driver = census{r, func() error { looks++; return c.missing(looks) }}
			await := p.Await
			p.Await = func(ctx context.Context, s RunningTarget, checks []Check, within time.Duration) (Interval, error) {
				at, err := await(ctx, s, checks, within)
				if c.stuck && slices.Contains(checks, Check{Kind: LinkAnswers, On: "outside→east.api"}) {
					err = errors.New("no answer")
				}
				return at, err
			}
		})
		if err != nil || rec.Undo.Complete != c.complete || rec.Faults[0].Restored != c.complete || len(rec.Undo.Gone) != c.gone {
			t.Errorf("%s: %v, undo %+v, restored %v", name, err, rec.Undo, rec.Faults[0].Restored)
		}
		if told := slices.Contains(r.events, "component.gone"); told != (c.gone > 0) {
			t.Errorf("%s: events %v", name, r.events)
		}
		if name == "it cannot be asked" && !slices.Contains(r.events, "target.unasked") {
			t.Errorf("%s: events %v", name, r.events)
		}
	}
}

// TestProvable leaves out what cannot hold because something is away, and nothing else.
func TestProvable(t *testing.T) {
	checks := []Check{{Kind: LinkAnswers, On: "outside→east.db"}, {Kind: LinkAnswers, On: "outside→east.api"}, {Kind: ComponentRuns, On: "east.api"},
		{Kind: HeartbeatFlows, On: "west.db"}, {Kind: BuildIs, On: "outside→east.api", Want: "2"}}
	for away, want := range map[string][]Check{"": checks, "east.api": {checks[0], checks[3]}, "east.db": {checks[1], checks[2], checks[4]}} {
		if got := ChecksThatCanHold(rigTarget(), checks, func(name string) bool { return name == away }, func(k CheckKind) bool { return k == HeartbeatFlows }); !slices.Equal(got, want) {
			t.Errorf("without %q: %v, want %v", away, got, want)
		}
	}
}
