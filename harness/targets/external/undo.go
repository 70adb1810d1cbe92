package external

import (
	"context"
	"errors"
	"fmt"

	"blackstart/harness"
	"blackstart/harness/lease"
	"blackstart/harness/targets/undostate"
)

// undoOpen undoes what a run that was killed has left in force by means and calls, latest first. What its hosts have undone by
// themselves is undone; what must be fenced first, and does not refuse writes, stays.
func (d *Driver) undoOpen(ctx context.Context, l *undostate.State) error {
	var errs []error
	for _, e := range l.Open {
		if e.Step.Undo.Person != nil {
			continue
		}
		err := d.undoStep(ctx, l, e)
		l.Undone(e, "by the host that it was done on", undostate.HowRestored, err)
		errs = append(errs, err)
	}
	for name, held := range d.held.leases {
		var lost *lease.ExpiredError
		if _, err := held.Release(ctx); err != nil && !errors.As(err, &lost) {
			errs = append(errs, fmt.Errorf("release the lease on host %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// undoStep undoes one step of a run that was killed.
func (d *Driver) undoStep(ctx context.Context, l *undostate.State, e harness.UndoEntry) error {
	if err := d.takeLeases(*e.Step); err != nil {
		return err
	}
	if i := l.FaultOf(e); i >= 0 {
		for _, name := range l.Record.Faults[i].Plan.Fences {
			if err := d.fencedFirst(ctx, name); err != nil {
				return err
			}
		}
	}
	err := d.Execute(ctx, e.Step.Undo)
	var left *harness.LeftError
	if errors.As(err, &left) {
		l.Note("component.left", left.Error(), e.Fault, "")
		return nil
	}
	var lost *lease.ExpiredError
	if errors.As(err, &lost) && lost.State == lease.None { // its state is gone, with whatever it was on
		l.Note("lease.lost", "the host knows nothing of the run any more, and the victim alone tells whether it is over: "+lost.Error(), e.Fault, "")
		return nil
	}
	return err
}

// takeLeases finds the leases of the run on the hosts where a step was done.
func (d *Driver) takeLeases(s harness.Step) error {
	all, err := d.deeds(s.Do)
	if err != nil {
		return err
	}
	for _, one := range all {
		if _, there := d.held.leases[one.host]; there || one.host == "" {
			continue
		}
		l, err := d.newLease(one.host)
		if err != nil {
			return err
		}
		d.held.leases[one.host] = l
	}
	return nil
}

// fencedFirst demands that a component refuses writes before something is undone, and has it fenced if the file says how. Where
// nobody leads in its place it needs no fence.
func (d *Driver) fencedFirst(ctx context.Context, name string) error {
	c, ok := d.Target.ComponentByName(name)
	if !ok || c.Fencing == nil {
		return fmt.Errorf("%s must be fenced first, and the file does not say how", name)
	}
	refuses, err := d.RefusesWrites(ctx, name)
	if refuses && err == nil {
		return nil
	}
	if other, asked := d.LeadsBeside(ctx, name); other == "" && asked == nil {
		return nil // it would be fenced as the only one that leads
	}
	if c.Fencing.By == harness.FencedByCall {
		if err := d.fence(ctx, []string{name}); err != nil {
			return err
		}
		refuses, err = d.RefusesWrites(ctx, name)
	}
	if err == nil && !refuses {
		err = errors.New("it takes writes")
	}
	if err != nil {
		return fmt.Errorf("%s is not seen to refuse writes, so nothing was undone that could let two lead: %w: see to it by hand that it does, then run this again", name, err)
	}
	return nil
}
