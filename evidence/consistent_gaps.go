package evidence

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// gapsOf holds the gaps against the events: each was told when it was over. Of a run that was killed the record may lack the last.
func (t *recordedEvents) gapsOf(rec *harness.Record) error {
	same := func(g harness.Gap, e harness.Event) bool {
		return e.Kind == "harness."+g.Kind && e.At == g.At && e.Text == g.Words()
	}
	if rec.Status != harness.Interrupted && !slices.EqualFunc(rec.Gaps, t.gaps, same) {
		return fmt.Errorf("the record tells of %d times in which the harness could not measure, the events of %d, or of others", len(rec.Gaps), len(t.gaps))
	}
	return nil
}
