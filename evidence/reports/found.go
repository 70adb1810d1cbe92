package reports

import "strings"

// found prints what a reader looks for after the objectives: the decision, the answers, the standby's data, the clients.
func (s *sheet) found(r Report) {
	s.decisions(r)
	s.known(r.Known)
	if len(r.Replication) > 0 {
		s.section("Replication: what a failover would have lost")
		s.fields(r.Replication, "")
	}
	s.outcomes(r.Outcomes)
}

// decisions holds the target's own log against the outside.
func (s *sheet) decisions(r Report) {
	if len(r.Decisions) == 0 && len(r.Discord) == 0 {
		return
	}
	s.section("Decision: the target's own log, and what was seen from outside")
	rows := make([][]string, 0, len(r.Decisions))
	for _, d := range r.Decisions {
		rows = append(rows, []string{d.Step, d.Log, d.LogAt, d.Outside, d.OutsideAt})
	}
	s.table([]column{{"Step", 10, NotRecorded, strong}, {"In the log", 16, "not in the log", plain}, {"At", 8, "-", plain},
		{"From outside", 18, "not watched from outside", plain}, {"At", 8, "-", plain}}, rows, "The target's own log tells of no step.")
	for _, d := range r.Discord {
		s.alarm(d)
	}
	if len(r.Discord) == 0 {
		s.note("Times are since moment 0 (" + orElse(r.Zero, NotRecorded) + "); those of the log are the target's own.")
	}
}

// known prints how the questions were answered whose answers are known.
func (s *sheet) known(k Known) {
	if k.Asked == "" && k.Note == "" {
		return
	}
	s.section("Answers to questions whose right answer is known")
	if k.Asked != "" {
		s.table([]column{{"Answers", 12, NotMeasured, strong}, {"Right", 12, NotMeasured, plain}, {"Wrong", 12, NotMeasured, plain}, {"Stale", 12, NotMeasured, plain},
			{"Foreign namespace", 12, NotMeasured, plain}}, [][]string{{k.Asked, k.Right, k.Wrong, k.Stale, k.Foreign}}, "")
	}
	rows := make([][]string, 0, len(k.First))
	for _, a := range k.First {
		rows = append(rows, []string{a.At, a.Question, a.Kind, a.Got, a.By, a.Right, a.RightBy})
	}
	if len(rows) > 0 {
		s.gap()
		s.table([]column{{"Since moment 0", 6, NotRecorded, plain}, {"Question", 12, NotRecorded, strong}, {"It was", 5, NotRecorded, verdict}, {"Answered", 10, "nothing", plain},
			{"By", 9, NotRecorded, plain}, {"Right is", 10, NotRecorded, plain}, {"Which", 8, "nobody gave in this drill", plain}}, rows, "")
	}
	if k.Note != "" {
		s.note(k.Note)
	}
	if k.File != "" {
		s.note("Every answer as it came, with its time, region and build: " + k.File)
	}
}

func (s *sheet) outcomes(list []Outcome) {
	s.section("Clients: how requests ended, by load, cohort and class")
	rows := make([][]string, 0, len(list))
	last := ""
	for _, o := range list {
		load := o.Load
		if load == last {
			load = "" // said in the row above
		}
		last = o.Load
		rows = append(rows, []string{load, o.Cohort, o.Class, o.Count, o.Share, o.First, o.Last})
	}
	s.table([]column{{"Load", 11, "", strong}, {"Cohort", 9, "all clients", plain}, {"Ended with", 15, NotRecorded, verdict}, {"Requests", 7, NotMeasured, plain},
		{"Share", 6, NotMeasured, plain}, {"First due", 6, "-", plain}, {"Last due", 6, "-", plain}}, rows, "Outcomes: "+NotMeasured+".")
}

func (s *sheet) faults(r Report) {
	s.section("Faults")
	rows := make([][]string, 0, len(r.Faults))
	for _, f := range r.Faults {
		rows = append(rows, []string{f.Kind, f.Target, f.What, f.InForce, f.Confirmed, f.Undone})
	}
	s.table([]column{{"Fault", 9, NotRecorded, strong}, {"On", 8, NotRecorded, plain}, {"What it was", 12, NotRecorded, plain}, {"In force", 9, NotRecorded, plain},
		{"Confirmed by the victim's side", 11, NotRecorded, plain}, {"Undone, and how that was proven", 11, NotRecorded, plain}}, rows, "No fault was put in force.")
}

// alarm is a paragraph that must not be overlooked.
func (s *sheet) alarm(t string) { s.paragraph(strings.TrimSpace(t), alarming) }
