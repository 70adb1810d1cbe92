package measure

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

func TestJudgeByTheRulesOfTheRecord(t *testing.T) {
	for rules, says := range map[string]string{
		"": `names "" where`, "measure/0": `names "measure/0" where`, "measure/01": "must stand", "counting/1": "must stand",
		"measure/2": "newer than this build, which knows measure/1", "measure/65535": "newer than this build",
	} {
		w := build(usual())
		w.rec.Rules = rules
		_, err := Judge(w.rec, w)
		var unknown *RulesError
		if !errors.As(err, &unknown) || unknown.Rules != rules || !slices.Equal(unknown.Known, []string{"measure/1"}) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", rules, err)
		}
	}
	if _, ok := book.judges[harness.Rules]; !ok {
		t.Errorf("a drill is measured by %s, which this build cannot judge by", harness.Rules)
	}
	missing := &RulesError{Rules: "measure/2", Known: []string{"measure/1", "measure/3"}}
	if got := missing.Error(); !strings.Contains(got, "measure/1 to measure/3") || !strings.Contains(got, "made without measure/2") {
		t.Error(got)
	}
}

// Every erratum must be one that somebody can be shown: both versions are compiled in, and the new one is newer.
func TestErrataOfThisBuild(t *testing.T) {
	for _, e := range book.errata {
		if book.judges[e.Rules] == nil || book.judges[e.Corrected] == nil || number(e.Corrected) <= number(e.Rules) || e.Wrong == "" || e.Since == "" {
			t.Errorf("%+v", e)
		}
	}
}

// TestCorrected plays a build that has learnt that measure/1 counts every loss twice.
func TestCorrected(t *testing.T) {
	tr := usual()
	tr.loss = 3
	w := build(tr)
	twice := func(rec *harness.Record, src Source) (harness.Findings, error) {
		f, err := judgeOne(rec, src)
		for i := range f.Objectives {
			if f.Objectives[i].Objective.ID == "lost" {
				f.Objectives[i].Measured.Lo *= 2
				f.Objectives[i].Measured.Hi *= 2
			}
		}
		return f, err
	}
	wrong := Erratum{Rules: "measure/1", Wrong: "every lost write is counted twice", Since: "1.4.0", Corrected: "measure/2"}
	other := Erratum{Rules: "measure/2", Wrong: "something else", Since: "1.5.0", Corrected: "measure/3"}
	b := rulebook{judges: map[string]judgeFunc{"measure/1": twice, "measure/2": judgeOne}, errata: []Erratum{other, wrong}}
	was, all, err := b.corrected(w.rec, w)
	must(t, err)
	want := []Change{{"lost", "6, fail", "3, fail"}}
	if len(all) != 1 || all[0].Erratum != wrong || !slices.Equal(all[0].Changes, want) {
		t.Fatalf("corrections %+v, want %v", all, want)
	}
	if was.Objectives[2].Measured.Lo != 6 || all[0].Findings.Objectives[2].Measured.Lo != 3 {
		t.Errorf("was %+v, is %+v", was.Objectives[2].Measured, all[0].Findings.Objectives[2].Measured)
	}
	if w.rec.Rules != harness.Rules {
		t.Errorf("the record was changed to %s", w.rec.Rules)
	}

	w.rec.Rules = "measure/2" // the version it is corrected by is not compiled in
	if _, _, err := b.corrected(w.rec, w); err == nil || !strings.Contains(err.Error(), "measure/3") {
		t.Errorf("corrected by rules that are not there: %v", err)
	}
	w.rec.Rules = harness.Rules
	if _, all, err := Corrected(w.rec, w); err != nil || len(all) != len(book.errata) {
		t.Errorf("this build corrects %v, %v", all, err)
	}
}
