package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// wait waits until end, and on the way takes back each fault whose time is over.
func (d *drill) wait(ctx context.Context, end Stamp) error {
	for {
		f := d.nextToEnd(end)
		if f == nil {
			return d.until(ctx, end)
		}
		if err := d.until(ctx, f.Do.Lo.Add(f.Plan.Fault.For.D())); err != nil {
			return err
		}
		if err := d.endOne(ctx, f); err != nil {
			return err
		}
	}
}

// nextToEnd finds the fault whose time is over first, if that is before end.
func (d *drill) nextToEnd(end Stamp) *FaultRecord {
	var next *FaultRecord
	for i := range d.rec.Faults {
		f := &d.rec.Faults[i]
		over := f.Do.Lo.Add(f.Plan.Fault.For.D())
		if f.Plan.Fault.For == 0 || f.Do.Lo == 0 || !f.Undone.Never() || over >= end {
			continue
		}
		if next == nil || over < next.Do.Lo.Add(next.Plan.Fault.For.D()) {
			next = f
		}
	}
	return next
}

// endOne takes one fault back while clients are watched, and asks for proof at once. What cannot be taken back ends the
// drill: the undo tries again.
func (d *drill) endOne(ctx context.Context, f *FaultRecord) error {
	from := d.clock.Now()
	for i := len(d.inForce) - 1; i >= 0; i-- {
		if s := d.inForce[i]; s.fault == f {
			if err := d.allowGone(d.Driver.Execute(ctx, s.step.Undo)); err != nil {
				return fmt.Errorf("end %s: %w", f.Plan.Fault.Kind, err)
			}
			if err := d.undoLog.Undone(s.n); err != nil {
				return err
			}
			d.inForce = slices.Delete(d.inForce, i, i+1)
		}
	}
	f.Undone = Interval{from, d.clock.Now()}
	d.event(Event{Kind: "fault.undone", At: f.Undone, Text: fmt.Sprintf("%s: its %s are over", f.Plan.Fault.Kind, f.Plan.Fault.For)})
	at, asked, err := d.awaitOver(ctx, f)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.note("undo.unproven", "not restored: "+err.Error(), nil)
		return errors.Join(errUnrestored, err)
	}
	d.over(f, at, asked, "")
	return d.save()
}

// broke tells whether anything was broken, or may have been.
func (d *drill) broke() bool {
	return slices.ContainsFunc(d.rec.Faults, func(f FaultRecord) bool { return f.Do.Lo != 0 })
}

// unrestored tells whether a step may be in force, or a fault that was taken back was not seen to be over.
func (d *drill) unrestored() bool {
	return len(d.inForce) > 0 || slices.ContainsFunc(d.rec.Faults, func(f FaultRecord) bool { return !f.Undone.Never() && !f.Restored })
}
