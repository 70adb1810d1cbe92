package evidence

import (
	"errors"
	"fmt"
	"slices"

	"blackstart/harness"
)

// leftOutOf is what a run left out because it observed only; nothing of a drill.
func leftOutOf(rec *harness.Record) []harness.LeftOut {
	if rec.ObserveOnly == nil {
		return nil
	}
	return rec.ObserveOnly.LeftOut
}

// observedOf holds what was left out against the events and the scenario: an observation leaves out every fault and every step, breaks
// nothing, and asks nothing of anybody.
func (t *recordedEvents) observedOf(rec *harness.Record) error {
	left := leftOutOf(rec)
	if !slices.Equal(left, t.left) && rec.Status != harness.Interrupted {
		return fmt.Errorf("the record tells of %d things that were left out, the events of %d, or of others", len(left), len(t.left))
	}
	if rec.ObserveOnly == nil {
		return nil
	}
	if len(rec.Faults) > 0 || len(rec.People) > 0 || rec.Undo.Fenced {
		return errors.New("it observed only, and something was broken, fenced, or asked of people")
	}
	for _, l := range harness.NotDone(rec.Scenario) {
		if !slices.Contains(left, l) {
			return fmt.Errorf("it observed only, and does not say that %s was left out", l.What+" "+l.Name+l.Kind)
		}
	}
	return nil
}
