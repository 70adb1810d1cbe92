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
		s.verdict(r)
		s.answers(r.Answers)
		s.objectives(r)
		if err := s.controls("finra-4370", "Elements of the rule, and what this drill exercised", r.Facts); err != nil {
			return err
		}
		s.timeline(r)
		if err := s.plots(r.Plots); err != nil {
			return err
		}
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
		s.note("Observations from one drill, for those who assess or audit internal control over financial reporting. It is no report on general IT controls and gives no opinion: whether a control exists, and whether it works, is for management and the auditor to say.")
		s.verdict(r)
		s.answers(r.Answers)
		s.objectives(r)
		s.ledger(r)
		s.exceptions(r)
		if err := s.controls("icfr", "Requirements, and what this evidence can be used for", r.Facts); err != nil {
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

// verdict is the head of the first page: what ran, and how it ended.
func (s *sheet) verdict(r Report) {
	id := r.Identity
	s.section("Result")
	s.table([]column{{"Verdict", 10, NotRecorded, verdict}, {"Because", 28, NotRecorded, plain}, {"Could it be judged (validity)", 22, NotRecorded, plain}},
		[][]string{{strings.ToUpper(r.Verdict.Result), r.Verdict.Reason, r.Verdict.Validity}}, "")
	if r.Summary != "" {
		s.say(r.Summary)
	}
	for _, l := range r.Limits {
		s.say(l)
	}
	s.pairs([]Field{
		{"Run", id.RunID}, {"Pack", id.PackID}, {"Sequence", id.Sequence}, {"Activity", id.Activity},
		{"Environment class", id.Environment}, {"Target", id.Target}, {"Scenario", id.Scenario}, {"Timing profile", id.Profile},
		{"Started", id.Started}, {"Ended", id.Ended}, {"Cadence", id.Cadence}, {"Basis of the cadence", id.CadenceBasis},
	})
	if len(r.Simulated) > 0 {
		s.say("Stood in for the real thing: " + strings.Join(r.Simulated, "; ") + ".")
	}
}

// pairs prints fields two abreast.
func (s *sheet) pairs(list []Field) {
	var rows [][]string
	for i := 0; i < len(list); i += 2 {
		row := []string{list[i].Name, orElse(list[i].Value, NotRecorded), "", ""}
		if i+1 < len(list) {
			row[2], row[3] = list[i+1].Name, orElse(list[i+1].Value, NotRecorded)
		}
		rows = append(rows, row)
	}
	s.table([]column{{"", 9, "", strong}, {"", 22, "", plain}, {"", 9, "", strong}, {"", 20, "", plain}}, rows, "")
}

func (s *sheet) answers(a Answers) {
	s.section("What an examiner asks first")
	s.fields([]Field{
		{"Which natural person ran it?", a.Operator}, {"On whose authority?", a.Authority}, {"Who else can use the signing key?", a.KeyHolders},
		{"Which runs were there in the period?", a.Runs}, {"Reconciled to which source outside the tool?", a.Reconciled},
		{"Is the system on the firm's mission-critical list?", a.MissionCritical},
		{"Which version of the plan was in force?", a.PlanVersion}, {"Did the responsible principal receive this?", a.Principal},
		{"Prior findings: owner, due, retested?", a.PriorFindings}, {"How is the tool validated and changed?", a.ToolValidation},
		{"Who may edit objectives?", a.ObjectiveEditor}, {"Who can delete this?", a.Deletion},
	}, "")
}

func (s *sheet) objectives(r Report) {
	s.section("Objectives")
	rows := make([][]string, 0, len(r.Objectives))
	for _, o := range r.Objectives {
		rows = append(rows, []string{o.Name, o.Bound, o.Measured, o.Interval, o.Verdict, o.Source})
	}
	s.table([]column{{"Objective", 12, NotRecorded, strong}, {"Bound", 8, NotRecorded, plain}, {"Measured", 9, NotMeasured, plain},
		{"Lowest and highest", 11, NotMeasured, plain}, {"Verdict", 8, "inconclusive", verdict}, {"Source of the bound", 12, NotRecorded, plain}},
		rows, "No objective was set: nothing could be met.")
	s.section("Validity checks")
	rows = rows[:0:0]
	for _, c := range r.Checks {
		rows = append(rows, []string{c.Name, c.Result, c.Detail})
	}
	s.table([]column{{"Check", 18, NotRecorded, plain}, {"Result", 9, NotRecorded, verdict}, {"Detail", 33, "-", plain}}, rows, "Validity checks: "+NotRecorded+".")
}

// controls prints the map from the clauses of a framework to the evidence of this drill.
func (s *sheet) controls(name, title string, facts map[controls.Flag]bool) error {
	f, err := controls.Load(name)
	if err != nil {
		return err
	}
	s.section(title)
	s.note(f.Scope)
	rows := make([][]string, 0, len(f.Clauses))
	for _, c := range f.Clauses {
		level, exercised := c.Judge(facts)
		did := "not exercised"
		if exercised {
			did = "exercised"
		}
		requirement := c.Title + ". " + c.Requirement
		if !c.Verified {
			requirement += " (wording not verified)"
		}
		rows = append(rows, []string{c.Clause, requirement, string(level), did + ": " + strings.Join(c.Evidence, ", "), "This does not show " + c.DoesNotShow + "."})
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
		rows = append(rows, []string{a.Channel, a.Attempted, a.Accepted, a.Received, a.Acknowledged, a.Resolved, a.Latency, a.Verdict})
	}
	s.table([]column{{"Channel", 9, NotRecorded, strong}, {"Attempted", 7, NotRecorded, plain}, {"Accepted", 7, NotRecorded, plain}, {"Received", 7, NotRecorded, plain},
		{"Acknowledged", 8, NotRecorded, plain}, {"Resolved", 7, NotRecorded, plain}, {"Latency", 8, NotMeasured, plain}, {"Verdict", 7, NotMeasured, verdict}},
		rows, "Alerts: "+NotMeasured+".")
}

func (s *sheet) faults(r Report) {
	s.section("Faults")
	rows := make([][]string, 0, len(r.Faults))
	for _, f := range r.Faults {
		rows = append(rows, []string{f.Kind, f.Target, f.InForce, f.Confirmed, f.Undone})
	}
	s.table([]column{{"Fault", 10, NotRecorded, strong}, {"On", 10, NotRecorded, plain}, {"In force", 13, NotRecorded, plain},
		{"Confirmed by the victim's side", 14, NotRecorded, plain}, {"Undone, and how that was proven", 13, NotRecorded, plain}}, rows, "No fault was put in force.")
}

func (s *sheet) plots(list []Plot) error {
	if len(list) > maxPlots {
		return fmt.Errorf("place plots: more than %d", maxPlots)
	}
	s.section("Charts")
	if len(list) == 0 {
		s.say("Charts: " + NotRecorded + ".")
	}
	for _, p := range list {
		if err := s.plot(p); err != nil {
			return err
		}
	}
	return nil
}
