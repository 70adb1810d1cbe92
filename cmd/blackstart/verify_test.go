package main

import (
	"bytes"
	"crypto/x509"
	"strings"
	"testing"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// answers makes a report with one check for each question.
func answers(class string, integrity, origin, at seal.Status) evidence.Checked {
	var c evidence.Checked
	c.Class = class
	c.Report.Add(seal.Check{Question: seal.Integrity, Status: integrity}, seal.Check{Question: seal.Origin, Status: origin},
		seal.Check{Question: seal.Time, Status: at})
	return c
}

func TestVerifyCode(t *testing.T) {
	const no, ok, bad = seal.NotChecked, seal.OK, seal.Failed
	none := evidence.VerifyOptions{}
	root := evidence.VerifyOptions{Roots: []*x509.Certificate{{}}}
	trust := evidence.VerifyOptions{Trust: &seal.Trust{}}
	for _, c := range []struct {
		name                  string
		class                 string
		integrity, origin, at seal.Status
		opts                  evidence.VerifyOptions
		want                  int
	}{
		{"a rehearsal, no root", harness.Rehearsal, ok, no, no, none, harness.ExitPass},
		{"a rehearsal, its root", harness.Rehearsal, ok, ok, no, root, harness.ExitPass},
		{"a rehearsal, another root", harness.Rehearsal, ok, bad, no, root, harness.ExitFail},
		{"a rehearsal, a root that could not be tried", harness.Rehearsal, ok, no, no, root, harness.ExitInconclusive},
		{"a rehearsal, a trust file", harness.Rehearsal, ok, ok, no, trust, harness.ExitPass},
		{"a rehearsal, a trust file that does not vouch", harness.Rehearsal, ok, bad, no, trust, harness.ExitFail},
		{"a rehearsal, a trust file that could not be applied", harness.Rehearsal, ok, no, no, trust, harness.ExitInconclusive},
		{"altered", harness.Rehearsal, bad, ok, no, root, harness.ExitFail},
		{"integrity could not be told", harness.Rehearsal, no, ok, no, root, harness.ExitFail},
		{"a false time", harness.Rehearsal, ok, ok, bad, root, harness.ExitFail},
		{"a proven time", harness.Rehearsal, ok, ok, ok, root, harness.ExitPass},
		{"production, nothing to trust", harness.Production, ok, no, no, none, harness.ExitInconclusive},
		{"production, a bare root", harness.Production, ok, ok, no, root, harness.ExitInconclusive},
		{"production, a trust file", harness.Production, ok, ok, no, trust, harness.ExitPass},
		{"production, a trust file that does not vouch", harness.Production, ok, bad, no, trust, harness.ExitFail},
		{"production, altered, nothing to trust", harness.Production, bad, no, no, none, harness.ExitFail},
		{"staging, nothing to trust", harness.Staging, ok, no, no, none, harness.ExitInconclusive},
		{"class unknown", "", ok, ok, no, root, harness.ExitInconclusive},
		{"class unknown, altered", "", bad, no, no, none, harness.ExitFail},
	} {
		if got := verifyCode(answers(c.class, c.integrity, c.origin, c.at), c.opts); got != c.want {
			t.Errorf("%s: exit %d, want %d", c.name, got, c.want)
		}
	}
	if got := verifyCode(evidence.Checked{}, none); got != harness.ExitFail {
		t.Errorf("nothing was checked: exit %d, want %d", got, harness.ExitFail)
	}
}

func TestPrintVerify(t *testing.T) {
	print := func(c evidence.Checked, o evidence.VerifyOptions) string {
		var b bytes.Buffer
		printVerify(&b, c, o)
		return b.String()
	}
	good := answers(harness.Production, seal.OK, seal.NotChecked, seal.NotChecked)
	for o, want := range map[*evidence.VerifyOptions]string{
		{}: "name a root with --root", {Roots: []*x509.Certificate{{}}}: "a pack that is no rehearsal needs a trust file",
	} {
		if got := print(good, *o); !strings.HasPrefix(got, "OK: 3 checks") || !strings.Contains(got, want) || !strings.Contains(got, "self-asserted") {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := print(answers(harness.Rehearsal, seal.OK, seal.OK, seal.OK), evidence.VerifyOptions{}); strings.Contains(got, "self-asserted") {
		t.Errorf("the time is proven, and yet:\n%s", got)
	}
	bad := answers("\x1b[31mred", seal.OK, seal.OK, seal.NotChecked)
	bad.Report.Add(seal.Check{Question: seal.Integrity, Name: "digest", Status: seal.Failed, File: "data/a\x1b[2J.json", Detail: strings.Repeat("words ", 40)},
		seal.Check{Question: seal.Integrity, Name: "findings recomputed", Status: seal.Failed, File: "data/findings.json"})
	bad.Recomputed = &harness.Findings{}
	got := print(bad, evidence.VerifyOptions{})
	if !strings.HasPrefix(got, "ALTERED OR INCOMPLETE: 2 of 5 checks failed\n") || !strings.Contains(got, "data/findings.json") ||
		!strings.Contains(got, "OTHER findings") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}
