package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"blackstart/harness"
)

// finding is one objective with a verdict.
func finding(id, measure string, v harness.Verdict, m harness.Measurement) harness.Finding {
	return harness.Finding{Objective: harness.Objective{ID: id, Measure: measure, AtMost: "20s", Cohort: m.Cohort}, Measured: m, Verdict: v, Reason: "reason of " + id}
}

func someResult(exit int) result {
	return result{
		Pack: "out/region-partition.zip", Root: "out/region-partition.root.pem", RootFingerprint: strings.Repeat("ab", 32), Profile: "fast",
		Environment: harness.Rehearsal,
		Findings: harness.Findings{Exit: exit, Verdict: harness.Fail, Reason: "FAIL: the page was not received within 10 s of the fault, which the incident policy demands",
			Objectives: []harness.Finding{
				finding("rto", "rto", harness.Pass, harness.Measurement{Name: "rto", Unit: "ns", Known: true, Lo: 4_100_000_000, Hi: 4_120_000_000, Cohort: "fresh"}),
				finding("page", "alert.received", harness.Fail, harness.Measurement{Name: "alert.received", Unit: "ns", Known: true, Lo: 30_000_000_000, Unbounded: true}),
				finding("an-objective-with-a-long-name", "rpo.time", harness.Inconclusive, harness.Measurement{Name: "rpo.time", Unit: "ns", Detail: "no answer"}),
			},
			Exceptions: []string{"the controller told of a failover twice, which it may after its own restart, but it was not restarted"}},
	}
}

func reported(t *testing.T, r result, asJSON bool) string {
	t.Helper()
	d := &drillRun{}
	d.flags.asJSON = asJSON
	var out bytes.Buffer
	if err := d.report(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReportFitsTheScreen(t *testing.T) {
	text := reported(t, someResult(harness.ExitFail), false)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 16 {
		t.Errorf("%d lines, a result has about ten:\n%s", len(lines), text)
	}
	for _, l := range lines {
		if n := utf8.RuneCountInString(l); n > screenWidth {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if !strings.HasPrefix(lines[0], "FAIL: ") {
		t.Errorf("the first line does not say why: %s", lines[0])
	}
	head := strings.Join(lines[:2], " ")
	for _, want := range []string{"rehearsal", "fast timings"} {
		if !strings.Contains(head, want) {
			t.Errorf("%q is not in the first sentence: %s", want, head)
		}
	}
	for _, want := range []string{"inconclusive", "fail", "pass", "  pack    out/region-partition.zip", "anyone can make another", "abababababababab…", "note: "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "UNDO INCOMPLETE") {
		t.Error("the undo was complete")
	}
}

func TestReportedVerifyCommandCanBePasted(t *testing.T) {
	for _, dir := range []string{"o", "out", "/var/lib/somewhere/very/deep/in/the/tree/of/a/continuous/integration/job"} {
		r := someResult(harness.ExitFail)
		r.Pack, r.Root = dir+"/region-partition.zip", dir+"/region-partition.root.pem"
		text := reported(t, r, false)
		_, rest, ok := strings.Cut(text, "  verify  ")
		command, _, _ := strings.Cut(strings.ReplaceAll(rest, "\\\n", " "), "\n")
		want := "blackstart verify " + r.Pack + " --recompute --root " + r.Root
		if got := strings.Join(strings.Fields(command), " "); !ok || got != want {
			t.Errorf("a shell would run %q, want %q", got, want)
		}
	}
}

func TestReportCallsForUndo(t *testing.T) {
	text := reported(t, someResult(harness.ExitUndo), false)
	if !strings.Contains(text, "UNDO INCOMPLETE: act now. Run: blackstart undo\n") {
		t.Errorf("exit 5, but nobody is told to act:\n%s", text)
	}
}

func TestReportAsJSON(t *testing.T) {
	r := someResult(harness.ExitFail)
	r.Findings.Reason = "a < b & c"
	text := reported(t, r, true)
	var got result
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Pack != r.Pack || got.Findings.Exit != harness.ExitFail || len(got.Findings.Objectives) != 3 || !strings.Contains(text, "a < b & c") {
		t.Errorf("%+v\n%s", got, text)
	}
}

func TestJUnit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "junit.xml")
	f, err := openJUnit(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writeJUnit(f, "region-partition", someResult(harness.ExitFail).Findings), f.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s junitSuite
	if err := xml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if s.Name != "blackstart.region-partition" || s.Tests != 4 || s.Failures != 2 || s.Errors != 1 || len(s.Cases) != 4 {
		t.Fatalf("%+v\n%s", s, data)
	}
	for i, want := range []struct{ name, failure, err string }{
		{"drill", "FAIL: the page was not received within 10 s of the fault, which the incident policy demands", ""},
		{"rto", "", ""}, {"page", "reason of page", ""}, {"an-objective-with-a-long-name", "", "reason of an-objective-with-a-long-name"},
	} {
		c := s.Cases[i]
		if c.Name != want.name || (c.Failure != nil) != (want.failure != "") || (c.Error != nil) != (want.err != "") ||
			c.Failure != nil && c.Failure.Message != want.failure || c.Error != nil && c.Error.Message != want.err {
			t.Errorf("case %d: %+v, want %+v", i, c, want)
		}
	}
	for _, bad := range []string{filepath.Join(path, "junit.xml"), filepath.Dir(path)} {
		if f, err := openJUnit(bad); err == nil || f != nil {
			t.Errorf("%s cannot be a file, and nobody says so before the drill", bad)
		}
	}
}
