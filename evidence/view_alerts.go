package evidence

import (
	"fmt"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// alerts gives one row for each objective on a channel, and one for each channel that no objective speaks of.
func (v *view) alerts() []reports.Alert {
	var rows []reports.Alert
	for _, c := range v.rec.Target.Channels {
		any := false
		for _, o := range v.f.Objectives {
			if o.Objective.Channel != c.Name {
				continue
			}
			any = true
			row := v.alert(c, o.Objective.Carries)
			row.Channel = c.Name + ": " + o.Objective.ID
			if c.Muted {
				row.Channel += " (muted in the target's own configuration)"
			}
			row.Carry, row.Verdict = measure.Carried(o.Objective.Carries), o.Verdict.String()
			if o.Measured.Unit == harness.UnitNS {
				row.Latency = measure.Value(o.Measured)
			}
			rows = append(rows, row)
		}
		if !any {
			rows = append(rows, v.alert(c, nil))
		}
	}
	return rows
}

// alert tells of the first message on a channel that carries what is wanted, and of the answers to its incident.
func (v *view) alert(c harness.Channel, want map[string]string) reports.Alert {
	row := reports.Alert{Channel: c.Name}
	if c.Muted {
		row.Verdict = "muted in the target's own configuration"
	}
	end := v.rec.Observation.Hi
	first, ok := measure.FirstAlert(v.rec.Arrivals, c.Name, want, &v.rec.Target, v.firstFault(), max(end, v.rec.Ended))
	if !ok {
		return row
	}
	row.Accepted, row.Received = fmt.Sprintf("HTTP %d", first.Status), v.since(first.At)
	if c.Name == "smtp" {
		row.Accepted = fmt.Sprintf("SMTP %d", first.Status)
	}
	for _, a := range v.rec.Arrivals {
		if a.Channel != c.Name || !a.Nonce || a.At < first.At || a.DedupKey != first.DedupKey {
			continue
		}
		switch {
		case a.Event == "acknowledge" && row.Acknowledged == "":
			row.Acknowledged = v.since(a.At)
		case a.Event == "resolve" && row.Resolved == "":
			row.Resolved = v.since(a.At)
		}
	}
	for _, m := range v.f.Measurements {
		if m.Name == measure.MeasureAlert && m.Channel == c.Name && want == nil {
			row.Latency = measure.Value(m)
		}
	}
	return row
}
