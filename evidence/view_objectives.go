package evidence

import (
	"slices"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

func (v *view) objectives() []reports.Objective {
	var rows []reports.Objective
	for _, o := range v.f.Objectives {
		name := o.Objective.ID + ": " + o.Objective.Measure
		for _, part := range []string{o.Objective.Load, o.Objective.Cohort, o.Objective.Channel} {
			if part != "" {
				name += " " + part
			}
		}
		rows = append(rows, reports.Objective{Name: name, Bound: boundWords(o.Objective), Source: o.Objective.Source,
			Measured: measure.Value(o.Measured), Interval: bounds(o.Measured), Verdict: o.Verdict.String()})
	}
	return rows
}

// boundWords says what an objective asks for: "at most 10 s from replication.break, carrying class replication.lagging".
func boundWords(o harness.Objective) string {
	if o.Is != "" {
		return "must be " + decisionWords(o.Is) + from(o)
	}
	text := "at most " + o.AtMost
	if o.Measure == measure.MeasureContent {
		text += " fields lacking"
	}
	text += from(o)
	if len(o.Carries) > 0 {
		text += ", carrying " + carried(o.Carries)
	}
	if o.StaleAfter > 0 {
		text += "; an answer older than " + measure.Length(int64(o.StaleAfter)) + " is stale"
	}
	return text
}

// from says what an objective counts from, where that is not the fault that starts the clock.
func from(o harness.Objective) string {
	switch {
	case o.From == "declaration":
		return " from the declaration"
	case o.Fault != "":
		return " from " + o.Fault
	}
	return ""
}

// decisionWords says a decision as part of a sentence.
func decisionWords(is string) string {
	if is == measure.DecidedNone {
		return "none: no failover"
	}
	return is
}

// carried lists the fields that an alert must carry, in order of their names.
func carried(want map[string]string) string {
	var words []string
	for field, value := range want {
		if value == "*" {
			value = "(any)"
		}
		words = append(words, field+" "+value)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
