package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Kinds of act, in the order in which a drill comes to the first of each.
const (
	ActSetup     = "setup"     // the target comes up
	ActPlan      = "plan"      // every fault becomes data
	ActSoak      = "soak"      // loads and probes begin
	ActBaseline  = "baseline"  // the steady state holds for its whole window
	ActInject    = "inject"    // one fault is put in force, and seen to be
	ActWatch     = "watch"     // clients are watched, and nothing is done
	ActStep      = "step"      // one step of the runbook is taken
	ActEnd       = "end"       // one fault that lasts a stated time is taken back, and seen to be over
	ActSettle    = "settle"    // the load stops, and writes drain
	ActUndo      = "undo"      // everything that is still in force is taken back
	ActReconcile = "reconcile" // what is left on both sides is read
	ActStop      = "stop"      // the target goes down
)

// PlannedAct is one act that a scenario asks for.
type PlannedAct struct {
	Kind  string
	Name  string   // which of its kind: the kind of the fault, the name of the step; "" where there is one only
	Fault string   // id of the fault that is put in force or ended, "" if it has none
	Due   Duration // after the begin of the observation: when it begins; of a watch, when it ends
	Lasts Duration // about how long it takes
	Item  int      // which fault, in order of time, or which step
}

// Acts turns a scenario into what a drill does, in order: what comes before the faults, then faults, steps of the runbook and
// ends of faults by their times with clients watched between them, then the way back. Of those that are due at the same time
// faults come first and ends last.
func Acts(s Scenario) []PlannedAct {
	all := []PlannedAct{
		{Kind: ActSetup, Lasts: Duration(6 * time.Second)}, {Kind: ActPlan},
		{Kind: ActSoak, Lasts: Duration(soakTime)}, {Kind: ActBaseline, Lasts: s.SteadyState.For + Duration(drainTime)},
	}
	watched := Duration(0) // until when
	for _, a := range append(timedActs(s), PlannedAct{Kind: ActWatch, Due: s.Observe}) {
		if a.Due > watched {
			all = append(all, PlannedAct{Kind: ActWatch, Due: a.Due, Lasts: a.Due - watched})
			watched = a.Due
		}
		if a.Kind != ActWatch {
			all = append(all, a)
		}
	}
	return append(all, PlannedAct{Kind: ActSettle, Lasts: s.Settle}, PlannedAct{Kind: ActUndo, Lasts: Duration(4 * time.Second)},
		PlannedAct{Kind: ActReconcile, Lasts: Duration(time.Second)}, PlannedAct{Kind: ActStop, Lasts: Duration(time.Second)})
}

// timedActs are those that a scenario gives a time to, in order of time.
func timedActs(s Scenario) []PlannedAct {
	faults := slices.Clone(s.Faults)
	slices.SortStableFunc(faults, func(a, b FaultSpec) int { return int(max(-1, min(1, a.At-b.At))) })
	var all, ends []PlannedAct
	for i, f := range faults {
		all = append(all, PlannedAct{Kind: ActInject, Name: f.Kind, Fault: f.ID, Due: f.At, Lasts: Duration(time.Second), Item: i})
		if f.For > 0 {
			ends = append(ends, PlannedAct{Kind: ActEnd, Name: f.Kind, Fault: f.ID, Due: f.At + f.For, Item: i})
		}
	}
	for i, step := range s.Recovery.Steps {
		all = append(all, PlannedAct{Kind: ActStep, Name: step.Name, Due: step.At, Item: i})
	}
	all = append(all, ends...)
	slices.SortStableFunc(all, func(a, b PlannedAct) int { return int(max(-1, min(1, a.Due-b.Due))) })
	return all
}

// hands are what carries out each kind of act.
var hands = map[string]func(*drill, context.Context, PlannedAct) error{
	ActSetup: (*drill).setup, ActPlan: (*drill).plan, ActSoak: (*drill).soak, ActBaseline: (*drill).baseline,
	ActInject: (*drill).inject, ActWatch: (*drill).watch, ActStep: (*drill).step, ActEnd: (*drill).end, ActSettle: (*drill).settle,
	ActUndo: (*drill).undo, ActReconcile: (*drill).examine, ActStop: (*drill).stop,
}

// tellAll carries out acts until one fails.
func (d *drill) tellAll(ctx context.Context, acts []PlannedAct) error {
	for _, a := range acts {
		if err := d.tell(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// tell carries out one act, times it, and turns a panic into an error so that the undo still follows.
func (d *drill) tell(ctx context.Context, a PlannedAct) (err error) {
	d.phase = a.Kind
	d.next = slices.Index(d.acts, a) + 1
	from := d.clock.Now()
	d.phaseFrom, d.phaseEnd = from, 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", a.Kind, r)
		}
		d.rec.Phases = append(d.rec.Phases, Phase{Name: a.Kind, At: Interval{from, d.clock.Now()}})
		err = errors.Join(err, d.save())
	}()
	if d.Kernel != nil {
		d.rec.Clock = append(d.rec.Clock, d.Kernel(a.Kind))
	}
	d.note("phase.started", "phase "+a.Kind, nil)
	if err := hands[a.Kind](d, ctx, a); err != nil {
		return fmt.Errorf("%s: %w", a.Kind, err)
	}
	return nil
}

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
