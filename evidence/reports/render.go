package reports

import (
	"blackstart/evidence/words"
	"errors"
	"fmt"
	"time"
)

// Report is what a report prints: words, and what stands beside them.
type Report struct {
	words.Report
	Requirements words.Requirements // of the framework that the report is for
	RecordDigest string             // hexadecimal SHA-256 of record.json
	Sealed       time.Time          // the date inside the PDF: from the record, so that rendering again gives the same bytes
	Block        []string           // the block of facts: lines of ASCII that fit the page in a fixed width
	Plots        []Plot
}

// Plot is a PNG over the whole width of the page.
type Plot struct {
	Title, Caption string
	PNG            []byte
}

// Document is a rendered report.
type Document struct {
	PDF      []byte
	SignPage int        // the page with the two places for signatures, counted from 1
	SignBox  [4]float64 // for the executor: left, bottom, right, top in points from the lower left corner
	Review   [4]float64 // for the reviewer
}

// part is one part of a report.
type part func(*sheet, Report)

// arrangement is the layout of the report for one framework: signatures and facts come first, then the first page and these parts,
// and how to verify it last.
type arrangement struct {
	title    string // "": that of the framework
	preface  string
	controls string // title of the control map
	parts    []part
}

// common is the arrangement for every framework that has none of its own.
var common = arrangement{
	controls: "Requirements, and what this drill exercised",
	parts:    []part{(*sheet).objectives, (*sheet).found, (*sheet).plots, (*sheet).requirements, (*sheet).timeline, (*sheet).measures, (*sheet).ledger, (*sheet).alerts, (*sheet).faults, (*sheet).system, (*sheet).exceptions, (*sheet).lessons, (*sheet).provenance},
}

// arrangements are by framework.
var arrangements = map[string]arrangement{
	"finra-4370": {
		title: "Business continuity drill report: FINRA Rule 4370", controls: "Elements of the rule, and what this drill exercised",
		parts: common.parts,
	},
	"icfr": {
		title: "ICFR-relevant observations", controls: "Requirements, and what this evidence can be used for",
		preface: "Observations from one drill, for those who assess or audit internal control over financial reporting. It is no report on general IT controls and gives no opinion: whether a control exists, and whether it works, is for management and the auditor to say.",
		parts:   []part{(*sheet).objectives, (*sheet).found, (*sheet).ledger, (*sheet).exceptions, (*sheet).requirements, (*sheet).provenance, (*sheet).timeline, (*sheet).measures, (*sheet).plots, (*sheet).faults, (*sheet).alerts, (*sheet).system, (*sheet).lessons},
	},
}

// Render lays out the report for the framework whose requirements are given.
func Render(r Report) (Document, error) {
	a, ok := arrangements[r.Requirements.Framework]
	if !ok {
		a = common
	}
	return render(r, orElse(a.title, r.Requirements.Title), func(s *sheet) error {
		s.arranged = a
		s.signatures()
		s.block(r.Block)
		if a.preface != "" {
			s.note(a.preface)
		}
		s.first(r)
		for _, p := range a.parts {
			p(s, r)
		}
		s.closing(r)
		return s.err
	})
}

func (s *sheet) objectives(r Report) {
	s.section("Objectives")
	rows := rowsOf(r.Objectives, func(o words.Objective) []string {
		return []string{o.Name, o.Bound, o.Measured, o.Interval, o.Verdict, o.Source}
	})
	s.table([]column{{"Objective", 11, words.NotRecorded, strong}, {"Bound", 14, words.NotRecorded, plain}, {"Measured", 8, words.NotMeasured, plain},
		{"Lowest and highest", 9, words.NotMeasured, plain}, {"Verdict", 7, "inconclusive", verdict}, {"Source of the bound", 11, words.NotRecorded, plain}},
		rows, "No objective was set: nothing could be met.")
	s.section("Validity checks")
	rows = rowsOf(r.Checks, func(c words.Check) []string { return []string{c.Name, c.Result, c.Detail} })
	s.table([]column{{"Check", 18, words.NotRecorded, plain}, {"Result", 9, words.NotRecorded, verdict}, {"Detail", 33, "-", plain}}, rows, "Validity checks: "+words.NotRecorded+".")
}

// requirements prints the map from the clauses of a framework to the evidence of this drill.
func (s *sheet) requirements(r Report) {
	of := r.Requirements
	s.section(s.arranged.controls)
	s.note(of.Scope)
	if of.Observed {
		s.note("This was an observation, in which nothing was broken: it supports nothing of the following.")
	}
	if of.Rehearsal {
		s.note("This was a rehearsal: it supports nothing of the following, whatever it did.")
	}
	s.table([]column{{"Clause", 7, "", strong}, {"In our own words", 20, "", plain}, {"Level", 7, "", verdict}, {"Evidence", 12, "", plain},
		{"Limits", 14, "", plain}}, rowsOf(of.Clauses, func(c words.Control) []string {
		return []string{c.Clause, c.Requirement, c.Level, c.Evidence, c.Limits}
	}), "")
}

func (s *sheet) timeline(r Report) {
	s.section("Timeline")
	rows := rowsOf(r.Timeline, func(m words.Moment) []string { return []string{m.At, m.SinceFault, m.Event, m.Detail} })
	s.table([]column{{"At (UTC)", 14, words.NotRecorded, plain}, {"Since the fault", 10, words.NotMeasured, plain}, {"Event", 13, words.NotRecorded, strong}, {"Detail", 23, "-", plain}},
		rows, "Timeline: "+words.NotRecorded+".")
	if len(r.NotExecuted) > 0 {
		s.note("Steps that were manual, skipped or not executed:")
		s.fields(r.NotExecuted, "")
	}
}

func (s *sheet) measures(r Report) {
	s.section("Measures")
	rows := rowsOf(r.Measures, func(m words.Measure) []string { return []string{m.Name, m.Value, m.Bounds, m.Method, m.Raw} })
	s.table([]column{{"Measure", 12, words.NotRecorded, strong}, {"Value", 9, words.NotMeasured, plain}, {"Bounds", 11, words.NotMeasured, plain},
		{"Method", 18, words.NotRecorded, plain}, {"Raw series", 10, words.NotRecorded, plain}}, rows, "Measures: "+words.NotMeasured+".")
	s.section("Load: intended, offered, achieved")
	rows = rowsOf(r.Load, func(l words.Stream) []string {
		return []string{l.Name, l.Place, l.Intended, l.Offered, l.Achieved, l.Outcomes}
	})
	s.table([]column{{"Stream", 13, words.NotRecorded, strong}, {"From", 8, words.NotRecorded, plain}, {"Intended", 9, words.NotRecorded, plain}, {"Offered", 9, words.NotMeasured, plain},
		{"Achieved", 9, words.NotMeasured, plain}, {"Outcomes", 12, words.NotRecorded, plain}}, rows, "Load: "+words.NotRecorded+".")
}

func (s *sheet) ledger(r Report) {
	s.section("Ledger: every write attempt, classified")
	rows := rowsOf(r.Ledger, func(l words.LedgerClass) []string { return []string{l.Class, l.Count, l.Amount, l.Meaning} })
	s.table([]column{{"Class", 12, words.NotRecorded, strong}, {"Attempts", 8, words.NotMeasured, plain}, {"Amount", 12, words.NotMeasured, plain}, {"What it means", 28, words.NotRecorded, plain}},
		rows, "Ledger: "+words.NotMeasured+".")
	s.note("Compared with the old primary: " + orElse(r.Oracle, words.NotRecorded))
}

func (s *sheet) alerts(r Report) {
	s.section("Alerts, per channel")
	rows := rowsOf(r.Channels, func(a words.Notification) []string {
		return []string{a.Channel, a.Carry, a.Accepted, a.Received, a.Acknowledged, a.Resolved, a.Latency, a.Verdict}
	})
	s.table([]column{{"Channel", 8, words.NotRecorded, strong}, {"Had to carry", 14, "nothing was asked", plain}, {"Accepted", 6, "-", plain}, {"Received", 7, "not received", plain},
		{"Acknowledged", 6, "-", plain}, {"Resolved", 6, "-", plain}, {"Latency", 6, words.NotMeasured, plain}, {"Verdict", 7, "not asked", verdict}},
		rows, "Alerts: "+words.NotMeasured+".")
}

func (s *sheet) plots(r Report) {
	list := r.Plots
	if len(list) > maxPlots {
		s.err, list = fmt.Errorf("place plots: more than %d", maxPlots), nil
	}
	if len(list) > 0 {
		s.room(plotHeight(list[0]) + 22) // its title must not stand alone at the foot of a page
	}
	s.section("Charts")
	if len(list) == 0 {
		s.say("No chart is printed here.")
	}
	for _, p := range list {
		s.err = errors.Join(s.err, s.plot(p))
	}
}
