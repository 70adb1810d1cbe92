// Package facts takes from a drill's record, its findings and its files what reports and charts tell: values, each found once
// and handed on. It never forms a sentence, never draws, and never judges: what is judged stands in the findings.
package facts

import (
	"io/fs"

	"blackstart/evidence/controls"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Drill is what the reports tell of one drill, each subject by itself. Nothing in it changes once Of has made it.
type Drill struct {
	Record      *harness.Record
	Findings    harness.Findings
	Events      []harness.Event
	Zero        harness.Stamp // moment 0 of reports and charts
	FirstFault  harness.Stamp // when the first fault was put in force; the start of the observation where there was none
	Scenario    string        // digest of the scenario as it ran, "" if the file is not there
	EventLog    string        // digest of the whole log, "" if it was not read
	Artefacts   []Artefact
	Loads       []Load
	Answers     Answers
	Replication Replication
	Log         Log
	Decisions   []Step
	Alerts      []harness.Arrival
	Channels    []Notification
	Recovery    Recovery
	Coverage    controls.Exercised
}

// Of takes the facts of a drill. source is the root of the bag or of the pack. A file that is not whole gives no facts, or says
// so in place of them; the findings' validity tells of it.
func Of(rec *harness.Record, f harness.Findings, events []harness.Event, source fs.FS) Drill {
	src := measure.Files(source, rec)
	d := Drill{Record: rec, Findings: f, Events: events, Zero: Zero(rec), FirstFault: firstFault(rec), Coverage: Coverage(rec, f)}
	d.Scenario, d.EventLog = digest(source, "data/as-run/scenario.yaml"), digest(source, seal.EventsFile)
	d.Artefacts, d.Loads = artefacts(rec, src, source), Loads(rec, src)
	d.Answers = answers(rec, src, d.FirstFault)
	d.Log, d.Recovery = logOf(rec, d.FirstFault), recoveryOf(f, d.Zero)
	beats := seriesOf(rec, src, harness.ProbeHeartbeat)
	d.Replication = replicationOf(d.Log, beats)
	d.Decisions = d.steps(src, beats)
	d.Alerts, d.Channels = since(Alerts(rec), d.FirstFault), notifications(rec, f, d.FirstFault)
	return d
}

// Zero is the moment from which reports and charts count: the fault that starts the clock, else the start of the observation.
func Zero(rec *harness.Record) harness.Stamp {
	if f, ok := ClockFault(rec); ok {
		return f.InForce.Lo
	}
	if rec.Observation.Lo != 0 {
		return rec.Observation.Lo
	}
	return rec.Started
}

// ClockFault is the fault that starts the clock, if one was put in force.
func ClockFault(rec *harness.Record) (harness.FaultRecord, bool) {
	for _, f := range rec.Faults {
		if f.Plan.Fault.StartsClock && f.InForce.Lo != 0 {
			return f, true
		}
	}
	return harness.FaultRecord{}, false
}

func firstFault(rec *harness.Record) harness.Stamp {
	var first harness.Stamp
	for _, f := range rec.Faults {
		if lo := f.InForce.Lo; lo > 0 && (first == 0 || lo < first) {
			first = lo
		}
	}
	if first == 0 {
		return rec.Observation.Lo
	}
	return first
}

// Find gives the measurement of all loads, else the first of its name, else that of an objective.
func Find(f harness.Findings, name string) (best harness.Measurement, ok bool) {
	for _, m := range f.Measurements {
		if m.Name == name && (!ok || m.Load == "" && best.Load != "") {
			best, ok = m, true
		}
	}
	if ok && best.Known {
		return best, true
	}
	for _, o := range f.Objectives {
		if o.Measured.Name == name && (!ok || o.Measured.Known) {
			return o.Measured, true
		}
	}
	return best, ok
}

// FindOf gives the measurement of one load; unknown if there is none.
func FindOf(f harness.Findings, name, load string) harness.Measurement {
	for _, m := range f.Measurements {
		if m.Name == name && m.Load == load {
			return m
		}
	}
	return harness.Measurement{}
}

// Fresh is the cohort of clients that open a new connection for each request: what users without one see.
const Fresh = "fresh"

// Recovery tells when clients that open a new connection had service back.
type Recovery struct {
	Back   harness.Interval      // never: it was not, as far as any load saw
	Load   string                // that saw it
	Failed []harness.Measurement // of the loads that did not see it to the end
}

func recoveryOf(f harness.Findings, zero harness.Stamp) (s Recovery) {
	for _, m := range f.Measurements {
		switch {
		case m.Name != measure.MeasureRTO || m.Cohort != Fresh:
		case m.Unbounded:
			s.Failed = append(s.Failed, m)
		case m.Known && m.Hi > 0 && s.Load == "":
			s.Back, s.Load = harness.Interval{Lo: zero + harness.Stamp(m.Lo), Hi: zero + harness.Stamp(m.Hi)}, m.Load
		}
	}
	return s
}
