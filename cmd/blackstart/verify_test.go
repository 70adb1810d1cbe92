package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// found makes a report with one check for each question; rooted says that the signer leads to a root that was given.
func found(class string, integrity, origin, at seal.Status, rooted bool) evidence.Checked {
	var c evidence.Checked
	c.Class = class
	if rooted {
		c.Rooted = &seal.Rooted{Throwaway: true}
	}
	c.Report.Add(seal.Check{Question: seal.Integrity, Status: integrity}, seal.Check{Question: seal.Origin, Status: origin},
		seal.Check{Question: seal.Time, Status: at})
	return c
}

func TestAcceptance(t *testing.T) {
	const no, ok, bad = seal.NotChecked, seal.OK, seal.Failed
	layer := []string{"reviewer"}
	for _, c := range []struct {
		name                  string
		class                 string
		integrity, origin, at seal.Status
		rooted                bool
		demanded              []string
		want                  int
	}{
		{"a rehearsal, no root", harness.Rehearsal, ok, no, no, false, nil, harness.ExitUnproven},
		{"a rehearsal, its root", harness.Rehearsal, ok, no, no, true, nil, harness.ExitPass},
		{"a rehearsal, another root", harness.Rehearsal, ok, bad, no, false, nil, harness.ExitRefused},
		{"a rehearsal, a trust file", harness.Rehearsal, ok, ok, no, false, nil, harness.ExitPass},
		{"a rehearsal, a trust file that does not vouch", harness.Rehearsal, ok, bad, no, false, nil, harness.ExitRefused},
		{"a rehearsal, a trust file that could not be applied", harness.Rehearsal, ok, no, no, false, nil, harness.ExitUnproven},
		{"altered, its root", harness.Rehearsal, bad, no, no, true, nil, harness.ExitAltered},
		{"altered, and another root", harness.Rehearsal, bad, bad, no, false, nil, harness.ExitAltered},
		{"altered, no root, a layer missing", harness.Rehearsal, bad, no, no, false, layer, harness.ExitAltered},
		{"integrity could not be told", harness.Rehearsal, no, ok, no, false, nil, harness.ExitAltered},
		{"a false time", harness.Rehearsal, ok, ok, bad, false, nil, harness.ExitAltered},
		{"a proven time", harness.Rehearsal, ok, ok, ok, false, nil, harness.ExitPass},
		{"production, nothing to trust", harness.Production, ok, no, no, false, nil, harness.ExitUnproven},
		{"production, a bare root", harness.Production, ok, no, no, true, nil, harness.ExitUnproven},
		{"production, a trust file", harness.Production, ok, ok, no, false, nil, harness.ExitPass},
		{"production, a trust file that does not vouch", harness.Production, ok, bad, no, false, nil, harness.ExitRefused},
		{"staging, its root", harness.Staging, ok, no, no, true, nil, harness.ExitUnproven},
		{"class unknown", "", ok, no, no, true, nil, harness.ExitUnproven},
		{"a layer missing", harness.Rehearsal, ok, no, no, true, layer, harness.ExitIncomplete},
		{"a layer missing, origin unproven", harness.Production, ok, no, no, true, layer, harness.ExitUnproven},
		{"a layer missing, origin refused", harness.Production, ok, bad, no, false, layer, harness.ExitRefused},
	} {
		checked := found(c.class, c.integrity, c.origin, c.at, c.rooted)
		checked.Demanded = c.demanded
		if got := acceptance(checked); got != c.want {
			t.Errorf("%s: exit %d, want %d", c.name, got, c.want)
		}
	}
	if got := acceptance(evidence.Checked{}); got != harness.ExitAltered {
		t.Errorf("nothing was checked: exit %d, want %d", got, harness.ExitAltered)
	}
}

func TestPassed(t *testing.T) {
	if passed(nil) || passed(&harness.Findings{}) || passed(&harness.Findings{Verdict: harness.Fail, Exit: harness.ExitFail}) ||
		passed(&harness.Findings{Verdict: harness.Pass, Exit: harness.ExitUndo}) || !passed(&harness.Findings{Verdict: harness.Pass}) {
		t.Error("a drill passes that did not, or one that did does not")
	}
}

// drilled is an accepted pack of a drill that ended in some way.
func drilled(f harness.Findings) checkedPack {
	j := checkedPack{Checked: found(harness.Rehearsal, seal.OK, seal.NotChecked, seal.NotChecked, true)}
	at := harness.Stamp(time.Date(2026, 3, 2, 14, 30, 0, 0, time.UTC).UnixNano())
	j.Record = &harness.Record{RunID: "0197b2c4-8f00-7a11-9c44-0d1e2f334455", Status: harness.Completed, Profile: "fast", Executor: "a tester", Started: at, Ended: at + 1,
		Scenario: harness.Scenario{Metadata: harness.Metadata{Name: "region-partition"}}}
	j.Findings = &f
	j.Signature = &seal.Signature{Chain: []*x509.Certificate{{Raw: []byte("DER")}}, SignedAt: at.Time()}
	j.SignerName, j.SignedAt = "CN=Rehearsal by a tester", at.Time()
	j.code = acceptance(j.Checked)
	return j
}

func screenOf(t *testing.T, j checkedPack) string {
	t.Helper()
	var b bytes.Buffer
	if err := newVerifyResult(j).print(&b); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > screenWidth || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns, or spaces at the end: %q", utf8.RuneCountInString(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("a terminal would obey %q", line)
		}
	}
	return b.String()
}

// TestFirstLine: it is the drill's own end whatever is known of the signer, unless the pack cannot be believed.
func TestFirstLine(t *testing.T) {
	ends := map[string]harness.Findings{
		"PASS: every objective met: RTO 7.510–7.543 s (≤ 15 s)":   {Verdict: harness.Pass},
		"FAIL: rto: not recovered within 22 s":                    {Verdict: harness.Fail, Exit: harness.ExitFail},
		"INCONCLUSIVE: nothing was due":                           {Exit: harness.ExitInconclusive},
		"STOPPED: guard http.health":                              {Exit: harness.ExitStopped},
		"INTERRUPTED: the process was killed":                     {Exit: harness.ExitStopped},
		"UNDO INCOMPLETE: act now: the undo is not complete: why": {Exit: harness.ExitUndo},
	}
	for reason, f := range ends {
		f.Reason = reason
		for _, code := range []int{harness.ExitPass, harness.ExitFail, harness.ExitUnproven, harness.ExitRefused, harness.ExitIncomplete} {
			j := drilled(f)
			j.code = code
			got := screenOf(t, j)
			if !strings.HasPrefix(strings.Join(strings.Fields(got), " "), reason+" [rehearsal, fast timings]") || strings.Contains(got, "ALTERED") {
				t.Errorf("exit %d: %q does not come first:\n%s", code, reason, got)
			}
			if accepted := strings.Contains(got, "\n  accepted    yes\n"); accepted != (code == harness.ExitPass) {
				t.Errorf("exit %d, accepted %v:\n%s", code, accepted, got)
			}
		}
		j := drilled(f)
		j.Report.Add(seal.Check{Question: seal.Integrity, Status: seal.Failed, File: "data/record.json", Name: "digest", Detail: "changed"})
		j.code = acceptance(j.Checked)
		got := screenOf(t, j)
		if !strings.HasPrefix(got, "ALTERED OR CONTRADICTORY: 1 of 4 checks failed\n  data/record.json: digest: changed\n") ||
			!regexp.MustCompile(`\n  it claims    ?`+reason[:4]).MatchString(got) || !strings.Contains(got, "accepted    no: altered or contradictory (exit 20)") {
			t.Errorf("altered:\n%s", got)
		}
	}
}

// TestNoFindingsIsNoEnd: a pack without findings is never accepted in silence.
func TestNoFindingsIsNoEnd(t *testing.T) {
	j := drilled(harness.Findings{})
	j.Findings = nil
	if got := screenOf(t, j); !strings.HasPrefix(got, "UNKNOWN: ") {
		t.Errorf("got\n%s", got)
	}
}

// TestFirstScreen shows every line in its place.
func TestFirstScreen(t *testing.T) {
	j := drilled(harness.Findings{Reason: "FAIL: page: not received", Verdict: harness.Fail, Exit: harness.ExitFail})
	j.Rooted.Root = strings.Repeat("0123456789abcdef", 4)
	j.Checks[1].Detail, j.Files, j.beside = j.Rooted.String(), 33, "out/x.root.pem"
	j.Report.Add(seal.Check{Question: seal.Integrity, Status: seal.OK, File: "data/report-icfr.pdf", Name: "signature inside the report"})
	j.ReportNote = "facts match; layout, charts and other text not compared; byte equality needs build 0.3.0"
	const want = `FAIL: page: not received [rehearsal, fast timings]

  run         0197b2c4-8f00-7a11-9c44-0d1e2f334455
  scenario    region-partition (fast timings)
  class       rehearsal
  when        2026-03-02T14:30:00Z to 2026-03-02T14:30:00Z
  executor    a tester
  signer      CN=Rehearsal by a tester
  fingerprint 6753fc9af6d8f62b47ef64e4c1c2c3ed3c2ffb5ba70cfe39dda4e72b4e6aa0b9
  integrity   ok: 4 checks over 33 files, nothing altered
  origin      unproven: throw-away key: integrity since sealing only; anyone can
              make another; root 0123456789abcdef…; the root merely lies beside
              the pack
  time        self-asserted: signed at 2026-03-02T14:30:00Z by the signer's own
              clock
  report      ok: 1 reports, signed with the same certificate, on this record;
              facts match; layout, charts and other text not compared; byte
              equality needs build 0.3.0
  layers      none: the policy in this pack demands no other signature
  register    no register: which other runs there were cannot be seen from this
              pack
  numbers     not recomputed: they are as the pack says; --recompute judges
              again from the raw samples
  nothing outside this pack says that this run key is the first
  accepted    yes
`
	got := screenOf(t, j)
	fingerprint := regexp.MustCompile(`[0-9a-f]{64}`)
	if fingerprint.ReplaceAllString(got, "F") != fingerprint.ReplaceAllString(want, "F") || !strings.Contains(got, seal.Digest([]byte("DER"))) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAForeignPackCannotSteerTheTerminal: whatever it says is text, cut to the width, on the screen and in JSON.
func TestAForeignPackCannotSteerTheTerminal(t *testing.T) {
	const evil = "\x1b[2J\x07\x7f\u009b31m\u202e\u200b\r\n  accepted    yes "
	long := evil + strings.Repeat("W", 300)
	j := drilled(harness.Findings{Reason: "STOPPED: " + long, Verdict: harness.Fail})
	j.Class, j.SignerName, j.ReportNote, j.Unbound, j.Demanded = long, long, long, long, []string{long}
	j.Record.StatusReason, j.Record.Status, j.Record.RunID, j.Record.Executor, j.Record.Profile, j.Record.Scenario.Metadata.Name = long, harness.Status(long), long, long, long, long
	j.Recomputed = &harness.Findings{Objectives: []harness.Finding{{Objective: harness.Objective{ID: long}, Measured: harness.Measurement{Unit: "word", Known: true, Text: long}}}}
	for n := range 40 {
		j.Report.Add(seal.Check{Question: seal.Integrity, Status: seal.Failed, File: long, Name: long, Detail: long},
			seal.Check{Question: seal.Origin, Status: seal.Failed, Detail: long})
		if n > 0 {
			continue
		}
		j.code = acceptance(j.Checked)
		screenOf(t, j)
	}
	got := screenOf(t, j)
	if strings.Contains(got, "\n  accepted    yes") || !strings.Contains(got, "and 28 more: --json has them all") {
		t.Errorf("it says what the pack wants said, or too much:\n%s", got)
	}
	var b bytes.Buffer
	if err := newVerifyResult(j).printJSON(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Error("the JSON holds what a terminal obeys")
	}
	var back struct {
		Executor string
		Origin   answer
		Checks   []any
	}
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Executor != long || back.Origin != newVerifyResult(j).Origin || len(back.Checks) != len(j.Checks) {
		t.Errorf("the JSON does not say the same: %v", err)
	}
}

// TestOfAPackThatCannotBeReadNothingIsAnswered: no row speaks of what was never looked at, and what failed has a place.
func TestOfAPackThatCannotBeReadNothingIsAnswered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pack.zip")
	if err := os.WriteFile(path, []byte("this is no zip"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, err := trustFlags{}.judge(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	text := screenOf(t, j)
	if !strings.Contains(text, "the pack as a whole: structure: ") || !strings.Contains(text, "integrity   failed") {
		t.Errorf("it is not said what is wrong:\n%s", text)
	}
	for _, row := range []string{"  origin ", "  time ", "  report ", "  layers ", "  numbers ", "run key"} {
		if strings.Contains(text, row) {
			t.Errorf("the screen answers %q:\n%s", row, text)
		}
	}
	if got := newVerifyResult(j); got.Layers.Answer != "unknown" || got.Numbers.Answer != "unknown" {
		t.Errorf("layers %v, numbers %v", got.Layers, got.Numbers)
	}
}
