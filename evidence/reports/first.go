package reports

import (
	"strings"

	"blackstart/evidence/words"
)

// rest is the height, in millimetres, that the identity of a run and the examiner's questions need on the first page.
const rest = 88

// first is the first page: what ran, how it ended and why, and what an examiner asks first. The story comes where a reader
// looks for it if there is room; the examiner's questions must not leave the page for it.
func (s *sheet) first(r Report) {
	s.section("Result")
	s.table([]column{{"", 8, "", verdict}, {"", 52, words.NotRecorded, plain}}, [][]string{{orElse(strings.ToUpper(r.Verdict.Result), words.NotRecorded), r.Verdict.Reason}}, "")
	s.fields([]words.Field{{Name: "Could it be judged (validity)", Value: r.Verdict.Validity}}, "")
	for _, t := range r.Warnings {
		s.alarm(t)
	}
	if r.Summary != "" {
		s.say(r.Summary)
	}
	s.failures(r.Failures)
	early := s.fits(s.tall(keyEventColumns(r.Zero), keyEventRows(r.KeyEvents)) + rest)
	if early {
		s.keyEvents(r)
	}
	missing := s.identity(r)
	s.examiner(r.Examiner, missing)
	if !early {
		s.keyEvents(r)
	}
}

func (s *sheet) failures(list []words.Failure) {
	if len(list) == 0 {
		return
	}
	rows := rowsOf(list, func(f words.Failure) []string { return []string{f.Verdict, f.Objective, f.Asked, f.Found, f.Why} })
	s.gap()
	s.paragraph("What failed, and why", heading)
	s.table([]column{{"Verdict", 6, words.NotRecorded, verdict}, {"Objective", 8, words.NotRecorded, strong}, {"Asked for", 11, words.NotRecorded, plain}, {"Found", 8, words.NotMeasured, plain},
		{"What shows why", 27, "nothing more is recorded", plain}}, rows, "")
}

func keyEventColumns(zero string) []column {
	title := "What happened, in order"
	if zero != "" {
		title += " (moment 0: " + zero + ")"
	}
	return []column{{"Since moment 0", 8, words.NotRecorded, plain}, {title, 52, words.NotRecorded, plain}}
}

func keyEventRows(list []words.KeyEvent) [][]string {
	rows := rowsOf(list, func(t words.KeyEvent) []string { return []string{t.SinceFault, t.What} })
	return rows
}

func (s *sheet) keyEvents(r Report) {
	if len(r.KeyEvents) == 0 {
		return
	}
	s.gap()
	s.table(keyEventColumns(r.Zero), keyEventRows(r.KeyEvents), "")
}

// identity names the run and says what its result does not show; it returns the names of what nobody told.
func (s *sheet) identity(r Report) (missing []string) {
	id := r.Identity
	s.gap()
	if all := append(append([]string{}, r.Limits...), standIns(r.Simulated)...); len(all) > 0 {
		s.note(strings.Join(all, " "))
	}
	var told []words.Field
	for _, f := range []words.Field{
		{Name: "Scenario", Value: id.Scenario}, {Name: "Target", Value: id.Target}, {Name: "Activity", Value: id.Activity}, {Name: "Environment class", Value: id.Environment},
		{Name: "Run", Value: id.RunID}, {Name: "Pack", Value: id.PackID}, {Name: "Started", Value: id.Started}, {Name: "Ended", Value: id.Ended}, {Name: "Timing profile", Value: id.Profile},
		{Name: "Sequence", Value: id.Sequence}, {Name: "Cadence", Value: id.Cadence}, {Name: "Basis of the cadence", Value: id.CadenceBasis},
	} {
		if strings.TrimSpace(f.Value) == "" {
			missing = append(missing, f.Name)
			continue
		}
		told = append(told, f)
	}
	s.pairs(told)
	return missing
}

func standIns(simulated []string) []string {
	if len(simulated) == 0 {
		return nil
	}
	return []string{"Stood in for the real thing: " + strings.Join(simulated, "; ") + "."}
}

// pairs prints fields two abreast.
func (s *sheet) pairs(list []words.Field) {
	var rows [][]string
	for i := 0; i < len(list); i += 2 {
		row := []string{list[i].Name, list[i].Value, "", ""}
		if i+1 < len(list) {
			row[2], row[3] = list[i+1].Name, list[i+1].Value
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		s.table([]column{{"", 8, "", strong}, {"", 24, "", plain}, {"", 8, "", strong}, {"", 20, "", plain}}, rows, "")
	}
}

// examiner answers what an examiner asks first. What nobody told stands together in one sentence: it is disclosed, and it
// does not hide the answers that there are.
func (s *sheet) examiner(list []words.Field, missing []string) {
	s.section("What an examiner asks first")
	var told []words.Field
	open := ""
	for _, f := range list {
		if strings.TrimSpace(f.Value) == "" {
			open += " " + f.Name
			continue
		}
		told = append(told, f)
	}
	if len(missing) > 0 {
		open += " Also: " + strings.ToLower(strings.Join(missing, ", ")) + "."
	}
	if open != "" {
		told = append(told, words.Field{Name: "Asked, and " + words.NotRecorded, Value: strings.TrimSpace(open)})
	}
	s.fields(told, "")
}
