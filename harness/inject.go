package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// stepInForce is one step whose Do may be in force, with its number in the undo log.
type stepInForce struct {
	fault *FaultRecord
	n     int
	step  Step
}

// injectFault carries out one fault: undo log first, then the Do, then the question to the victim.
func (d *drill) injectFault(ctx context.Context, f *FaultRecord) error {
	spec := f.Plan.Fault
	if err := d.undoCanBeShown(ctx, f); err != nil {
		return err
	}
	var numbers []int
	for _, s := range f.Plan.Steps {
		n, err := d.undoLog.Put(spec.Kind, s)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
		d.note("undo.logged", fmt.Sprintf("%s will be undone by %s", s.Do.Kind, s.Undo.Kind), nil)
	}
	if err := d.Journal.Checkpoint("fault"); err != nil {
		return err
	}
	f.Do.Lo = d.clock.Now()
	f.InForce.Lo = f.Do.Lo
	if err := d.save(); err != nil {
		return err
	}
	f.Do.Lo = d.clock.Now()
	f.InForce.Lo = f.Do.Lo
	seen, err := d.carryOut(ctx, f, numbers)
	if err != nil {
		return err
	}
	d.event(Event{Kind: "fault.done", At: f.Do, Text: spec.Kind + " carried out on the " + spec.On + " region"})
	for _, n := range numbers {
		if err := d.undoLog.Done(n); err != nil {
			return errors.Join(seen, err)
		}
	}
	if seen == nil {
		d.event(Event{Kind: "fault.in-force", At: f.InForce, Text: fmt.Sprintf("%s is in force (%d checks from the victim's side)",
			f.Plan.Fault.Kind, len(f.Plan.InForce)+len(f.Plan.Follows))})
	}
	return seen
}

// carryOut does the steps of a fault, or has people do its one, and asks the victim: seen says that it was not seen in force.
func (d *drill) carryOut(ctx context.Context, f *FaultRecord, numbers []int) (seen, err error) {
	if task := f.Plan.Task(); task != nil {
		d.inForce = append(d.inForce, stepInForce{f, numbers[0], f.Plan.Steps[0]})
		return d.injectByPerson(ctx, f, *task), nil
	}
	for i, s := range f.Plan.Steps {
		d.inForce = append(d.inForce, stepInForce{f, numbers[i], s})
		if err := d.Driver.Execute(ctx, s.Do); err != nil {
			return nil, fmt.Errorf("inject %s: %w", f.Plan.Fault.Kind, err)
		}
	}
	f.Do.Hi = d.clock.Now()
	return d.confirm(ctx, f), nil // at once: every write to disk before it would widen the bounds of T_f
}

// confirm asks from the victim's side whether the fault is in force. A call that returned proves nothing.
func (d *drill) confirm(ctx context.Context, f *FaultRecord) error {
	within := f.Plan.within()
	start := d.clock.Now()
	err := d.whileGuarded(ctx, "confirm", func(ctx context.Context) error {
		at, err := d.Await(ctx, d.runningTarget(), f.Plan.InForce, within)
		if err != nil {
			return err
		}
		f.InForce.Hi = at.Hi
		if left := within - d.clock.Now().Sub(start); len(f.Plan.Follows) > 0 {
			_, err = d.Await(ctx, d.runningTarget(), f.Plan.Follows, left)
		}
		return err
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, errGuard) || errors.Is(err, errGap) {
		f.Detail = err.Error()
		return err
	}
	if err != nil {
		f.Detail = err.Error()
		d.note("fault.unseen", f.Plan.Fault.Kind+" was not seen in force: "+err.Error(), nil)
		return errUnconfirmed
	}
	f.Confirmed = true
	return nil
}

// undo takes back what may be in force: load off unless the undo is observed, what the plans name fenced and seen to refuse writes,
// then everything else in reverse order, then proof. If fencing fails the fault stays: two primaries are worse than an outage.
func (d *drill) undo(ctx context.Context, _ PlannedAct) error {
	u := &d.rec.Undo
	d.endObservation() // before the undo begins: what clients see of it is another matter
	u.At.Lo = d.clock.Now()
	var loadErr error
	if !d.underLoad {
		loadErr = safely("stop the load", d.stopLoads)
	}
	// The undo's time begins now: requests in flight may have taken a minute to end.
	ctx, cancel := context.WithTimeout(ctx, undoLimit+restoreLimit+d.undoTime())
	defer cancel()
	u.Complete = true
	ended := false
	defer func() { u.Complete = u.Complete && ended }() // what a panic left undone is not complete
	d.noteMissingComponents(ctx)
	if d.undoNeeded() {
		if err := d.fence(ctx); err != nil {
			u.Complete = false
			u.Detail = "what had to be fenced first could not be, so the fault was left in place: " + err.Error()
			d.note("undo.refused", u.Detail, nil)
			return errors.Join(loadErr, err)
		}
		d.undoSteps(ctx)
	}
	ended = true
	u.At.Hi = d.clock.Now()
	if u.Complete && d.Undone != nil {
		d.Undone()
	}
	if u.Complete && d.injected() {
		d.note("undo.complete", "everything that was broken is restored", nil)
	}
	return loadErr
}

// undoSteps undoes the steps, latest first, and asks for proof.
func (d *drill) undoSteps(ctx context.Context) {
	u := &d.rec.Undo
	for i := len(d.inForce) - 1; i >= 0; i-- {
		s := d.inForce[i]
		from := d.clock.Now()
		err := safely("undo", func() error { return d.undoStep(ctx, ActUndo, s) }) // one step keeps no other from it
		if err := d.tolerateGone(err); err != nil {
			u.Complete = false
			u.Detail = fmt.Sprintf("%s failed: %v", s.step.Undo.Kind, err)
			d.note("undo.failed", u.Detail, nil)
			continue
		}
		if err := d.undoLog.Undone(s.n); err != nil { // a full disk: what is restored is restored, and a later undo does no harm
			d.keepFirstError(err)
		}
		s.fault.Undone = Interval{from, d.clock.Now()}
		d.event(Event{Kind: "fault.undone", At: s.fault.Undone, Text: s.fault.Plan.Fault.Kind + ": " + string(s.step.Undo.Kind)})
	}
	d.fenceAfter(ctx)
	for i := range d.rec.Faults {
		d.confirmRestored(ctx, &d.rec.Faults[i])
	}
}

// undoStep undoes one step, or has people do it.
func (d *drill) undoStep(ctx context.Context, act string, s stepInForce) error {
	if task := s.step.Undo.Person; task != nil {
		return d.undoByPerson(ctx, act, s.fault, *task)
	}
	return d.Driver.Execute(ctx, s.step.Undo)
}

// confirmRestored asks whether a fault is over. Links to what was fenced, or is gone, are silent for that reason and are not
// asked.
func (d *drill) confirmRestored(ctx context.Context, f *FaultRecord) {
	if f.Do.Lo == 0 || f.Undone.Never() {
		return
	}
	if f.Restored { // while clients were watched
		return
	}
	at, asked, err := d.awaitRestored(ctx, f)
	if err != nil {
		d.rec.Undo.Complete = false
		d.rec.Undo.Detail = "not restored: " + err.Error()
		d.note("undo.unproven", d.rec.Undo.Detail, nil)
		return
	}
	d.noteRestored(f, at, asked, "; what was fenced or is gone is not asked")
}

// noteRestored notes that a fault was seen to be over, by so many checks; by none, where nothing is left that could show it.
func (d *drill) noteRestored(f *FaultRecord, at Interval, asked int, except string) {
	f.Restored = true
	if asked == 0 {
		d.note("fault.restored", f.Plan.Fault.Kind+" is taken back; every check of it speaks of what was fenced or is gone, or of following it", nil)
		return
	}
	d.event(Event{Kind: "fault.restored", At: at, Text: fmt.Sprintf("%s is over (%d checks%s)", f.Plan.Fault.Kind, asked, except)})
}

// fence makes every database that a plan in force names refuse writes by the private path, and sees each refuse.
func (d *drill) fence(ctx context.Context) error {
	var names []string
	for _, s := range d.inForce {
		for _, name := range s.fault.Plan.Fences {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, undoLimit/2)
	defer cancel()
	var errs []error
	for _, name := range names { // one that cannot be fenced keeps no other from it
		errs = append(errs, safely("fence "+name, func() error { return d.fenceOne(ctx, name) }))
	}
	return errors.Join(errs...)
}

// fenceOne fences one database. One that is gone takes no writes: nothing is left that could be fenced.
func (d *drill) fenceOne(ctx context.Context, name string) error {
	c, _ := d.rec.Target.ComponentByName(name)
	if c.Fencing != "" {
		if fence, err := d.fencedByTarget(ctx, c); !fence || err != nil {
			return err
		}
	}
	from := d.clock.Now()
	err := d.Driver.Execute(ctx, Action{Kind: ComponentFence, Region: c.Region, Components: []string{name}})
	missing, _ := Gone(err)
	if err := d.tolerateGone(err); err != nil {
		return fmt.Errorf("fence %s: %w", name, err)
	}
	refuses, err := d.Driver.RefusesWrites(ctx, name)
	if err != nil {
		return fmt.Errorf("check that %s refuses writes: %w", name, err)
	}
	if !refuses {
		return fmt.Errorf("fence %s: it still takes writes", name)
	}
	if len(missing) > 0 {
		return nil
	}
	d.fencedNames[name] = true
	d.rec.Undo.Fenced, d.rec.Undo.FenceChecked, d.rec.Undo.FencedBy = true, true, "harness"
	d.event(Event{Kind: "primary.fenced", At: Interval{from, d.clock.Now()}, Text: name + " fenced by the harness and seen to refuse writes"})
	return nil
}

// tolerateGone drops, of an error, the components that are gone, and tells each of them once.
func (d *drill) tolerateGone(err error) error {
	gone, rest := Gone(err)
	for _, g := range gone {
		if _, told := d.gone[g.Component]; told {
			continue
		}
		d.gone[g.Component] = g.Error()
		d.rec.Undo.Gone = append(d.rec.Undo.Gone, g.Error())
		d.note("component.gone", g.Error(), map[string]string{"component": g.Component})
	}
	return errors.Join(d.leftOnPurpose(rest)...)
}

// reconcile reads what is left on both sides: the target's own log, both ledgers, the write-ahead log.
func (d *drill) reconcile(ctx context.Context, _ PlannedAct) error {
	if !d.started {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, examineLimit+d.lookUpTime())
	defer cancel()
	defer d.noteShortages() // what was looked at from here on may have been seen by a machine in want, too
	if log := d.rec.Target.Decisions; log != nil {
		decisions, err := d.Decisions(ctx, *log)
		d.rec.Decisions = decisions
		if err != nil {
			d.rec.DecisionsErr = err.Error()
		}
	}
	d.rec.Arrivals = d.Inbox.Arrivals()
	if l, ok := d.Inbox.(Looking); ok {
		d.rec.Polls = l.Polls()
	}
	for _, c := range d.rec.Target.Components {
		running, err := d.Driver.Running(ctx, c.Name)
		status := ComponentStatus{Name: c.Name, Running: running && err == nil}
		if err != nil {
			status.Unknown = err.Error()
		}
		d.rec.Components = append(d.rec.Components, status)
	}
	if len(d.rec.Streams) == 0 || d.rec.Status == Broken {
		return nil
	}
	return d.Reconcile(ctx, d.runningTarget(), d.rec)
}

// stop ends the target and keeps its logs.
func (d *drill) stop(ctx context.Context, _ PlannedAct) error {
	if !d.touched {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopLimit)
	defer cancel()
	err := d.Driver.Stop(ctx)
	logs := d.Driver.Logs(ctx, filepath.Join(d.StateDir, "logs")) // the caller redacts them on the way into the pack
	return errors.Join(err, logs)
}
