package evidence

import (
	"fmt"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// faultLabel tells apart two faults of one kind: "certificate.expire (expired)".
func faultLabel(f harness.FaultSpec) string {
	if f.Kind != "certificate.expire" {
		return f.Kind
	}
	return f.Kind + " (" + certificateWrong(f) + ")"
}

func certificateWrong(f harness.FaultSpec) string {
	if f.Certificate == "" {
		return harness.CertificateExpired // what the scenario means when it says nothing
	}
	return f.Certificate
}

// faultWords says in words what a fault is, and how long it was to last.
func faultWords(f harness.FaultSpec, target *harness.Description) string {
	what := ""
	switch f.Kind {
	case "region.partition":
		what = "cut off from everything"
		if f.Direction == harness.In || f.Direction == harness.Out {
			what += ", packets " + f.Direction + " only"
		}
	case "region.kill":
		what = "every process of it killed"
	case "replication.break":
		what = "its replication link cut, while both regions serve"
	case "replication.pause":
		what = "its replay stopped, while its link looks healthy"
	case "code.stale":
		what = "it runs the build before the current one"
		for _, b := range target.Builds {
			if b.Name == harness.BuildPrevious {
				what += ", " + b.Version
			}
		}
	case "certificate.expire":
		what = map[string]string{
			harness.CertificateExpired: "it serves a certificate that has run out", harness.CertificateWrongName: "it serves a certificate for another host name",
			harness.CertificateUnknownIssuer: "it serves a certificate of an unknown issuer",
			harness.CertificateExpiring:      fmt.Sprintf("it serves a certificate that runs out in %d days", f.Days),
		}[certificateWrong(f)]
	default:
		what = f.Component
	}
	if f.For > 0 {
		if what != "" {
			what += ", "
		}
		what += "for " + measure.Length(int64(f.For))
	}
	return what
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
		row := reports.Fault{Kind: f.Plan.Fault.Kind, Target: v.region(f.Plan.Fault.Region), What: faultWords(f.Plan.Fault, &v.rec.Target),
			InForce: v.sinceFault(f.InForce)}
		if row.What == "" {
			row.What = f.Plan.Fault.Kind
		}
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
