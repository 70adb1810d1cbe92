package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kinds of act, in the order in which a drill comes to the first of each.
const (
	ActSetup     = "setup"      // the target comes up
	ActPlan      = "plan"       // every fault becomes data
	ActSoak      = "soak"       // loads and probes begin
	ActBaseline  = "baseline"   // the steady state holds for its whole window
	ActInject    = "inject"     // one fault is put in force, and seen to be
	ActWatch     = "watch"      // clients are watched, and nothing is done
	ActStep      = "step"       // one step of the runbook is taken
	ActEnd       = "end"        // one fault that lasts a stated time is taken back, and seen to be over
	ActSettle    = "settle"     // the load stops, and writes drain
	ActUndo      = "undo"       // everything that is still in force is taken back
	ActWatchUndo = "watch-undo" // clients are watched after the undo, under load
	ActReconcile = "reconcile"  // what is left on both sides is read
	ActRestore   = "restore"    // redundancy is brought back by a call, and seen to be
	ActStop      = "stop"       // the target goes down
)

// PlannedAct is one act that a scenario asks for.
type PlannedAct struct {
	Act            // At is never
	Due   Duration // after the begin of the observation: when it begins; of a watch, when it ends
	Lasts Duration // about how long it takes
	Item  int      // which fault, in order of time, or which step
}

// Acts turns a scenario into what a drill does, in order: what comes before the faults, then faults, steps of the runbook and
// ends of faults by their times with clients watched between them, then the way back: load off first, or last where the undo is
// observed. Of those that are due at the same time
// faults come first and ends last.
func Acts(s Scenario) []PlannedAct {
	lone := func(kind string, lasts time.Duration) PlannedAct {
		return PlannedAct{Act: Act{Kind: kind, By: ByHarness}, Lasts: Duration(lasts)}
	}
	watch := func(until, lasts Duration) PlannedAct {
		a := lone(ActWatch, lasts.D())
		a.Due = until
		return a
	}
	all := []PlannedAct{lone(ActSetup, 6*time.Second), lone(ActPlan, 0), lone(ActSoak, soakTime), lone(ActBaseline, s.SteadyState.For.D()+drainTime)}
	watched := Duration(0) // until when
	for _, a := range timedActs(s) {
		if a.Due > watched {
			all = append(all, watch(a.Due, a.Due-watched))
			watched = a.Due
		}
		all = append(all, a)
	}
	if s.Observe > watched {
		all = append(all, watch(s.Observe, s.Observe-watched))
	}
	settle, undo := lone(ActSettle, s.Settle.D()), lone(ActUndo, 4*time.Second)
	if s.ObserveUndo > 0 {
		all = append(all, undo, lone(ActWatchUndo, s.ObserveUndo.D()), settle)
	} else {
		all = append(all, settle, undo)
	}
	all = append(all, lone(ActReconcile, time.Second))
	for i, r := range s.Restore {
		a := lone(ActRestore, r.within()/4)
		a.Name, a.Item = r.Name, i
		all = append(all, a)
	}
	return append(all, lone(ActStop, time.Second))
}

// timedActs are those that a scenario gives a time to, in order of time.
func timedActs(s Scenario) []PlannedAct {
	faults := slices.Clone(s.Faults)
	slices.SortStableFunc(faults, func(a, b FaultSpec) int { return cmp.Compare(a.At, b.At) })
	var all, ends []PlannedAct
	for i, f := range faults {
		act := Act{Kind: ActInject, Name: f.Kind, Fault: f.ID, By: ByHarness}
		if f.Kind == FaultManual {
			act.By = ByPerson
		}
		all = append(all, PlannedAct{Act: act, Due: f.At, Lasts: Duration(time.Second), Item: i})
		if act.Kind = ActEnd; f.For > 0 {
			ends = append(ends, PlannedAct{Act: act, Due: f.At + f.For, Item: i})
		}
	}
	for i, step := range s.Recovery.Steps {
		act := Act{Kind: ActStep, Name: step.Name, By: ByHarness}
		if step.Do != "" {
			act.By = ByPerson
		}
		all = append(all, PlannedAct{Act: act, Due: step.At, Lasts: step.Takes, Item: i})
	}
	all = append(all, ends...)
	slices.SortStableFunc(all, func(a, b PlannedAct) int { return cmp.Compare(a.Due, b.Due) })
	return all
}

// actFuncs are what carries out each kind of act.
var actFuncs = map[string]func(*drill, context.Context, PlannedAct) error{
	ActSetup: (*drill).setup, ActPlan: (*drill).plan, ActSoak: (*drill).soak, ActBaseline: (*drill).baseline,
	ActInject: (*drill).inject, ActWatch: (*drill).watch, ActStep: (*drill).step, ActEnd: (*drill).end, ActSettle: (*drill).settle,
	ActUndo: (*drill).undo, ActWatchUndo: (*drill).watchUndo, ActReconcile: (*drill).reconcile, ActRestore: (*drill).restore, ActStop: (*drill).stop,
}

// runActs carries out acts until one fails.
func (d *drill) runActs(ctx context.Context, acts []PlannedAct) error {
	for _, a := range acts {
		if err := d.runAct(ctx, a); err != nil {
			return err
		}
		if err := d.gapped(ctx); err != nil {
			return err
		}
	}
	return nil
}

// runAct carries out one act, times it, and turns a panic into an error so that the undo still follows.
func (d *drill) runAct(ctx context.Context, a PlannedAct) (err error) {
	d.phase = a.Kind
	d.next = slices.Index(d.acts, a) + 1
	from := d.clock.Now()
	d.phaseFrom, d.phaseEnd = from, 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", a.Kind, r)
		}
		done := a.Act
		done.At = Interval{from, d.clock.Now()}
		d.event(Event{Kind: "act.ended", At: done.At, Text: a.title() + " ended"})
		d.rec.Acts = append(d.rec.Acts, done)
		d.takeTargetClocks(false)
		err = errors.Join(err, d.save())
	}()
	if d.Kernel != nil {
		d.rec.Clock = append(d.rec.Clock, d.Kernel(a.Kind))
	}
	d.readTargetClocks(ctx, a.Kind)
	d.event(Event{Kind: "act.started", At: Interval{from, from}, Text: a.title(),
		Detail: map[string]string{"kind": a.Kind, "name": a.Name, "fault": a.Fault, "by": a.By}})
	if err := actFuncs[a.Kind](d, ctx, a); err != nil {
		return fmt.Errorf("%s: %w", a.Kind, err)
	}
	return nil
}

// safely turns a panic into an error, where what comes after must be done all the same.
func safely(what string, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", what, r)
		}
	}()
	return do()
}

// title is what people read of an act: its kind, and which of them.
func (a Act) title() string { return strings.TrimSpace(a.Kind + " " + a.Name) }

// estimateLeft adds up what the scenario still has before it; the ends are estimates.
func (d *drill) estimateLeft(now Stamp) time.Duration {
	var left time.Duration
	for i, a := range d.acts {
		switch {
		case i+1 == d.next:
			left += max(a.Lasts.D()-now.Sub(d.phaseFrom), 0)
		case i >= d.next:
			left += a.Lasts.D()
		}
	}
	return left
}
