package reports

import "strings"

// rest is the height, in millimetres, that the identity of a run and the examiner's questions need on the first page.
const rest = 88

// first is the first page: what ran, how it ended and why, and what an examiner asks first. The story comes where a reader
// looks for it if there is room; the examiner's questions must not leave the page for it.
func (s *sheet) first(r Report) {
	s.section("Result")
	s.table([]column{{"", 8, "", verdict}, {"", 52, NotRecorded, plain}}, [][]string{{orElse(strings.ToUpper(r.Verdict.Result), NotRecorded), r.Verdict.Reason}}, "")
	s.fields([]Field{{"Could it be judged (validity)", r.Verdict.Validity}}, "")
	for _, t := range r.Heed {
		s.alarm(t)
	}
	if r.Summary != "" {
		s.say(r.Summary)
	}
	s.failures(r.Failures)
	early := s.fits(s.tall(storyColumns(r.Zero), storyRows(r.Story)) + rest)
	if early {
		s.story(r)
	}
	missing := s.identity(r)
	s.examiner(r.Answers, missing)
	if !early {
		s.story(r)
	}
}

func (s *sheet) failures(list []Failure) {
	if len(list) == 0 {
		return
	}
	rows := make([][]string, 0, len(list))
	for _, f := range list {
		rows = append(rows, []string{f.Verdict, f.Objective, f.Asked, f.Found, f.Why})
	}
	s.gap()
	s.paragraph("What failed, and why", heading)
	s.table([]column{{"Verdict", 6, NotRecorded, verdict}, {"Objective", 8, NotRecorded, strong}, {"Asked for", 11, NotRecorded, plain}, {"Found", 8, NotMeasured, plain},
		{"What shows why", 27, "nothing more is recorded", plain}}, rows, "")
}

func storyColumns(zero string) []column {
	title := "What happened, in order"
	if zero != "" {
		title += " (moment 0: " + zero + ")"
	}
	return []column{{"Since moment 0", 8, NotRecorded, plain}, {title, 52, NotRecorded, plain}}
}

func storyRows(list []Told) [][]string {
	rows := make([][]string, 0, len(list))
	for _, t := range list {
		rows = append(rows, []string{t.SinceFault, t.What})
	}
	return rows
}

func (s *sheet) story(r Report) {
	if len(r.Story) == 0 {
		return
	}
	s.gap()
	s.table(storyColumns(r.Zero), storyRows(r.Story), "")
}

// identity names the run and says what its result does not show; it returns the names of what nobody told.
func (s *sheet) identity(r Report) (missing []string) {
	id := r.Identity
	s.gap()
	if all := append(append([]string{}, r.Limits...), standIns(r.Simulated)...); len(all) > 0 {
		s.note(strings.Join(all, " "))
	}
	var told []Field
	for _, f := range []Field{
		{"Scenario", id.Scenario}, {"Target", id.Target}, {"Activity", id.Activity}, {"Environment class", id.Environment},
		{"Run", id.RunID}, {"Pack", id.PackID}, {"Started", id.Started}, {"Ended", id.Ended}, {"Timing profile", id.Profile},
		{"Sequence", id.Sequence}, {"Cadence", id.Cadence}, {"Basis of the cadence", id.CadenceBasis},
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
func (s *sheet) pairs(list []Field) {
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
func (s *sheet) examiner(a Answers, missing []string) {
	s.section("What an examiner asks first")
	var told []Field
	open := ""
	for _, f := range []Field{
		{"Which natural person ran it?", a.Operator}, {"On whose authority?", a.Authority}, {"Who else can use the signing key?", a.KeyHolders},
		{"Which runs were there in the period?", a.Runs}, {"Reconciled to which source outside the tool?", a.Reconciled},
		{"Is the system on the firm's mission-critical list?", a.MissionCritical},
		{"Which version of the plan was in force?", a.PlanVersion}, {"Did the responsible principal receive this?", a.Principal},
		{"Prior findings: owner, due, retested?", a.PriorFindings}, {"How is the tool validated and changed?", a.ToolValidation},
		{"Who may edit objectives?", a.ObjectiveEditor}, {"Who can delete this?", a.Deletion},
	} {
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
		told = append(told, Field{"Asked, and " + NotRecorded, strings.TrimSpace(open)})
	}
	s.fields(told, "")
}
