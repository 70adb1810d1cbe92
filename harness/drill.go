package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	errUnsteady = errors.New("the steady state did not hold")
	errUnseen   = errors.New("the fault was not seen in force")
	errGuard    = errors.New("a guard stopped the drill")

	errUnrestored = errors.New("a fault whose time was over could not be seen to be over")
)

// Run is the story of one drill. Whatever happens in the middle, what was broken is undone, the target is stopped, and the
// Record comes back with all that was seen; the error is a problem of the harness, never of the target.
func Run(ctx context.Context, p Parts) (*Record, error) {
	d := newDrill(p)
	err := d.story(ctx)
	d.conclude(ctx, err)
	err = d.aftermath(context.WithoutCancel(ctx), err) // an interrupt ends the story, never the undo
	d.rec.Ended = d.clock.Now()
	if e := d.close(); e != nil {
		err = d.worsen(err, e)
	}
	if harmless(err) {
		err = nil
	}
	return d.rec, err
}

// aftermath takes everything back, reads what is left on both sides, and stops the target. Who is in a hurry may leave the
// last two out, once nothing is in force any more.
func (d *drill) aftermath(ctx context.Context, err error) error {
	if e := d.tell(ctx, chapter{"undo", d.undo}); e != nil {
		err = d.worsen(err, e)
	}
	hurried, cancel := context.WithCancel(ctx)
	defer cancel()
	if d.Hurry != nil {
		defer context.AfterFunc(d.Hurry, cancel)()
	}
	leaving := func() bool { return d.Hurry != nil && d.Hurry.Err() != nil }
	for _, step := range []chapter{{"reconcile", d.examine}, {"stop", d.stop}} {
		if !leaving() {
			if e := d.tell(hurried, step); e != nil && !leaving() {
				err = d.worsen(err, e)
			}
		}
		if leaving() {
			d.left(step.name)
			break
		}
	}
	return err
}

// chapter is one named part of the story.
type chapter struct {
	name string
	tell func(context.Context) error
}

// story tells the drill up to the moment when everything is to be undone.
func (d *drill) story(ctx context.Context) error {
	for _, c := range []chapter{
		{"setup", d.setup},
		{"plan", d.plan},
		{"soak", d.soak},
		{"baseline", d.baseline},
		{"inject", d.inject},
		{"watch", d.observe},
		{"settle", d.settle},
	} {
		if err := d.tell(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// tell runs one chapter, times it, and turns a panic into an error so that the undo still follows.
func (d *drill) tell(ctx context.Context, c chapter) (err error) {
	d.phase = c.name
	from := d.clock.Now()
	d.phaseFrom, d.phaseEnd = from, 0
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", c.name, r)
		}
		d.rec.Phases = append(d.rec.Phases, Phase{Name: c.name, At: Interval{from, d.clock.Now()}})
		err = errors.Join(err, d.save())
	}()
	if d.Kernel != nil {
		d.rec.Clock = append(d.rec.Clock, d.Kernel(c.name))
	}
	d.note("phase.started", "phase "+c.name, nil)
	if err := c.tell(ctx); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

// setup brings the target up and proves that it is the one described.
func (d *drill) setup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	req := StartRequest{
		RunID: d.RunID, Dir: d.StateDir, Profile: d.Profile, Settings: d.Scenario.Target.Settings,
		Deliveries: d.Inbox.Deliveries(), Hide: d.Hide,
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
	d.rec.Target = d.Driver.Description()
	d.rec.Places = PlacesOf(d.rec.Target)
	if d.rec.Environment == "" {
		d.rec.Environment = d.rec.Target.Environment
	}
	d.note("target.ready", "target "+d.rec.Target.Name+" is up, "+d.rec.Target.Timings.Profile+" timings", nil)
	return d.Prepare(ctx, d.around())
}

// plan turns every fault into data; nothing is touched.
func (d *drill) plan(ctx context.Context) error {
	plans, err := PlanFaults(ctx, d.Scenario, d.rec.Target, d.Driver.Can(), d.Injector)
	if err != nil {
		return err
	}
	for _, p := range plans {
		d.rec.Faults = append(d.rec.Faults, FaultRecord{Plan: p})
		d.note("fault.planned", fmt.Sprintf("%s on the %s region: %d steps", p.Fault.Kind, p.Fault.On, len(p.Steps)), nil)
	}
	return nil
}

// soak starts the load and the probes and lets connections and caches fill.
func (d *drill) soak(ctx context.Context) error {
	if err := d.startProbes(ctx); err != nil {
		return err
	}
	if err := d.startLoads(ctx); err != nil {
		return err
	}
	return d.until(ctx, d.clock.Now().Add(soakTime))
}

// inject breaks things in the order of their times, each confirmed from the victim's side.
func (d *drill) inject(ctx context.Context) error {
	if err := d.until(ctx, d.clock.Now().Add(drainTime)); err != nil {
		return err
	}
	d.rec.Observation.Lo = d.clock.Now()
	for i := range d.rec.Faults {
		f := &d.rec.Faults[i]
		if err := d.wait(ctx, d.rec.Observation.Lo.Add(f.Plan.Fault.At.D())); err != nil {
			return err
		}
		if err := d.breakOne(ctx, f); err != nil {
			return err
		}
		d.rec.Observation.Lo = min(d.rec.Observation.Lo, f.InForce.Lo)
	}
	return nil
}

// observe watches what users see until the end of the observation, and takes the runbook's steps when their time comes. A
// fault that lasts a stated time is taken back meanwhile.
func (d *drill) observe(ctx context.Context) error {
	for _, step := range d.Scenario.Recovery.Steps {
		if err := d.wait(ctx, d.rec.Observation.Lo.Add(step.At.D())); err != nil {
			return err
		}
		from := d.clock.Now()
		if err := d.Driver.Execute(ctx, Action{Kind: RunbookCall, Call: step.Call}); err != nil {
			return fmt.Errorf("runbook step %q: %w", step.Name, err)
		}
		d.event(Event{Kind: "runbook.step", At: Interval{from, d.clock.Now()}, Text: "runbook: " + step.Name,
			Detail: map[string]string{"call": step.Call}})
	}
	return d.wait(ctx, d.rec.Observation.Lo.Add(d.Scenario.Observe.D()))
}

// settle stops the load and lets writes drain.
func (d *drill) settle(ctx context.Context) error {
	if err := d.stopLoads(); err != nil {
		return err
	}
	return d.until(ctx, d.clock.Now().Add(d.Scenario.Settle.D()))
}
