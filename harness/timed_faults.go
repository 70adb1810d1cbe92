package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// end takes one fault back when it has lasted as long as it was to, and asks for proof at once. What cannot be taken back ends
// the drill: the undo tries again.
func (d *drill) end(ctx context.Context, a PlannedAct) error {
	f := &d.rec.Faults[a.Item]
	begun := f.Do.Lo
	if f.Plan.Task() != nil {
		begun = f.InForce.Hi // people took their time
	}
	if err := d.until(ctx, begun.Add(f.Plan.Fault.For.D())); err != nil {
		return err
	}
	from := d.clock.Now()
	for i := len(d.inForce) - 1; i >= 0; i-- {
		if s := d.inForce[i]; s.fault == f {
			if err := d.tolerateGone(d.undoStep(ctx, ActEnd, s)); err != nil {
				return fmt.Errorf("end %s: %w", f.Plan.Fault.Kind, err)
			}
			if err := d.undoLog.Undone(s.n); err != nil {
				return err
			}
			d.inForce = slices.Delete(d.inForce, i, i+1)
		}
	}
	f.Undone = Interval{from, d.clock.Now()}
	if f.Plan.Task() != nil { // people took that long: all that follows waits for them
		d.shift += Duration(f.Undone.Hi.Sub(from))
	}
	d.event(Event{Kind: "fault.undone", At: f.Undone, Text: fmt.Sprintf("%s: its %s are over", f.Plan.Fault.Kind, f.Plan.Fault.For)})
	if f.Restored { // seen while people took it back
		return d.save()
	}
	at, asked, err := d.awaitRestored(ctx, f)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.note("undo.unproven", "not restored: "+err.Error(), nil)
		return errors.Join(errUnrestored, err)
	}
	d.noteRestored(f, at, asked, "")
	return d.save()
}

// injected tells whether anything was broken, or may have been.
func (d *drill) injected() bool {
	return slices.ContainsFunc(d.rec.Faults, func(f FaultRecord) bool { return f.Do.Lo != 0 })
}

// undoNeeded tells whether a step may be in force, or a fault that was taken back was not seen to be over.
func (d *drill) undoNeeded() bool {
	return len(d.inForce) > 0 || slices.ContainsFunc(d.rec.Faults, func(f FaultRecord) bool { return !f.Undone.Never() && !f.Restored })
}
