package harness

import (
	"context"
	"errors"
	"sort"
)

// conclude turns the way the story ended into a status.
func (d *drill) conclude(ctx context.Context, err error) {
	switch {
	case err == nil || errors.Is(err, errUnconfirmed) || errors.Is(err, errNotDone) || errors.Is(err, errGap):
		if err != nil {
			d.rec.StatusReason = err.Error()
		}
	case errors.Is(err, errUnsteady):
		d.rec.Status, d.rec.StatusReason = Unsteady, err.Error()
	case errors.Is(err, errGuard), errors.Is(err, errLease):
		d.rec.Status, d.rec.StatusReason = Stopped, err.Error()
	case ctx.Err() != nil:
		d.rec.Status, d.rec.StatusReason = Stopped, "interrupted by the operator during "+d.phase
	default:
		d.rec.Status, d.rec.StatusReason = Broken, err.Error()
	}
	if err != nil {
		d.note("drill."+string(d.rec.Status), d.rec.StatusReason, nil)
	}
}

// noteLeftEarly says that the operator did not wait for what comes after the undo.
func (d *drill) noteLeftEarly(during string) {
	if d.rec.Status == Completed || d.rec.Status == Unsteady {
		d.rec.Status, d.rec.StatusReason = Stopped, "left by the operator during "+during+", when everything was undone"
	}
	d.note("drill.left", "left by the operator during "+during+"; everything was undone", nil)
}

// addProblem records a problem of the harness that came after the story.
func (d *drill) addProblem(err, more error) error {
	if d.rec.Status == Completed || d.rec.Status == Unsteady {
		d.rec.Status, d.rec.StatusReason = Broken, more.Error()
	}
	return errors.Join(err, more)
}

// close ends the story: the record is complete, and what becomes of it is the caller's.
func (d *drill) close() error {
	d.takeTargetClocks(true)
	sort.SliceStable(d.rec.Streams, func(i, j int) bool { return d.rec.Streams[i].ID < d.rec.Streams[j].ID })
	if d.undoLog == nil {
		return d.journalErr
	}
	return errors.Join(d.journalErr, d.undoLog.Close())
}

// harmless tells whether an error only says how the drill ended, which the Record says too.
func harmless(err error) bool {
	if err == nil {
		return true
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if !harmless(e) {
				return false
			}
		}
		return true
	}
	for _, known := range []error{errUnsteady, errUnconfirmed, errNotDone, errGap, errGuard, errLease, context.Canceled} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// save keeps the record as it stands, so that a run that is killed can be judged for what it was.
func (d *drill) save() error {
	if d.Save == nil {
		return nil
	}
	return d.Save(d.rec)
}
