package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Limits of a drill, each with its reason.
const (
	startLimit    = 120 * time.Second // a cold start that fetches PostgreSQL
	soakTime      = 2 * time.Second   // connections are made and caches filled before the baseline counts
	steadyTries   = 3                 // windows in which the steady state may appear
	undoLimit     = 30 * time.Second
	restoreLimit  = 15 * time.Second // links answer again, processes run
	lookLimit     = 5 * time.Second  // to see what is still there: one that does not answer must not use up the undo's time
	examineLimit  = 90 * time.Second // both ledgers and the write-ahead log are read
	stopLimit     = 30 * time.Second
	tick          = 250 * time.Millisecond
	drainTime     = 500 * time.Millisecond // between baseline and fault: what was due in the baseline ends before the fault
	defaultWithin = 2 * time.Second        // to see a fault in force, where the scenario does not say
)

// Errors that end a drill early without being a problem of the harness.
var (
	errUnsteady    = errors.New("the steady state did not hold")
	errUnconfirmed = errors.New("the fault was not seen in force")
	errGuard       = errors.New("a guard stopped the drill")

	errUnrestored = errors.New("a fault whose time was over could not be seen to be over")
)

// Run is the story of one drill: the acts that its scenario asks for, one after the other. Whatever happens in the middle, what
// was broken is undone, the target is stopped, and the Record comes back with all that was seen; the error is a problem of the
// harness, never of the target.
func Run(ctx context.Context, p Parts) (*Record, error) {
	d := newDrill(p)
	stop := d.startPulse()
	err := d.run(ctx)
	stop()
	d.closeGaps()
	d.rec.Ended = d.clock.Now()
	if e := d.close(); e != nil {
		err = d.addProblem(err, e)
	}
	if harmless(err) {
		err = nil
	}
	return d.rec, err
}

// run carries out every act: those up to the undo while nothing goes wrong, and the way back in any case.
func (d *drill) run(ctx context.Context) error {
	back := slices.IndexFunc(d.acts, func(a PlannedAct) bool { return a.Kind == ActUndo })
	err := d.runActs(ctx, d.acts[:back])
	d.conclude(ctx, err)
	d.underLoad = err == nil && d.Scenario.ObserveUndo > 0 // what went wrong is undone in the safest way
	return d.runClosingActs(ctx, d.acts[back:], err)
}

// runClosingActs takes everything back, reads what is left on both sides, and stops the target. Who is in a hurry may leave what
// comes after the undo out, once nothing is in force any more.
func (d *drill) runClosingActs(ctx context.Context, acts []PlannedAct, err error) error {
	sure := context.WithoutCancel(ctx)                                                        // an interrupt ends the story, never the undo
	last := slices.IndexFunc(acts, func(a PlannedAct) bool { return a.Kind == ActReconcile }) // to reconcile, to restore and to stop are left
	if e := d.runAct(sure, acts[0]); e != nil {
		err = d.addProblem(err, e)
	} else if d.underLoad && d.rec.Undo.Complete {
		err = d.runActs(ctx, acts[1:last])
		d.conclude(ctx, err)
	}
	if e := safely("stop the load", d.stopLoads); e != nil {
		err = d.addProblem(err, e)
	}
	d.stopProbes()
	d.standDown(sure)
	hurried, cancel := context.WithCancel(sure)
	defer cancel()
	if d.LeaveEarly != nil {
		defer context.AfterFunc(d.LeaveEarly, cancel)()
	}
	leaving := func() bool { return d.LeaveEarly != nil && d.LeaveEarly.Err() != nil }
	for _, a := range acts[last:] {
		if !leaving() {
			if e := d.runAct(hurried, a); e != nil && !leaving() {
				err = d.addProblem(err, e)
			}
		}
		if leaving() {
			d.noteLeftEarly(a.Kind)
			break
		}
	}
	return err
}

// setup brings the target up and proves that it is the one described.
func (d *drill) setup(ctx context.Context, _ PlannedAct) error {
	if d.rec.ObserveOnly != nil {
		d.noteLeftOut(d.rec.ObserveOnly.LeftOut)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	req := StartRequest{
		RunID: d.RunID, Dir: d.StateDir, Profile: d.Profile, Settings: d.Scenario.Target.Settings,
		Deliveries: d.Inbox.Deliveries(), AddSecrets: d.AddSecrets,
		Progress: func(line string) { d.note("target.progress", line, nil) },
	}
	var err error
	if d.undoLog, err = CreateUndoLog(filepath.Join(d.StateDir, "undo.jsonl"), d.clock); err != nil {
		return err
	}
	if err := d.Journal.Checkpoint("start"); err != nil {
		return err
	}
	d.touched = true
	if err := d.Driver.Start(ctx, req); err != nil {
		return err
	}
	d.started = true
	d.watchNetwork()
	d.rec.Target = d.Driver.Description()
	d.rec.Places = PlacesOf(d.rec.Target)
	if d.rec.Environment == "" {
		d.rec.Environment = d.rec.Target.Environment
	}
	d.note("target.ready", "target "+d.rec.Target.Name+" is up, "+d.rec.Target.Timings.Profile+" timings", nil)
	return d.Prepare(ctx, d.runningTarget())
}

// plan turns every fault into data; nothing is touched. Then people are told, before anything is loaded or broken: an observation has
// no fault, and tells nobody.
func (d *drill) plan(ctx context.Context, _ PlannedAct) error {
	can := d.Driver.Can()
	if d.People != nil {
		can = append(slices.Clone(can), PersonAct)
	}
	plans, err := PlanFaults(ctx, d.Scenario, d.rec.Target, can, d.Injector)
	if err != nil {
		return err
	}
	for _, p := range plans {
		d.rec.Faults = append(d.rec.Faults, FaultRecord{Plan: p})
		d.note("fault.planned", fmt.Sprintf("%s on the %s region: %d steps", p.Fault.Kind, p.Fault.On, len(p.Steps)), nil)
	}
	if err := d.arm(ctx, plans); err != nil {
		return err
	}
	return d.announce(ctx)
}

// soak starts the load and the probes and lets connections and caches fill.
func (d *drill) soak(ctx context.Context, _ PlannedAct) error {
	if err := d.startProbes(ctx); err != nil {
		return err
	}
	if err := d.startLoads(ctx); err != nil {
		return err
	}
	return d.until(ctx, d.clock.Now().Add(soakTime))
}

// inject puts one fault in force at its time, confirmed from the victim's side.
func (d *drill) inject(ctx context.Context, a PlannedAct) error {
	f := &d.rec.Faults[a.Item]
	if err := d.until(ctx, d.due(a.Due)); err != nil {
		return err
	}
	return d.injectFault(ctx, f)
}

// watch watches what users see until the act's time.
func (d *drill) watch(ctx context.Context, a PlannedAct) error {
	return d.until(ctx, d.due(a.Due))
}

// step takes one step of the runbook.
func (d *drill) step(ctx context.Context, a PlannedAct) error {
	step, from := d.Scenario.Recovery.Steps[a.Item], d.clock.Now()
	if step.Do != "" {
		return d.stepByPerson(ctx, step)
	}
	err := d.whileGuarded(ctx, "runbook", func(ctx context.Context) error {
		return d.Driver.Execute(ctx, Action{Kind: RunbookCall, Call: step.Call})
	})
	if err != nil {
		return fmt.Errorf("runbook step %q: %w", step.Name, err)
	}
	d.event(Event{Kind: "runbook.step", At: Interval{from, d.clock.Now()}, Text: "runbook: " + step.Name,
		Detail: map[string]string{"call": step.Call}})
	return nil
}

// watchUndo watches what users see of the undo, and after it.
func (d *drill) watchUndo(ctx context.Context, _ PlannedAct) error {
	u := &d.rec.Undo
	defer func() { u.Watched = Interval{u.At.Lo, d.clock.Now()} }()
	return d.until(ctx, u.At.Hi.Add(d.Scenario.ObserveUndo.D()))
}

// settle stops the load and lets writes drain.
func (d *drill) settle(ctx context.Context, _ PlannedAct) error {
	if err := d.stopLoads(); err != nil {
		return err
	}
	return d.until(ctx, d.clock.Now().Add(d.Scenario.Settle.D()))
}
