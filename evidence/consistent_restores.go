package evidence

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// restoresOf holds what brought redundancy back, or was to, against the scenario and the events.
func (t *recordedEvents) restoresOf(rec *harness.Record) error {
	if rec.Status == harness.Interrupted { // its record may lag behind
		return nil
	}
	same := func(r harness.RestoreRecord, e harness.Event) bool {
		if e.Detail["call"] != r.Call {
			return false
		}
		if r.Detail != "" {
			return e.Kind == "restore.failed" && e.Text == r.Name+": "+r.Detail && r.Shown.Never()
		}
		return e.Kind == "restore.shown" && e.At == harness.Interval{Lo: r.Made.Lo, Hi: r.Shown.Hi}
	}
	if !slices.EqualFunc(rec.Restores, t.back, same) {
		return fmt.Errorf("the record tells of %d calls that brought redundancy back or were to, the events of %d, or of others", len(rec.Restores), len(t.back))
	}
	for i, r := range rec.Restores {
		steps := rec.Played().Restore
		if i >= len(steps) || steps[i].Name != r.Name || steps[i].Call != r.Call {
			return fmt.Errorf("restore %d, %s by call %s, is not what the scenario asks for in its place", i+1, r.Name, r.Call)
		}
	}
	return nil
}
