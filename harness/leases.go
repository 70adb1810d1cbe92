package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Leasing is what a driver offers whose target has somebody near it who undoes what is in force when the harness falls silent.
type Leasing interface {
	// Arm has them ready for these plans, and sees that they are; from then on they are kept so. It says of each, in words, what it does.
	Arm(ctx context.Context, plans []Plan) (words []string, err error)
	// Lapsed says why they have undone what is in force by themselves, or could not do so; "" while all is well.
	Lapsed() string
	// Released lists what is in force no more, though nobody here has undone it, each in words and once.
	Released() []string
}

// errLease ends the story of a drill that nobody would undo if the harness fell silent, or that somebody has.
var errLease = errors.New("the drill was ended because of its lease")

// arm has somebody ready near the target before anything is loaded or broken.
func (d *drill) arm(ctx context.Context, plans []Plan) error {
	l, ok := d.Driver.(Leasing)
	if !ok {
		return nil
	}
	words, err := l.Arm(ctx, plans)
	for _, w := range words {
		d.note("lease.armed", w, nil)
	}
	if err != nil {
		return fmt.Errorf("arm the lease: %w", err)
	}
	return nil
}

// leased ends a drill whose lease has lapsed, and puts on record what somebody else has undone.
func (d *drill) leased() error {
	l, ok := d.Driver.(Leasing)
	if !ok {
		return nil
	}
	for _, words := range l.Released() {
		d.rec.Released = append(d.rec.Released, words)
		d.note("fault.released", words, nil)
	}
	if why := l.Lapsed(); why != "" {
		d.note("lease.lapsed", why, nil)
		return fmt.Errorf("%w: %s", errLease, why)
	}
	return nil
}

// A LeftError says that an undo has left a component as it is, on purpose: what was done to it would, taken back, put two in the lead.
type LeftError struct {
	Component string
	Why       string // and what people must do
}

func (e *LeftError) Error() string { return e.Component + " was left as it is: " + e.Why }

// leftOnPurpose takes, out of an error, what was left on purpose, and puts each on record.
func (d *drill) leftOnPurpose(rest []error) []error {
	return slices.DeleteFunc(rest, func(err error) bool {
		var left *LeftError
		if !errors.As(err, &left) {
			return false
		}
		if d.gone[left.Component] == "" {
			d.gone[left.Component] = left.Error()
			d.rec.Undo.Left = append(d.rec.Undo.Left, left.Error())
			d.note("component.left", left.Error(), map[string]string{"component": left.Component})
		}
		return true
	})
}

// Fencing is what a driver offers on which a fence is a question first.
type Fencing interface {
	// LeadsBeside names who leads in place of a component, "" for nobody. An error says who could not be asked.
	LeadsBeside(ctx context.Context, component string) (string, error)
}

// What keeps a component from leading beside another, as Component.Fencing says it; FencedByCall is followed by the name of the call.
const (
	FencedBySelf = "self" // its own cluster manager
	FencedByCall = "call"
	FencedByHold = "hold" // nothing: what was broken stays so until people have lifted it
)

// frozen tells whether a fault in force has frozen a component.
func (d *drill) frozen(name string) bool {
	return slices.ContainsFunc(d.inForce, func(s stepInForce) bool {
		return s.step.Do.Kind == ComponentPause && slices.Contains(s.step.Do.Components, name) && s.fault.Undone.Never()
	})
}

// fenceAfter asks what was not fenced before the undo, because it was frozen or nobody led in its place, whether it refuses writes where
// another leads by now, and has it fenced if it does not.
func (d *drill) fenceAfter(ctx context.Context) {
	for _, c := range d.unfenced {
		err := d.fenceOne(ctx, c.Name)
		if err != nil {
			d.rec.Undo.Complete, d.rec.Undo.Detail = false, err.Error()
			d.note("undo.failed", err.Error(), nil)
		}
	}
}

// fencedByTarget asks a component whose file says what fences it whether it refuses writes by now. fence tells that the harness must
// have it fenced; an error, that nothing may be taken back. Where nobody leads in its place nothing is fenced: it would be the only one.
func (d *drill) fencedByTarget(ctx context.Context, c Component) (fence bool, err error) {
	if d.frozen(c.Name) {
		d.unfenced = append(d.unfenced, c)
		d.note("fence.later", c.Name+" is frozen and cannot be asked; its own cluster manager sees to it when it goes on, and then it is asked", nil)
		return false, nil
	}
	from := d.clock.Now()
	for alone := 0; ; {
		refuses, err := d.Driver.RefusesWrites(ctx, c.Name)
		if refuses && err == nil {
			d.noteRefuses(c.Name, from)
			return false, nil
		}
		other, asked := "", error(nil)
		if f, ok := d.Driver.(Fencing); ok {
			other, asked = f.LeadsBeside(ctx, c.Name)
		}
		if alone++; asked != nil || other != "" {
			alone = 0
		}
		switch {
		case alone >= looksAlone || alone > 0 && c.Fencing == FencedBySelf:
			d.unfenced = append(d.unfenced, c)
			d.note("fence.unneeded", "nothing leads in place of "+c.Name, nil)
			return false, nil
		case alone == 0 && strings.HasPrefix(c.Fencing, FencedByCall):
			d.noteTwoLeaders(c.Name, other, refuses, err)
			return true, nil
		case alone == 0 && c.Fencing == FencedByHold || !waited(ctx, tick):
			d.noteTwoLeaders(c.Name, other, refuses, err)
			return false, fmt.Errorf("fence %s: it was not seen to refuse writes (%w): see to it by hand that it does, then run blackstart undo", c.Name, errors.Join(err, asked, notRefused(refuses, err)))
		}
	}
}

// looksAlone is how often in a row nobody must lead in place of a component before it needs no fence: a promotion takes a moment.
const looksAlone = 8

// noteRefuses puts on record that a component refuses writes by itself.
func (d *drill) noteRefuses(name string, from Stamp) {
	d.superseded = true
	d.rec.Undo.Fenced, d.rec.Undo.FenceChecked = true, true
	if d.rec.Undo.FencedBy == "" {
		d.rec.Undo.FencedBy = "target"
	}
	d.event(Event{Kind: "primary.refuses", At: Interval{from, d.clock.Now()}, Text: name + " refuses writes by itself"})
}

// notRefused is what an answer that takes writes says.
func notRefused(refuses bool, err error) error {
	if refuses || err != nil {
		return nil
	}
	return errors.New("it takes writes")
}

// noteTwoLeaders puts on record that two take writes.
func (d *drill) noteTwoLeaders(name, other string, refuses bool, err error) {
	if other != "" && !refuses && err == nil {
		text := name + " took writes while " + other + " led"
		d.rec.Undo.TwoLed = append(d.rec.Undo.TwoLed, text)
		d.note("primary.two", text, nil)
	}
}

// waited waits; false when the time is over.
func waited(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
