package reports

import (
	"strings"

	"blackstart/evidence/words"
)

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
	if len(r.Decisions) == 0 && len(r.Disputed) == 0 {
		return
	}
	s.section("Decision: the target's own log, and what was seen from outside")
	rows := rowsOf(r.Decisions, func(d words.DecisionStep) []string { return []string{d.Step, d.Log, d.LogAt, d.Outside, d.OutsideAt} })
	s.table([]column{{"Step", 10, words.NotRecorded, strong}, {"In the log", 16, "not in the log", plain}, {"At", 8, "-", plain},
		{"From outside", 18, "not watched from outside", plain}, {"At", 8, "-", plain}}, rows, "The target's own log tells of no step.")
	for _, d := range r.Disputed {
		s.alarm(d)
	}
	if len(r.Disputed) == 0 {
		s.note("Times are since moment 0 (" + orElse(r.Zero, words.NotRecorded) + "); those of the log are the target's own.")
	}
}

// known prints how the questions were answered whose answers are known.
func (s *sheet) known(k words.KnownAnswers) {
	if k.Asked == "" && k.Note == "" {
		return
	}
	s.section("Answers to questions whose right answer is known")
	if k.Asked != "" {
		s.table([]column{{"Answers", 12, words.NotMeasured, strong}, {"Right", 12, words.NotMeasured, plain}, {"Wrong", 12, words.NotMeasured, plain}, {"Stale", 12, words.NotMeasured, plain},
			{"Foreign namespace", 12, words.NotMeasured, plain}}, [][]string{{k.Asked, k.Right, k.Wrong, k.Stale, k.Foreign}}, "")
	}
	rows := rowsOf(k.First, func(a words.Answer) []string {
		return []string{a.At, a.Question, a.Kind, a.Got, a.By, a.Right, a.RightBy}
	})
	if len(rows) > 0 {
		s.gap()
		s.table([]column{{"Since moment 0", 6, words.NotRecorded, plain}, {"Question", 12, words.NotRecorded, strong}, {"It was", 5, words.NotRecorded, verdict}, {"Answered", 10, "nothing", plain},
			{"By", 9, words.NotRecorded, plain}, {"Right is", 10, words.NotRecorded, plain}, {"Which", 8, "nobody gave in this drill", plain}}, rows, "")
	}
	if k.Note != "" {
		s.note(k.Note)
	}
	if k.File != "" {
		s.note("Every answer as it came, with its time, region and build: " + k.File)
	}
}

func (s *sheet) outcomes(list []words.Outcome) {
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
	s.table([]column{{"Load", 11, "", strong}, {"Cohort", 9, "all clients", plain}, {"Ended with", 15, words.NotRecorded, verdict}, {"Requests", 7, words.NotMeasured, plain},
		{"Share", 6, words.NotMeasured, plain}, {"First due", 6, "-", plain}, {"Last due", 6, "-", plain}}, rows, "Outcomes: "+words.NotMeasured+".")
}

func (s *sheet) faults(r Report) {
	s.section("Faults")
	rows := rowsOf(r.Faults, func(f words.Fault) []string {
		return []string{f.Kind, f.Target, f.What, f.InForce, f.Confirmed, f.Undone}
	})
	s.table([]column{{"Fault", 9, words.NotRecorded, strong}, {"On", 8, words.NotRecorded, plain}, {"What it was", 12, words.NotRecorded, plain}, {"In force", 9, words.NotRecorded, plain},
		{"Confirmed by the victim's side", 11, words.NotRecorded, plain}, {"Undone, and how that was proven", 11, words.NotRecorded, plain}}, rows, "No fault was put in force.")
}

// alarm is a paragraph that must not be overlooked.
func (s *sheet) alarm(t string) { s.paragraph(strings.TrimSpace(t), alarming) }
