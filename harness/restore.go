package harness

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// RestoreStep is one call that brings redundancy back: a standby is rebuilt, the lead is switched back. It is no part of an undo, which takes
// back what was broken and never roles.
type RestoreStep struct {
	Name   string       `yaml:"name" json:"name" need:"yes" doc:"what it does, for people"`
	Call   string       `yaml:"call" json:"call" need:"yes" doc:"named call of the target description"`
	Shown  []ShownCheck `yaml:"shown" json:"shown" need:"yes" doc:"what shows that it is so: all of it"`
	Within Duration     `yaml:"within" json:"within_ns,omitempty" doc:"how long it may take after the call until that is shown; 2m if not written"`
}

// ShownCheck is one check, of something by its name.
type ShownCheck struct {
	Check string `yaml:"check" json:"check" need:"yes" doc:"kind of check: see blackstart list checks"`
	On    string `yaml:"on" json:"on" need:"yes" doc:"name of the component or link that is asked about"`
	Want  string `yaml:"want" json:"want,omitempty" doc:"what it is compared with, where the check wants something"`
}

// RestoreRecord is what became of one.
type RestoreRecord struct {
	Name   string   `json:"name"`
	Call   string   `json:"call"`
	Made   Interval `json:"made"`   // the call; never: it was not made
	Shown  Interval `json:"shown"`  // when all that shows it was seen; never: it was not
	Detail string   `json:"detail"` // why not
}

// patienceToRestore is how long a proof may take where the scenario does not say.
const patienceToRestore = 2 * time.Minute

func (r RestoreStep) within() time.Duration {
	if r.Within > 0 {
		return r.Within.D()
	}
	return patienceToRestore
}

// Checks are those that show it.
func (r RestoreStep) Checks() (all []Check) {
	for _, s := range r.Shown {
		all = append(all, Check{Kind: CheckKind(s.Check), On: s.On, Want: s.Want})
	}
	return all
}

// restore makes one call that brings redundancy back, and sees that it is. What fails is on record, and is no problem of the harness. Nothing
// is made of a drill whose undo is not complete, nor after a call that failed: the next one may rest on it.
func (d *drill) restore(ctx context.Context, a PlannedAct) error {
	step := d.Scenario.Restore[a.Item]
	r := RestoreRecord{Name: step.Name, Call: step.Call}
	failed := slices.ContainsFunc(d.rec.Restores, func(r RestoreRecord) bool { return r.Detail != "" })
	switch {
	case !d.started || !d.rec.Undo.Complete:
		r.Detail = "not made: not everything is undone"
	case !d.injected():
		r.Detail = "not made: nothing was broken"
	case failed:
		r.Detail = "not made: what comes before it did not succeed"
	default:
		d.bringBack(ctx, step, &r)
	}
	d.rec.Restores = append(d.rec.Restores, r)
	kind, text := "restore.shown", step.Name+": call "+step.Call+" made, and seen to be so"
	at := Interval{r.Made.Lo, r.Shown.Hi}
	if r.Detail != "" {
		now := d.clock.Now()
		kind, text, at = "restore.failed", step.Name+": "+r.Detail, Interval{now, now}
	}
	d.event(Event{Kind: kind, At: at, Text: text, Detail: map[string]string{"call": step.Call}})
	return nil
}

// bringBack makes the call, and asks until what shows it holds.
func (d *drill) bringBack(ctx context.Context, step RestoreStep, r *RestoreRecord) {
	from := d.clock.Now()
	err := safely("restore", func() error { return d.Driver.Execute(ctx, Action{Kind: RunbookCall, Call: step.Call}) })
	r.Made = Interval{from, d.clock.Now()}
	if err != nil {
		r.Detail = err.Error()
		return
	}
	at, err := d.Await(ctx, d.runningTarget(), step.Checks(), step.within())
	if err != nil {
		r.Detail = fmt.Sprintf("call %s was made, and it is not seen to be so: %v", step.Call, err)
		return
	}
	r.Shown = at
}
