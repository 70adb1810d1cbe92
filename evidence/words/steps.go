package words

import (
	"fmt"
	"strings"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// steps are what the events of a target's own log mean, in words; %s is the subject of what was seen from outside.
var steps = [facts.NumMeanings]struct{ name, mark, happened, didNotHappen string }{
	facts.Lagging:  {name: "replication lags", happened: "the standby's last heartbeat was %s s old"},
	facts.Renewed:  {name: "certificate renewed", happened: "%s was accepted again by a probe that verifies certificates"},
	facts.Detected: {name: "failure detected", happened: "clients of %s felt it"},
	facts.Declared: {name: "failover declared"},
	facts.Refused:  {name: "failover refused", happened: "the standby took no write to the end"},
	facts.Deployed: {name: "build deployed", happened: "answered as build %s"},
	facts.Promoted: {name: "standby promoted", happened: "it took a first write", didNotHappen: "it took no write"},
	facts.Switched: {name: "clients sent there", mark: "DNS switched", happened: "the name was answered with %s", didNotHappen: "the name was never answered with the standby"},
	facts.Done: {name: "failover done", happened: "service was back for new connections of %s",
		didNotHappen: "service did not come back for new connections of %s"},
}

// logWords says what the events of a target's own log mean.
func logWords(events [facts.NumMeanings]string) map[string]string {
	words := map[string]string{}
	for m, event := range events {
		if event != "" { // else the log has no such event
			words[event] = orWord(steps[m].mark, steps[m].name)
		}
	}
	return words
}

// decisions holds each step of the target's own log against what was seen from outside.
func decisions(d facts.Drill, z zero) []DecisionStep {
	return each(d.Decisions, func(s facts.Step) DecisionStep {
		row := DecisionStep{Step: steps[s.Meaning].name, LogAt: z.since(s.Entry.At), OutsideAt: z.since(s.Seen.At)}
		row.Log = joined(s.Entry.Event, ": ", s.Entry.Reason())
		subject := s.Seen.Subject
		if s.Meaning == facts.Lagging {
			subject = fmt.Sprintf("%.1f", float64(s.Seen.AgeNS)/1e9)
		}
		switch {
		case s.Seen.Happened:
			row.Outside = strings.Replace(steps[s.Meaning].happened, "%s", subject, 1)
		case s.Seen.Missing && s.Meaning == facts.Done:
			subject += measure.ClientWords(d.Recovery.Failed[0])
			fallthrough
		case s.Seen.Missing:
			row.Outside = strings.Replace(steps[s.Meaning].didNotHappen, "%s", subject, 1)
		}
		return row
	})
}

// disputed says where the target's own log and the outside disagree.
func disputed(f harness.Findings) []string {
	var all []string
	for _, m := range f.Measurements {
		if m.Name == measure.MeasureDecision && m.Known && m.Lo > 0 {
			all = append(all, "The target's own log and the outside disagree: "+m.Detail+".")
		}
	}
	return all
}

// replication says what a failover would have lost, where a drill is about that.
func replication(d facts.Drill, z zero) []Field {
	if !facts.OfReplication(d.Record) {
		return nil
	}
	var rows []Field
	detail := ""
	for _, name := range []string{measure.MeasureExposure, measure.MeasureExposureLost, measure.MeasureExposureValue, measure.MeasureCatchup,
		measure.MeasureRPOLost, measure.MeasureRPOValue} {
		m, ok := facts.Find(d.Findings, name)
		if !ok {
			continue // nobody asked, and nothing could be said
		}
		row := Field{Name: measure.RowOf(name).InTable, Value: measure.Value(m)}
		if !m.Known || m.Detail != detail { // else the row above says it
			row.Value = joined(row.Value, "; ", m.Detail)
		}
		rows, detail = append(rows, row), m.Detail
	}
	if r := d.Replication; r.Known {
		rows = append(rows, Field{Name: "Standby's data when the failover was decided", Value: measure.Length(r.AgeNS/1e6*1e6) + " old, at " + z.since(r.At)})
	}
	return append(rows, Field{Name: "Alarm received", Value: lagAlarm(d, z)})
}

// lagAlarm says when a pager was told that replication is in trouble.
func lagAlarm(d facts.Drill, z zero) string {
	if d.Record.Target.Decisions == nil {
		return "" // nothing says which alert would be about replication
	}
	for _, a := range d.Alerts {
		if event := d.Log.EventOf(a.Class); event != "" && event == d.Log.Events[facts.Lagging] {
			return alertLabel(a) + " at " + z.since(a.At) + ": " + a.Summary
		}
	}
	var silent []string
	for _, c := range d.Record.Target.Channels {
		if c.Muted {
			silent = append(silent, c.Name)
		}
	}
	text := "none: no alert about replication was received"
	if len(silent) > 0 {
		text += "; " + muted + ": " + strings.Join(silent, ", ")
	}
	return text
}
