package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxReason is how long, in runes, the reason of a verdict may be on the first page. A longer one, of several objectives, is
// said in fewer words there; objective by objective it stands below and among the exceptions.
const maxReason = 300

func verdict(rec *harness.Record, f harness.Findings) Verdict {
	v := Verdict{Result: f.Verdict.String(), Reason: f.Reason, Validity: "passed: every check below held"}
	if i := slices.IndexFunc(f.Validity, func(c harness.ValidityCheck) bool { return !c.OK }); i >= 0 {
		v.Validity = "failed: " + f.Validity[i].Name + ": " + f.Validity[i].Detail
	}
	if rec.Status != harness.Completed {
		v.Validity = string(rec.Status) + ": " + rec.StatusReason
	}
	if len([]rune(v.Reason)) > maxReason && f.Verdict == harness.Fail {
		v.Reason = inFewWords(f)
	}
	if rec.Status == harness.Interrupted && f.Verdict != harness.Fail {
		v.Result = string(rec.Status) // an interrupted run passes nothing
	}
	return v
}

// inFewWords says which objectives were not met, and what of each.
func inFewWords(f harness.Findings) string {
	var all []string
	for _, o := range facts.Missed(f) {
		all = append(all, o.Objective.ID+": "+measure.MissedWords(o))
	}
	return fmt.Sprintf("FAIL: %d of %d objectives not met: %s.", len(all), len(f.Objectives), strings.Join(all, "; "))
}

// summary says in a few sentences what was done and what users felt, for a reader who was not there.
func summary(rec *harness.Record, f harness.Findings) string {
	var parts []string
	for _, f := range rec.Faults {
		if f.Do.Lo == 0 {
			continue
		}
		what := faultOn(rec, f.Plan)
		if f.Plan.Fault.For == 0 && f.Undone.Hi != 0 {
			what += fmt.Sprintf(", for %.0f s", f.Undone.Hi.Sub(f.InForce.Lo).Seconds())
		}
		parts = append(parts, what)
	}
	text := "What was done: " + orWord(strings.Join(parts, "; "), "nothing was broken")
	var loads []string
	for _, s := range rec.Streams {
		if s.Kind == "samples" {
			loads = append(loads, fmt.Sprintf("%s %d/s from %s", s.Load, s.Freq, roleOf(rec, s)))
		}
	}
	if len(loads) > 0 {
		text += ", under load (" + strings.Join(loads, ", ") + ")"
	}
	if set := rec.Scenario.Target.Settings; len(set) > 0 {
		var words []string
		for _, key := range slices.Sorted(maps.Keys(set)) {
			words = append(words, key+" "+set[key])
		}
		text += ". Set in the target's own configuration: " + strings.Join(words, ", ")
	}
	return text + impactIntro + impact(f.Measurements)
}

// impactIntro leads from what was done to what came of it.
const impactIntro = ". What users felt: "

// impact strings together the measurements a reader asks for first.
func impact(all []harness.Measurement) string {
	return orWord(strings.Join(measure.Impact(all), ", "), "not measured") + "."
}

// warnings say what a reader of the first page must not overlook, whatever the verdict: writes that were acknowledged behind the
// cut, and objectives that this drill did not exercise.
func warnings(f harness.Findings) []string {
	var all, idle []string
	if text := splitBrain(f); text != "" {
		all = append(all, text)
	}
	for _, o := range f.Objectives {
		if !strings.Contains(o.Reason+" "+o.Measured.Detail, "not exercised") {
			continue // the findings call so what nothing failed over for, or had to be recovered for
		}
		name := o.Objective.ID
		if measure.RowOf(o.Objective.Measure).Losses {
			name = "RPO (" + name + ")"
		}
		idle = append(idle, name)
	}
	if len(idle) > 0 {
		all = append(all, "NOT EXERCISED by this drill: "+strings.Join(idle, ", ")+".")
	}
	return all
}

// splitBrain tells that the old primary went on taking writes after it was cut off, and that they are lost.
func splitBrain(f harness.Findings) string {
	count, _ := facts.Find(f, measure.NameDivergence)
	if !count.Known || count.Hi == 0 {
		return ""
	}
	text := fmt.Sprintf("SPLIT BRAIN: %s writes behind the cut were acknowledged after the fault and are lost", measure.Value(count))
	if cost, _ := facts.Find(f, measure.NameDivergenceCost); cost.Known {
		text += ", worth " + measure.Value(cost)
	}
	if lasted, _ := facts.Find(f, measure.NameDivergenceTime); lasted.Known {
		text += "; the last of them " + measure.Value(lasted) + " after it"
	}
	return text + "."
}

// interrupted takes out of a report of an interrupted run what would read like a result.
func (r *Report) interrupted(why string) {
	r.Warnings = []string{"INTERRUPTED: the process died during this run. Raw data up to then lies in the pack; it is bound to the run up to the last " +
		"checkpoint only, nothing of it is a result, and no value is printed here."}
	r.Summary, _, _ = strings.Cut(r.Summary, impactIntro[1:])
	for i := range r.Objectives {
		r.Objectives[i].Measured, r.Objectives[i].Interval = "", ""
	}
	r.Measures, r.Outcomes, r.Load, r.Channels, r.Ledger, r.Oracle = nil, nil, nil, nil, nil, ""
	r.Known, r.Replication, r.Decisions, r.Disputed = KnownAnswers{}, nil, nil, nil
	r.Exceptions = []Exception{{Cause: "the run was interrupted: " + why}}
	for i := range r.Failures {
		r.Failures[i].Found = string(harness.Interrupted)
	}
}
