package evidence

import (
	"slices"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness/measure"
)

func (v *view) objectives() []reports.Objective {
	var rows []reports.Objective
	for _, o := range v.f.Objectives {
		name := spaced(o.Objective.ID+": "+o.Objective.Measure, o.Objective.Load, o.Objective.Cohort, o.Objective.Channel)
		rows = append(rows, reports.Objective{Name: name, Bound: measure.BoundWords(o.Objective), Source: o.Objective.Source,
			Measured: measure.Value(o.Measured), Interval: bounds(o.Measured), Verdict: o.Verdict.String()})
	}
	return rows
}

// spaced joins what is there.
func spaced(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
