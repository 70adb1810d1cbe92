package words

import (
	"fmt"
	"strings"

	"blackstart/evidence/controls"
	"blackstart/evidence/facts"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

const recordFile = "data/record.json"

func objectives(f harness.Findings) []Objective {
	return each(f.Objectives, func(o harness.Finding) Objective {
		name := spaced(o.Objective.ID+": "+o.Objective.Measure, o.Objective.Load, o.Objective.Cohort, o.Objective.Channel)
		return Objective{Name: name, Bound: measure.BoundWords(o.Objective), Source: o.Objective.Source,
			Measured: measure.Value(o.Measured), Interval: bounds(o.Measured), Verdict: o.Verdict.String()}
	})
}

func measures(f harness.Findings, streams []harness.Stream) []Measure {
	var rows []Measure
	for _, m := range f.Measurements {
		if minor(f, m) {
			continue // all of them are in findings.json
		}
		rows = append(rows, Measure{Name: spaced(m.Name, m.Load, m.Cohort, m.Channel), Value: measure.Value(m), Bounds: bounds(m), Method: joined(m.Method, "; ", m.Detail),
			Raw: rawOf(m, streams)})
	}
	return rows
}

// minor tells which measurements a report leaves to findings.json: parts of others, and what nobody asked about.
func minor(f harness.Findings, m harness.Measurement) bool {
	asked := false
	for _, o := range f.Objectives {
		asked = asked || (o.Objective.Channel == m.Channel && m.Channel != "")
	}
	switch {
	case strings.HasPrefix(m.Name, measure.NameWallPhase), m.Name == measure.NameWallUnaccounted, m.Name == measure.NameLostRequests,
		strings.HasPrefix(m.Name, measure.NameErrors): // counted in a table of their own
		return true
	case strings.HasPrefix(m.Name, "step.") && m.Cohort != "" && m.Cohort != facts.Fresh:
		return true
	case m.Name == measure.NameAlertBeyond:
		return !asked
	}
	return m.Name == measure.NameRTODeclared && m.Cohort != facts.Fresh
}

// rawOf names the file that a measurement of one load was made from.
func rawOf(m harness.Measurement, streams []harness.Stream) string {
	kind := "samples"
	if measure.RowOf(m.Name).Ledger {
		kind = "ledger"
	}
	for _, s := range streams {
		if s.Load == m.Load && s.Kind == kind && m.Channel == "" {
			return s.File
		}
	}
	return recordFile
}

func checks(f harness.Findings) []Check {
	return each(f.Validity, func(c harness.ValidityCheck) Check {
		result := "passed"
		if !c.OK {
			result = "failed"
		}
		return Check{Name: c.Name, Result: result, Detail: c.Detail}
	})
}

// roleOf is that of the place where the clients of a stream stand.
func roleOf(rec *harness.Record, s harness.Stream) string {
	p, _ := rec.Place(s.Place) // verify refuses a record that does not name it
	return p.Role
}

// loads counts each load's samples: intended, offered, answered well.
func loads(rec *harness.Record, list []facts.Load) []Stream {
	return each(list, func(l facts.Load) Stream {
		row := Stream{Name: l.Stream.Load + " (" + l.Stream.Workload + ")", Place: roleOf(rec, l.Stream), Intended: fmt.Sprintf("%d/s", l.Stream.Freq)}
		if l.Err != nil {
			row.Outcomes = "file is not whole: " + l.Err.Error()
			return row
		}
		row.Intended += ", " + measure.Count(int64(l.All))
		row.Offered, row.Achieved = measure.Count(int64(l.All-l.Outcomes[loadgen.Unsent])), measure.Count(int64(l.Outcomes[loadgen.OK]))
		var parts []string
		for _, o := range rec.Outcomes {
			if n := l.Outcomes[o.Code]; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %s", o.Name, measure.Count(int64(n))))
			}
		}
		row.Outcomes = strings.Join(parts, ", ")
		return row
	})
}

// outcomes tells how the requests of every load and cohort ended, from the first to the last of the drill.
func outcomes(rec *harness.Record, list []facts.Load, z zero) []Outcome {
	var rows []Outcome
	for _, l := range list {
		if l.Err != nil {
			rows = append(rows, Outcome{Load: l.Stream.Load, Class: "its file is not whole: " + l.Err.Error()})
			continue
		}
		for i, classes := range l.Cohorts {
			all, name := 0, ""
			for _, e := range classes {
				all += e.Count
			}
			if i < len(l.Stream.Cohorts) {
				name = l.Stream.Cohorts[i]
			}
			for o, e := range classes {
				if e.Count > 0 {
					rows = append(rows, Outcome{Load: l.Stream.Load, Cohort: name, Class: ClassWords(rec, loadgen.Outcome(o)), Count: measure.Count(int64(e.Count)),
						Share: share(e.Count, all), First: z.since(e.First), Last: z.since(e.Last)})
				}
			}
		}
	}
	return rows
}

func ledger(f harness.Findings) []LedgerClass {
	return each(f.Ledger, func(c harness.Class) LedgerClass {
		return LedgerClass{Class: c.Name, Count: measure.Count(int64(c.Count)), Amount: c.Amount.String(), Meaning: measure.Meaning(c.Name)}
	})
}

func exceptions(f harness.Findings) []Exception {
	var rows []Exception
	for _, o := range facts.Missed(f) {
		rows = append(rows, Exception{Cause: o.Reason, Severity: "objective not met"})
	}
	for _, e := range f.Exceptions {
		rows = append(rows, Exception{Cause: e, Severity: "observation"})
	}
	return rows
}

// provenance says where each raw file comes from.
func provenance(rec *harness.Record, list []facts.Artefact, log string, events int) []Artefact {
	var rows []Artefact
	for _, a := range list {
		row := Artefact{Digest: a.SHA256}
		if s := a.Stream; s != nil {
			row.Path, row.Source, row.Query = s.File, "load generator, "+s.Workload, fmt.Sprintf("%d/s from %s", s.Freq, roleOf(rec, *s))
			row.Extracted, row.Rows = rec.Ended.String()+" blackstart", measure.Count(int64(s.Count))
		}
		if p := a.Probe; p != nil {
			row.Path, row.Source, row.Query = p.File, strings.TrimRight("probe "+p.Probe+" "+p.ID, " "), "every "+measure.Length(p.EveryNS)+" on "+p.On
			row.Extracted, row.Rows = p.Ran.Hi.String()+" blackstart", measure.Count(int64(p.Count))
		}
		if a.Valued {
			row.Total = a.Total.String()
		}
		rows = append(rows, row)
	}
	return append(rows, Artefact{Path: seal.EventsFile, Source: "event log", Extracted: rec.Ended.String() + " blackstart",
		Rows: measure.Count(int64(events) + 1), Digest: orWord(log, notRead)})
}

// RequirementsOf maps the clauses of a framework to the evidence of a drill.
func RequirementsOf(f controls.Framework, drill controls.Exercised) Requirements {
	r := Requirements{Framework: f.Name, Title: f.Title, Scope: f.Scope, Rehearsal: drill.Rehearsal, Observed: drill.Observed}
	for _, c := range f.Clauses {
		b := c.Judge(drill)
		did := "not exercised"
		if b.Exercised {
			did = "exercised"
		}
		requirement := c.Title + ". " + c.Requirement
		if !c.Verified {
			requirement += " (wording not verified)"
		}
		r.Clauses = append(r.Clauses, Control{Clause: c.Clause, Requirement: requirement, Level: string(b.Level), Limits: "This does not show " + c.DoesNotShow + ".",
			Evidence: joined(did, ", recorded: ", strings.Join(b.Evidence, ", "))})
	}
	return r
}
