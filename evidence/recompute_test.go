package evidence

import (
	"bytes"
	"strings"
	"testing"

	"blackstart/harness"
)

// The line that everybody reads must not say another verdict than the one that is compared.
func TestTheReasonSaysTheVerdict(t *testing.T) {
	for _, c := range []struct {
		verdict harness.Verdict
		reason  string
		fine    bool
	}{
		{harness.Pass, "PASS: every objective met", true},
		{harness.Fail, "FAIL: rto", true},
		{harness.Fail, "STOPPED: a guard", true},
		{harness.Inconclusive, "INTERRUPTED: killed", true},
		{harness.Inconclusive, "UNDO INCOMPLETE: act now", true},
		{harness.Fail, "PASS: every objective met", false},
		{harness.Inconclusive, "PASS: every objective met", false},
		{harness.Pass, "FAIL: rto", false},
		{harness.Fail, "\u0420ASS: every objective met", false},
		{harness.Fail, " FAIL: rto", false},
		{harness.Pass, "", false},
	} {
		if err := saysVerdict(c.verdict, c.reason); (err == nil) != c.fine {
			t.Errorf("%s, %q: %v", c.verdict, c.reason, err)
		}
	}
}

// Words may differ, numbers and verdicts may not.
func TestFindingsAreComparedByNumbers(t *testing.T) {
	made := func() *harness.Findings {
		m := harness.Measurement{Name: "rto", Unit: "ns", Known: true, Lo: 1, Hi: 2}
		return &harness.Findings{Verdict: harness.Pass, Objectives: []harness.Finding{{Objective: harness.Objective{ID: "rto"}, Measured: m, Verdict: harness.Pass}},
			Measurements: []harness.Measurement{m}, Validity: []harness.ValidityCheck{{Name: "load.offered", OK: true}},
			Ledger: []harness.Class{{Name: "lost", Count: 3}}, Exceptions: []string{"one"}}
	}
	for words, change := range map[string]func(*harness.Findings){
		"":                           func(f *harness.Findings) { f.Reason, f.Validity[0].Detail, f.Exceptions[0] = "other", "other", "other" },
		"the pack says":              func(f *harness.Findings) { f.Exit = 1 },
		"objective differs":          func(f *harness.Findings) { f.Objectives[0].Measured.Hi = 3 },
		"objective missing":          func(f *harness.Findings) { f.Objectives = nil },
		"measurement added":          func(f *harness.Findings) { f.Measurements = append(f.Measurements, f.Measurements[0]) },
		"validity check differs":     func(f *harness.Findings) { f.Validity[0].OK = false },
		"class of the ledger differ": func(f *harness.Findings) { f.Ledger[0].Count = 0 },
		"number of exceptions":       func(f *harness.Findings) { f.Exceptions = nil },
	} {
		have := made()
		change(have)
		err := sameFindings(have, made())
		if (err == nil) != (words == "") || err != nil && !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", words, err)
		}
	}
	if sameFindings(nil, made()) == nil {
		t.Error("no findings are the same as some")
	}
}

// What was judged by rules that this build does not have is not accepted for want of them.
func TestRulesThatNobodyKnowsAreNoRules(t *testing.T) {
	h := makeHonest(t)
	h.change(t, RecordFile, func(b []byte) []byte { return bytes.Replace(b, []byte(harness.Rules), []byte("measure/99"), 1) })
	checked := h.verify(t, h.reseal(t))
	for _, k := range checked.Failures() {
		if k.Name == "findings recomputed" && strings.Contains(k.Detail, "measure/99") {
			return
		}
	}
	t.Error("nobody says that the rules are unknown")
}
