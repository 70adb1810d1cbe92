package evidence

import (
	"blackstart/evidence/reports"
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
		rows = append(rows, reports.Objective{Name: name, Bound: measure.BoundWords(o.Objective), Source: o.Objective.Source,
			Measured: measure.Value(o.Measured), Interval: bounds(o.Measured), Verdict: o.Verdict.String()})
	}
	return rows
}
