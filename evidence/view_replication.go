package evidence

import (
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// replication says what a failover would have lost, where a drill is about that.
func (v *view) replication() []reports.Field {
	if !ofReplication(v.rec) {
		return nil
	}
	var rows []reports.Field
	for _, of := range []struct {
		title, name string
		told        bool // its detail is that of the row above
	}{
		{"Standby's data at its oldest", measure.MeasureExposure, false}, {"Acknowledged writes it did not have then", measure.MeasureExposureLost, true},
		{"Their value", measure.MeasureExposureValue, true}, {"Caught up after the fault was taken back", measure.MeasureCatchup, false},
		{"Acknowledged writes really lost", measure.MeasureRPOLost, false}, {"Value really lost", measure.MeasureRPOValue, true},
	} {
		m, ok := v.found(of.name)
		if !ok {
			continue // nobody asked, and nothing could be said
		}
		value := measure.Value(m)
		if !m.Known || !of.told {
			value = joined(value, m.Detail)
		}
		rows = append(rows, reports.Field{Name: of.title, Value: value})
	}
	if age, at, ok := v.ageAtFailover(); ok {
		rows = append(rows, reports.Field{Name: "Standby's data when the failover was decided", Value: measure.Length(age/1e6*1e6) + " old, at " + v.since(at)})
	}
	return append(rows, reports.Field{Name: "Alarm received", Value: v.lagAlarm()})
}

// ageAtFailover is how old the standby's data was when the target decided to fail over.
func (v *view) ageAtFailover() (age int64, at harness.Stamp, ok bool) {
	log := v.rec.Target.Decisions
	if log == nil {
		return 0, 0, false
	}
	promoted, did := v.logged(log.Promoted)
	if !did {
		return 0, 0, false
	}
	at = promoted.At
	if declared, ok := v.logged(log.Declared); ok {
		at = declared.At
	}
	age, ok = v.ageAt(at)
	return age, at, ok
}

// lagAlarm says when a pager was told that replication is in trouble.
func (v *view) lagAlarm() string {
	var muted []string
	for _, c := range v.rec.Target.Channels {
		if c.Muted {
			muted = append(muted, c.Name)
		}
	}
	for _, a := range v.rec.Arrivals {
		if a.Nonce && a.Accepted && tellsOfTrouble(a) && a.At >= v.firstFault() && strings.HasPrefix(a.Class, "replication.") {
			return alertLabel(a) + " at " + v.since(a.At) + ": " + v.redact.Text(a.Summary)
		}
	}
	text := "none: no alert about replication was received"
	if len(muted) > 0 {
		text += "; muted in the target's own configuration: " + strings.Join(muted, ", ")
	}
	return text
}
