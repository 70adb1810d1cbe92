package evidence

import (
	"os"
	"strings"
	"testing"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
	"blackstart/scenarios"
)

// All that it takes to add a measure: this one call, in a package that the product does not know.
var _ = measure.Add(measure.Row{
	MeasureSpec: harness.MeasureSpec{
		Name: "writes.unanswered", Title: "unanswered writes", Doc: "writes whose clients were left without an answer", Unit: harness.UnitCount,
		Load: true, Ledger: true, Fault: true,
	},
	Formula: "attempts of outcome unknown",
	Find: func(d *measure.Dataset, o measure.TimedObjective) harness.Measurement {
		m := harness.Measurement{Name: o.Measure, Load: o.Load, Unit: harness.UnitCount, Method: "attempts of outcome unknown", Detail: "there is no ledger"}
		for a := range d.Attempts(o.Load) {
			if m.Known, m.Detail = true, "counted"; a.Outcome == loadgen.AttemptUnknown {
				m.Lo++
				m.Hi++
			}
		}
		return m
	},
	Files: func(_ *measure.Dataset, o harness.Objective) []string {
		return []string{"data/ledger/" + o.Load + ".bin"}
	},
	Titled: true,
	Asking: func(o harness.Objective) string {
		return "writes of " + o.Load + " left without an answer: at most " + o.AtMost
	},
	Missed: func(f harness.Finding) string {
		return measure.Value(f.Measured) + " writes of " + f.Objective.Load + " were never answered"
	},
	Counted: "unanswered",
})

// A scenario may name it, and what an objective on it must say is demanded.
func TestAnAddedMeasureIsValidated(t *testing.T) {
	data, err := os.ReadFile("../testdata/scenarios/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const was = "load: ledger,                              atMost: 1h, "
	said := func(l harness.LoadSpec) (harness.Traits, bool) { return traitsOf(l), true }
	reader := scenarios.Reader{Known: scenarios.Known{Measures: measure.Specs(), Traits: said}}
	for says, want := range map[string]string{
		`load: ledger, atMost: "10", `:                     "",
		`load: queries, atMost: "10", `:                    "objective rpo speaks of load queries, which keeps no ledger",
		`load: ledger, atMost: 1h, `:                       `atMost of objective rpo is "1h", not a count`,
		`load: ledger, `:                                   "objective rpo does not say atMost",
		`atMost: "10", `:                                   "objective rpo does not say load",
		`load: ledger, atMost: "10", channel: pagerduty, `: "objective rpo says channel, which writes.unanswered does not use",
	} {
		text := strings.Replace(strings.Replace(string(data), "rpo.time", "writes.unanswered", 1), was, says, 1)
		if !strings.Contains(text, "writes.unanswered,       "+says) {
			t.Fatal("the scenario was not changed")
		}
		_, _, err := reader.Parse("valid.yaml", []byte(text), nil, "")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", says, err, want)
		}
	}
	misspelt := strings.Replace(string(data), "rpo.time", "writes.unanswred", 1)
	if _, _, err := reader.Parse("valid.yaml", []byte(misspelt), nil, ""); err == nil || !strings.Contains(err.Error(), "writes.unanswered") {
		t.Errorf("a slip of the pen: %v", err)
	}
}

// A drill is judged by it, and its reports tell of it in its words.
func TestAnAddedMeasureIsJudgedAndTold(t *testing.T) {
	const twin = "replication-break-then-partition.sabotaged"
	s := stage(t, twin)
	drills[twin].play(s)
	ask := func(id, load, most string) harness.Objective {
		return harness.Objective{ID: id, Measure: "writes.unanswered", Load: load, AtMost: most, Source: "S 1"}
	}
	s.rec.Scenario.Objectives = append(s.rec.Scenario.Objectives, ask("tight", "ledger", "0"), ask("loose", "ledger", "1000000"), ask("none", "queries", "0"), ask("odd", "ledger", "few"))
	f := s.write()
	found := map[string]harness.Finding{}
	for _, o := range f.Objectives {
		found[o.Objective.ID] = o
	}
	value := measure.Value(found["tight"].Measured)
	for id, want := range map[string]struct {
		verdict harness.Verdict
		reason  string
	}{
		"tight": {harness.Fail, "tight: unanswered writes " + value + ", objective 0 (S 1)"},
		"loose": {harness.Pass, "loose: unanswered writes " + value + ", objective 1 000 000 (S 1)"},
		"none":  {harness.Inconclusive, "none: not measured: there is no ledger; objective 0 (S 1)"},
		"odd":   {harness.Inconclusive, `odd: read bound "few"`},
	} {
		if got := found[id]; got.Verdict != want.verdict || !strings.HasPrefix(got.Reason, want.reason) {
			t.Errorf("%s: %s, want %s: %s", got.Reason, got.Verdict, want.verdict, want.reason)
		}
	}
	if p := strings.Join(found["tight"].Pointers, " "); p != RecordFile+" data/ledger/ledger.bin" || found["tight"].Measured.Lo == 0 {
		t.Errorf("%s writes, by %s", value, p)
	}
	r, _, err := compose(facts.Of(s.rec, f, nil, os.DirFS(s.dir)), ReportSpecs(), os.DirFS(s.dir), "9f86d081")
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, row := range r.Failures {
		if row.Objective == "tight" {
			told = row.Asked == "writes of ledger left without an answer: at most 0" && row.Found == value+" unanswered"
		}
	}
	if !told || !strings.Contains(r.Verdict.Reason, "tight: "+value+" writes of ledger were never answered") {
		t.Errorf("the report says %q and %+v", r.Verdict.Reason, r.Failures)
	}
	for _, row := range r.Objectives {
		told = told && (!strings.HasPrefix(row.Name, "tight: ") || row.Bound == "at most 0 unanswered")
	}
	if !told {
		t.Errorf("the table of objectives says %+v", r.Objectives)
	}
}
