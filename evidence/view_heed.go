package evidence

import (
	"fmt"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// heed says what a reader of the first page must not overlook, whatever the verdict: that the run was interrupted, writes that
// were acknowledged behind the cut, and objectives that this drill did not exercise.
func (v *view) heed() []string {
	if v.rec.Status == harness.Interrupted {
		return []string{"INTERRUPTED: the process died during this run. Raw data up to then lies in the pack; it is bound to the run up to the last " +
			"checkpoint only, nothing of it is a result, and no value is printed here."}
	}
	var all []string
	if text := v.diverged(); text != "" {
		all = append(all, text)
	}
	return append(all, v.notExercised()...)
}

// diverged tells of split brain: the old primary went on taking writes after it was cut off, and they are lost.
func (v *view) diverged() string {
	count, ok := v.found(measure.NameDivergence)
	if !ok || !count.Known || count.Hi == 0 {
		return ""
	}
	text := fmt.Sprintf("SPLIT BRAIN: %s writes behind the cut were acknowledged after the fault and are lost", measure.Value(count))
	if cost, ok := v.found(measure.NameDivergenceCost); ok && cost.Known {
		text += ", worth " + measure.Value(cost)
	}
	if lasted, ok := v.found(measure.NameDivergenceTime); ok && lasted.Known {
		text += "; the last of them " + measure.Value(lasted) + " after it"
	}
	return text + "."
}

// notExercised lists the objectives that the findings call so: nothing failed over, or nothing had to be recovered.
func (v *view) notExercised() []string {
	var all []string
	for _, o := range v.f.Objectives {
		if !strings.Contains(o.Reason+" "+o.Measured.Detail, notExercised) {
			continue
		}
		name := o.Objective.ID
		if strings.HasPrefix(o.Objective.Measure, "rpo.") {
			name = "RPO (" + name + ")"
		}
		all = append(all, name)
	}
	if len(all) == 0 {
		return nil
	}
	return []string{"NOT EXERCISED by this drill: " + strings.Join(all, ", ") + "."}
}

// notExercised is what findings say of an objective that a drill did not put to the test.
const notExercised = "not exercised"

// interrupted takes out of a report of an interrupted run what would read like a result.
func (v *view) interrupted(r *reports.Report) {
	r.Summary, _, _ = strings.Cut(r.Summary, " What users felt: ")
	for i := range r.Objectives {
		r.Objectives[i].Measured, r.Objectives[i].Interval = "", ""
	}
	r.Measures, r.Outcomes, r.Load, r.Alerts, r.Ledger, r.Oracle = nil, nil, nil, nil, nil, ""
	r.Known, r.Replication, r.Decisions, r.Discord = reports.Known{}, nil, nil, nil
	r.Exceptions, r.Plots = []reports.Exception{{Cause: "the run was interrupted: " + v.rec.StatusReason}}, nil
	for i := range r.Failures {
		r.Failures[i].Found = string(v.rec.Status)
	}
}
