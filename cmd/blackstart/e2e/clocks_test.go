package e2e

import (
	"slices"
	"testing"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// Two faults have a clock each, and load goes on through the undo: the old primary is fenced and seen to refuse writes before a
// link heals, and what clients saw of it is measured apart.
func TestTwoClocksAndAnUndoUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a drill takes more than a minute")
	}
	b := newBox(t)
	o := b.drill(t, "../../../testdata/scenarios/two-clocks.yaml", "--profile", "fast")
	if o.exit != harness.ExitPass {
		t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
	}
	b.accepted(t, "two-clocks")
	b.nothingLeft(t)
	rec, f := readRecord(t, b, "two-clocks"), readFindings(t, b, "two-clocks")
	for _, o := range f.Objectives {
		if o.Measured.After != o.Objective.After {
			t.Errorf("%s was measured after %q", o.Objective.ID, o.Measured.After)
		}
	}
	first, second := rec.Faults[0], rec.Faults[1]
	u := rec.Undo
	if !first.Restored || first.Undone.Hi > second.InForce.Lo || !u.FenceChecked || second.Undone.Lo < u.At.Lo || u.Watched.Hi < u.At.Hi.Add(rec.Scenario.ObserveUndo.D()) {
		t.Errorf("faults %+v and %+v, undo %+v", first, second, u)
	}
	for _, s := range rec.Streams {
		if end := rec.Anchor + harness.Stamp(s.StopNS); end < u.Watched.Hi {
			t.Errorf("load %s stopped before the watch of the undo ended", s.Load)
		}
	}
	if i := slices.IndexFunc(f.Measurements, func(m harness.Measurement) bool { return m.Name == measure.NameUndoOutage }); i < 0 || !f.Measurements[i].Known {
		t.Error("what clients saw of the undo was not measured")
	} else {
		t.Logf("the undo: %s %s, %s", f.Measurements[i].Cohort, measure.Value(f.Measurements[i]), f.Measurements[i].Detail)
	}
}
