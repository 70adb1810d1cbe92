package evidence

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// failedOver tells the story of a failover that begins at a moment.
func (s *staged) failedOver(lost float64, between func(declared float64)) {
	s.down, s.up, s.moved = lost, lost+6, lost+5
	s.log(lost+3, "failure.detected", "region", "east")
	s.page(lost+3.1, "primary.unreachable", "critical", "east", "east does not answer: 3 checks failed")
	s.log(lost+4, "failover.declared", "from", "east", "to", "west")
	between(lost + 4)
	s.log(lost+5, "promote.done", "region", "west")
	s.log(lost+5.4, "dns.switched", "record", "secondary")
	s.log(lost+6, "failover.done", "from", "east", "to", "west")
}

// drills are the sabotaged twins, each with what a reader of the first page must find there.
var drills = map[string]struct {
	play func(*staged)
	want []string // on the first page, in lower case
}{
	"replication-break.sabotaged": {func(s *staged) {
		s.cut, s.heal = 12, 24.5
		s.log(16, "replication.lagging", "region", "west", "age_ms", "3900")
		s.log(16.1, "notify.muted", "channel", "pagerduty", "about", "replication.lagging")
	}, []string{"who was told: nobody on pagerduty, nor on any other channel", "the alarm did fire: the target's own log says replication.lagging at +4.0 s",
		"muted in the target's own configuration", "its own log says notify.muted for pagerduty, 1 times, first at +4.1 s", "fault over: replication.break"}},
	"replication-break.sabotaged-silent": {func(s *staged) {
		s.cut, s.heal = 12, 24.5
	}, []string{"who was told: nobody on pagerduty", "the alarm did not fire: the target's own log has no replication.lagging", "grew 12", "replication.alarm silent-when-broken"}},
	"replication-break-then-partition.sabotaged": {func(s *staged) {
		s.cut = 12
		s.failedOver(27, func(at float64) { s.log(at+0.1, "preflight.skipped", "reason", "preflight.enabled is false") })
	}, []string{"acknowledged writes of ledger, worth", "are missing on west.db", "fail over with data that was 19.0 s old", "its own log says preflight.skipped: preflight.enabled is false", "preflight disabled"}},
	"certificate-expiry.sabotaged": {func(s *staged) {
		s.after = loadgen.TLSExpired
		s.failedOver(22, func(float64) {})
	}, []string{"clients saw in the last window: certificate expired (100%)", "the target's own log says failover.done at +6.0 s", "it serves a certificate that has run out",
		"it serves a certificate that runs out in 20 days", "certificates.check disabled"}},
	"stale-code.sabotaged": {func(s *staged) {
		s.wrong = func(at float64) bool { return at > 24 }
		s.build = func(at float64) string { return map[bool]string{true: "2.0.0", false: "2.1.0"}[at > 23] }
		s.failedOver(18, func(float64) {})
	}, []string{"dividend-date answered known-dividend-archive by build 2.0.0 in west; right is known-dividend-notice, which build 2.1.0 in east gave at",
		"it runs the build before the current one, 2.0.0", "parity disabled"}},
}

// TestTheFirstPageSaysWhatFailedAndWhy lays out the reports of staged drills and reads their first pages as a newcomer would.
func TestTheFirstPageSaysWhatFailedAndWhy(t *testing.T) {
	for name, d := range drills {
		t.Run(name, func(t *testing.T) {
			s := stage(t, name)
			d.play(s)
			f := s.write()
			if f.Verdict != harness.Fail {
				t.Errorf("the drill is judged %s: %s", f.Verdict, f.Reason)
			}
			docs, all, err := render(s.rec, f, ReportSpecs(), nil, os.DirFS(s.dir), "9f86d081")
			if err != nil {
				t.Fatal(err)
			}
			for report, doc := range docs {
				first := firstPage(t, doc.PDF, name+"-"+filepath.Base(report))
				for _, want := range append(d.want, "who can delete this?", "what failed, and why", "what happened, in order", "asked, and not recorded", "prior findings") {
					if !strings.Contains(first, want) {
						t.Errorf("%s: the first page does not say %q", report, want)
					}
				}
			}
			if dir := os.Getenv("REPORTS_OUT"); dir != "" { // to look at them
				for _, c := range all {
					if err := os.WriteFile(filepath.Join(dir, name+"-"+c.name+".png"), c.images.PNG, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// firstPage is the text of the first page in lower case with single spaces; without -layout, so that cells stay together.
func firstPage(t *testing.T, pdf []byte, name string) string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	dir := t.TempDir()
	if out := os.Getenv("REPORTS_OUT"); out != "" { // to look at it
		dir = out
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-l", "1", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.ToLower(strings.Join(strings.Fields(string(out)), " "))
}
