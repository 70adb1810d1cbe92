package evidence

import (
	"fmt"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// faultWords says in words what a fault is, and how long it was to last.
func faultWords(p harness.Plan) string {
	if p.Fault.For > 0 {
		return p.What + ", for " + measure.Length(int64(p.Fault.For))
	}
	return p.What
}

// region names a region by role and name: "standby region (west)".
func (v *view) region(role string) string {
	r, ok := v.rec.Target.RegionByRole(role)
	if !ok || r.Name == "" {
		return role + " region"
	}
	return role + " region (" + r.Name + ")"
}

func (v *view) faults() []reports.Fault {
	var rows []reports.Fault
	for _, f := range v.rec.Faults {
		row := reports.Fault{Kind: f.Plan.Fault.Kind, Target: v.region(f.Plan.Fault.On), What: faultWords(f.Plan),
			InForce: v.sinceFault(f.InForce)}
		if f.Plan.Fault.StartsClock {
			row.What += "; moment 0"
		}
		if f.Confirmed {
			row.Confirmed = fmt.Sprintf("%d checks", len(f.Plan.InForce))
			if n := len(f.Plan.Follows); n > 0 {
				row.Confirmed += fmt.Sprintf(", and %d of what follows: %s", n, checkKinds(f.Plan.Follows))
			}
		} else if f.Do.Lo != 0 {
			row.Confirmed = "not confirmed: " + f.Detail
		}
		switch {
		case f.Restored:
			row.Undone = v.sinceFault(f.Undone) + "; seen to be over"
		case !f.Undone.Never():
			row.Undone = v.sinceFault(f.Undone) + "; NOT seen to be over"
		case f.Do.Lo == 0:
			row.Undone = "never done"
		default:
			row.Undone = "not undone"
		}
		if v.rec.Undo.Fenced && f.Plan.Fault.For == 0 {
			row.Undone += "; old primary fenced by the " + v.rec.Undo.FencedBy + " first"
		}
		rows = append(rows, row)
	}
	return rows
}

func checkKinds(checks []harness.Check) string {
	var kinds []string
	for _, c := range checks {
		kinds = append(kinds, string(c.Kind))
	}
	return strings.Join(kinds, ", ")
}
