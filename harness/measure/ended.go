package measure

import (
	"fmt"
	"strings"

	"blackstart/harness"
)

// observedCheck is the name of the check that clients were watched for as long as the scenario says.
const observedCheck = "observation.length"

// checkObserved compares how long clients were watched with what the scenario asks. What was not watched cannot have gone
// well: a failure that would have been seen later must not become a doubt.
func (d *dataset) checkObserved() harness.ValidityCheck {
	asked := int64(d.rec.Scenario.Observe)
	why := d.observationShort()
	if asked <= 0 {
		why = "the scenario does not say how long clients are watched"
	}
	return verdict(observedCheck, why, fmt.Sprintf("clients were watched for %s, the scenario asks for %s", Length(d.watched()), Length(asked)))
}

// watched is how long clients were watched, in ns, rounded down to the millisecond that is printed.
func (d *dataset) watched() int64 {
	o := d.rec.Observation
	if o.Lo <= 0 || o.Hi < o.Lo {
		return 0
	}
	return floorTo(int64(o.Hi-o.Lo), 1e6)
}

// observationShort says that clients were watched for less time than the scenario asks, "" if they were not.
func (d *dataset) observationShort() string {
	asked := int64(d.rec.Scenario.Observe)
	if int64(d.rec.Observation.Hi-d.rec.Observation.Lo) >= asked && d.rec.Observation.Lo > 0 {
		return ""
	}
	return fmt.Sprintf("observation cut short: clients were watched for %s of %s", Length(d.watched()), Length(asked))
}

// judgeStopped judges a drill that a guard or a person ended: what failed beyond doubt has failed, whoever stopped the drill
// then, and what was not watched to its end cannot be told. Nobody gets rid of a failure by stopping.
func (d *dataset) judgeStopped(f *harness.Findings) {
	f.Exit, f.Reason = harness.ExitStopped, "STOPPED: "+orUnknown(d.rec.StatusReason)
	for _, c := range f.Validity {
		if !c.OK && c.Name != observedCheck && c.Name != undoCheck {
			unjudged(f, c.Name+": "+c.Detail)
			return
		}
	}
	short := d.observationShort()
	var failed []string
	for i := range f.Objectives {
		o := &f.Objectives[i]
		switch {
		case o.Verdict == harness.Fail && (short == "" || monotonic(o.Objective.Measure)):
			failed = append(failed, o.Reason)
		case short != "":
			o.Verdict = harness.Inconclusive
			o.Reason = o.Objective.ID + ": not judged: " + short
		}
	}
	if len(failed) > 0 {
		f.Verdict = harness.Fail
		f.Reason += "; failed before that: " + strings.Join(failed, "; ")
	}
}

// monotonic tells whether more time cannot make a measure better: once its lower bound is too much, it stays so. A word can
// still change: what a target decided is one.
func monotonic(measure string) bool { return RowOf(measure).Unit != harness.UnitWord }

// unjudged takes every verdict back: what was measured stands, but nothing may be judged from it.
func unjudged(f *harness.Findings, why string) {
	for i := range f.Objectives {
		o := &f.Objectives[i]
		o.Verdict = harness.Inconclusive
		o.Reason = o.Objective.ID + ": not judged: " + why
	}
}

// interrupted is all that is told of a drill whose process died: that it was, and during what. It has no value and no
// number that could be taken for a result, for nobody watched to the end, and what came after the last checkpoint is bound by
// nothing.
func interrupted(rec *harness.Record) harness.Findings {
	why := "interrupted: " + orUnknown(rec.StatusReason)
	if n := len(rec.Acts); n > 0 {
		why += "; the last phase that it finished was " + rec.Acts[n-1].Kind
	} else {
		why += "; it had finished no phase"
	}
	f := harness.Findings{
		Format: harness.Format, RunID: rec.RunID, Exit: harness.ExitStopped, Reason: "INTERRUPTED" + strings.TrimPrefix(why, "interrupted"),
		Objectives: []harness.Finding{}, Measurements: []harness.Measurement{}, Ledger: []harness.Class{}, Exceptions: []string{},
		Validity:   []harness.ValidityCheck{{Name: "drill.ended", Detail: why}},
		LedgerNote: "not classified: the drill was interrupted",
	}
	for _, o := range rec.Scenario.Objectives {
		f.Objectives = append(f.Objectives, harness.Finding{
			Objective: o, Reason: o.ID + ": " + why, Pointers: []string{recordFile},
			Measured: harness.Measurement{Name: o.Measure, Load: o.Load, Cohort: o.Cohort, Channel: o.Channel, Unit: RowOf(o.Measure).Unit, Detail: why},
		})
	}
	if undo := (&dataset{rec: rec}).undoIncomplete(); undo != "" {
		f.Exit, f.Reason = harness.ExitUndo, "UNDO INCOMPLETE: act now: "+undo
	}
	return f
}
