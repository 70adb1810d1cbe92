package reports

import (
	"fmt"
	"strings"

	"blackstart/evidence/controls"
)

// The titles of the two reports.
const (
	TitleFINRA = "Business continuity drill report: FINRA Rule 4370"
	TitleICFR  = "ICFR-relevant observations"
)

// FINRA4370 renders the drill report for the annual review under FINRA Rule 4370.
func FINRA4370(r Report) (Document, error) {
	return render(r, TitleFINRA, func(s *sheet) error {
		s.signatures()
		s.block(r.Block)
		s.first(r)
		s.objectives(r)
		s.found(r)
		if err := s.plots(r.Plots); err != nil {
			return err
		}
		if err := s.controls("finra-4370", "Elements of the rule, and what this drill exercised", r.Drill); err != nil {
			return err
		}
		s.timeline(r)
		s.measures(r)
		s.ledger(r)
		s.alerts(r)
		s.faults(r)
		s.system(r)
		s.exceptions(r)
		s.lessons(r)
		s.provenance(r.Provenance)
		s.closing(r)
		return nil
	})
}

// ICFR renders the observations that can serve work on internal control over financial reporting. It is not a report on
// general IT controls: whether a control exists and works is for management and the auditor to say.
func ICFR(r Report) (Document, error) {
	return render(r, TitleICFR, func(s *sheet) error {
		s.signatures()
		s.block(r.Block)
		s.note("Observations from one drill, for those who assess or audit internal control over financial reporting. It is no report on general IT controls and gives no opinion: whether a control exists, and whether it works, is for management and the auditor to say.")
		s.first(r)
		s.objectives(r)
		s.found(r)
		s.ledger(r)
		s.exceptions(r)
		if err := s.controls("icfr", "Requirements, and what this evidence can be used for", r.Drill); err != nil {
			return err
		}
		s.provenance(r.Provenance)
		s.timeline(r)
		s.measures(r)
		if err := s.plots(r.Plots); err != nil {
			return err
		}
		s.faults(r)
		s.alerts(r)
		s.system(r)
		s.lessons(r)
		s.closing(r)
		return nil
	})
}

func (s *sheet) objectives(r Report) {
	s.section("Objectives")
	rows := make([][]string, 0, len(r.Objectives))
	for _, o := range r.Objectives {
		rows = append(rows, []string{o.Name, o.Bound, o.Measured, o.Interval, o.Verdict, o.Source})
	}
	s.table([]column{{"Objective", 11, NotRecorded, strong}, {"Bound", 14, NotRecorded, plain}, {"Measured", 8, NotMeasured, plain},
		{"Lowest and highest", 9, NotMeasured, plain}, {"Verdict", 7, "inconclusive", verdict}, {"Source of the bound", 11, NotRecorded, plain}},
		rows, "No objective was set: nothing could be met.")
	s.section("Validity checks")
	rows = rows[:0:0]
	for _, c := range r.Checks {
		rows = append(rows, []string{c.Name, c.Result, c.Detail})
	}
	s.table([]column{{"Check", 18, NotRecorded, plain}, {"Result", 9, NotRecorded, verdict}, {"Detail", 33, "-", plain}}, rows, "Validity checks: "+NotRecorded+".")
}

// controls prints the map from the clauses of a framework to the evidence of this drill.
func (s *sheet) controls(name, title string, drill controls.Drill) error {
	f, err := controls.Load(name)
	if err != nil {
		return err
	}
	s.section(title)
	s.note(f.Scope)
	if drill.Rehearsal {
		s.note("This was a rehearsal: it supports nothing of the following, whatever it did.")
	}
	rows := make([][]string, 0, len(f.Clauses))
	for _, c := range f.Clauses {
		b := c.Judge(drill)
		did := "not exercised"
		if b.Exercised {
			did = "exercised"
		}
		if len(b.Evidence) > 0 {
			did += ", recorded: " + strings.Join(b.Evidence, ", ")
		}
		requirement := c.Title + ". " + c.Requirement
		if !c.Verified {
			requirement += " (wording not verified)"
		}
		rows = append(rows, []string{c.Clause, requirement, string(b.Level), did, "This does not show " + c.DoesNotShow + "."})
	}
	s.table([]column{{"Clause", 7, "", strong}, {"In our own words", 20, "", plain}, {"Level", 7, "", verdict}, {"Evidence", 12, "", plain},
		{"Limits", 14, "", plain}}, rows, "")
	return nil
}

func (s *sheet) timeline(r Report) {
	s.section("Timeline")
	rows := make([][]string, 0, len(r.Timeline))
	for _, m := range r.Timeline {
		rows = append(rows, []string{m.At, m.SinceFault, m.Event, m.Detail})
	}
	s.table([]column{{"At (UTC)", 14, NotRecorded, plain}, {"Since the fault", 10, NotMeasured, plain}, {"Event", 13, NotRecorded, strong}, {"Detail", 23, "-", plain}},
		rows, "Timeline: "+NotRecorded+".")
	if len(r.NotExecuted) > 0 {
		s.note("Steps that were manual, skipped or not executed:")
		s.fields(r.NotExecuted, "")
	}
}

func (s *sheet) measures(r Report) {
	s.section("Measures")
	rows := make([][]string, 0, len(r.Measures))
	for _, m := range r.Measures {
		rows = append(rows, []string{m.Name, m.Value, m.Bounds, m.Method, m.Raw})
	}
	s.table([]column{{"Measure", 12, NotRecorded, strong}, {"Value", 9, NotMeasured, plain}, {"Bounds", 11, NotMeasured, plain},
		{"Method", 18, NotRecorded, plain}, {"Raw series", 10, NotRecorded, plain}}, rows, "Measures: "+NotMeasured+".")
	s.section("Load: intended, offered, achieved")
	rows = rows[:0:0]
	for _, l := range r.Load {
		rows = append(rows, []string{l.Name, l.Place, l.Intended, l.Offered, l.Achieved, l.Outcomes})
	}
	s.table([]column{{"Stream", 13, NotRecorded, strong}, {"From", 8, NotRecorded, plain}, {"Intended", 9, NotRecorded, plain}, {"Offered", 9, NotMeasured, plain},
		{"Achieved", 9, NotMeasured, plain}, {"Outcomes", 12, NotRecorded, plain}}, rows, "Load: "+NotRecorded+".")
}

func (s *sheet) ledger(r Report) {
	s.section("Ledger: every write attempt, classified")
	rows := make([][]string, 0, len(r.Ledger))
	for _, l := range r.Ledger {
		rows = append(rows, []string{l.Class, l.Count, l.Amount, l.Meaning})
	}
	s.table([]column{{"Class", 12, NotRecorded, strong}, {"Attempts", 8, NotMeasured, plain}, {"Amount", 12, NotMeasured, plain}, {"What it means", 28, NotRecorded, plain}},
		rows, "Ledger: "+NotMeasured+".")
	s.note("Compared with the old primary: " + orElse(r.Oracle, NotRecorded))
}

func (s *sheet) alerts(r Report) {
	s.section("Alerts, per channel")
	rows := make([][]string, 0, len(r.Alerts))
	for _, a := range r.Alerts {
		rows = append(rows, []string{a.Channel, a.Carry, a.Accepted, a.Received, a.Acknowledged, a.Resolved, a.Latency, a.Verdict})
	}
	s.table([]column{{"Channel", 8, NotRecorded, strong}, {"Had to carry", 14, "nothing was asked", plain}, {"Accepted", 6, "-", plain}, {"Received", 7, "not received", plain},
		{"Acknowledged", 6, "-", plain}, {"Resolved", 6, "-", plain}, {"Latency", 6, NotMeasured, plain}, {"Verdict", 7, "not asked", verdict}},
		rows, "Alerts: "+NotMeasured+".")
}

func (s *sheet) plots(list []Plot) error {
	if len(list) > maxPlots {
		return fmt.Errorf("place plots: more than %d", maxPlots)
	}
	if len(list) > 0 {
		s.room(plotHeight(list[0]) + 22) // its title must not stand alone at the foot of a page
	}
	s.section("Charts")
	if len(list) == 0 {
		s.say("No chart is printed here.")
	}
	for _, p := range list {
		if err := s.plot(p); err != nil {
			return err
		}
	}
	return nil
}
