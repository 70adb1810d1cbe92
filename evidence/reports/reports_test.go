package reports

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/evidence/controls"
	"blackstart/evidence/plots"
	"blackstart/evidence/words"
)

const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// samplePlots draws what a drill draws, once for all tests.
var samplePlots = sync.OnceValues(func() ([]Plot, error) {
	var p50, p99, ok plots.Series
	p50.Name, p99.Name, ok.Name = "p50", "p99", "all cohorts"
	for i := -40; i < 120; i++ {
		at := float64(i) / 2
		share, v := 100.0, 3.0
		if at >= 0 && at < 5.5 {
			share, v = 0, 1000
		}
		p50.T, p50.V = append(p50.T, at), append(p50.V, v)
		p99.T, p99.V = append(p99.T, at), append(p99.V, v*1.8)
		ok.T, ok.V = append(ok.T, at), append(ok.V, share)
	}
	objective := 99.0
	axis := plots.Axis{Zero: "region.partition began", Faults: []plots.Window{{From: 0, To: 30, Label: "region.partition"}}, Events: []plots.Event{{T: 0, Label: "fault in force"}, {T: 3.1, Label: "failure detected"}, {T: 3.2, Label: "alert received"}, {T: 5.5, Label: "service restored"}, {T: 30, Label: "undone"}}}
	var out []Plot
	for _, r := range []interface{ Render() (plots.Images, error) }{
		plots.Chart{Axis: axis, Title: "Latency", YLabel: "milliseconds", Series: []plots.Series{p50, p99}}, plots.Chart{Axis: axis, Title: "Success", Series: []plots.Series{ok}, Objective: &objective}, plots.Chart{Title: "Lag"},
		plots.Timeline{Axis: axis, Title: "Phases", Bars: []plots.Bar{{Name: "baseline", From: -20, To: 0}, {Name: "fault", From: 0, To: 30}, {Name: "settle", From: 6, To: 40}, {Name: "undo", From: 30, To: 31}, {Name: "reconcile", From: 40, To: 52}}},
	} {
		img, err := r.Render()
		if err != nil {
			return nil, err
		}
		out = append(out, Plot{PNG: img.PNG})
	}
	out[2].Caption = "Replication lag: no data. The heartbeat row was not configured."
	return out, nil
})

// full is a run with long strings, many rows, missing values and every kind of verdict.
func full(t testing.TB) Report {
	t.Helper()
	charts, err := samplePlots()
	if err != nil {
		t.Fatal(err)
	}
	r := Report{Report: words.Report{
		Identity: words.Identity{PackID: "0197b2c4-8f00-7c3e-a2d1-5b6f70112233", RunID: "0197b2c4-8f00-7a11-9c44-0d1e2f334455", Activity: "disaster-recovery drill",
			Environment: "rehearsal", Scenario: "finrag/region-partition.async-lag: 200 ms on the WAL link, asynchronous commit", ScenarioDigest: digest, Target: "finrag on loopback (processes)",
			Profile: "fast (1 s x 3, TTL 2 s)", Started: "2026-03-02T14:30:05.000000000Z", Ended: "2026-03-02T14:31:19.120000000Z", Tool: "blackstart 0.1.0 (go1.26.8)", ToolDigest: digest},
		Verdict: words.Verdict{Result: "fail", Reason: "rpo.lost: 214 acknowledged writes are missing, the objective is none; rto met its bound.", Validity: "passed: every check below held"},
		Examiner: []words.Field{{Name: "Which natural person ran it?", Value: "Zoë Łęcka-Αλεξίου \U0001f600 (operating-system account ci-runner, not authenticated)"}, {Name: "Who else can use the signing key?", Value: ""},
			{Name: "Is the system on the firm's mission-critical list?", Value: "no: a rehearsal system, on nobody's list"}, {Name: "Did the responsible principal receive this?", Value: ""}, {Name: "Prior findings: owner, due, retested?", Value: ""},
			{Name: "Who can delete this?", Value: "whoever can write to the folder it lies in: no lock is kept"}},
		Plan:       []words.Field{{Name: "Scenario digest", Value: digest}, {Name: "Criteria frozen before the run", Value: "yes: inputs.json, digest in event 0"}, {Name: "Change ticket", Value: ""}, {Name: "Approval before the run", Value: ""}},
		People:     []words.Field{{Name: "Executor", Value: "Zoë Łęcka-Αλεξίου"}, {Name: "Reviewer", Value: ""}, {Name: "Independence", Value: ""}},
		Readiness:  []words.Field{{Name: "Market hours", Value: "out of market hours (America/New_York)"}, {Name: "Production-likeness", Value: "none: loopback, generated data, 200 requests/s"}},
		Oracle:     "old primary started alone: 214 ids it holds are not on the new primary; 214 lost + 0 unknown and absent. Consistent.",
		Simulated:  []string{"rehearsal system finrag instead of a firm's own", "feature-hash embedding instead of a model", "loopback network", "own receivers instead of the pager and mail services"},
		Clock:      []words.Field{{Name: "Source", Value: "kernel clock; adjtimex state at start: synchronised, maximum error 12 ms"}, {Name: "Steps seen during the run", Value: "none"}, {Name: "Offset to other hosts", Value: "one host: not applicable"}},
		Exceptions: []words.Exception{{Cause: "214 acknowledged writes lost: the standby was 200 ms behind and commits were asynchronous", Severity: "high", Owner: "", Due: "", Retest: ""}},
		Integrity:  []words.Field{{Name: "Signature in this file", Value: "PAdES B-B over the whole file; throw-away key: integrity since sealing only"}, {Name: "Manifest signature", Value: "signatures/manifest.p7s"}, {Name: "Independent time stamp", Value: "none: time self-asserted"}, {Name: "Checkpoints", Value: "order self-asserted"}},
		Commands: []string{"ROOT=../pack.root.pem", "sha256sum --strict --quiet -c manifest-sha256.txt",
			"openssl cms -verify -cades -binary -inform DER -in signatures/manifest.p7s -no_check_time -CAfile \"$ROOT\" \\\n-content manifest-sha256.txt -out /dev/null", "pdfsig -nssdir sql:nss data/report-finra-4370.pdf"},
		Retention: []words.Field{{Name: "Keep for", Value: "7 years"}, {Name: "Basis", Value: "policy of the scenario; not a term set by a rule"}, {Name: "Customer data", Value: "none: generated rows only"}, {Name: "Redacted", Value: "database passwords, routing keys"}, {Name: "Needs verification again", Value: "when the plan or the system has changed"}},
	}, RecordDigest: digest, Sealed: time.Date(2026, 3, 2, 14, 31, 20, 0, time.UTC), Plots: charts}
	r.Objectives = []words.Objective{{Name: "rto", Bound: "at most 15 s", Source: "scenario objectives[0]: policy/continuity.md section 4.2", Measured: "5.52 s", Interval: "[5.498 s, 5.541 s]", Verdict: "pass"},
		{Name: "rpo.lost", Bound: "0 writes", Source: "scenario objectives[1]", Measured: "214 writes (12 840.55 USD)", Interval: "exact", Verdict: "fail"}, {Name: "alert.pagerduty", Bound: "at most 10 s", Source: "", Measured: "", Interval: "", Verdict: "inconclusive"}}
	r.Zero = "region.partition began"
	r.Failures = []words.Failure{{Objective: "rpo.lost", Verdict: "not met", Asked: "acknowledged writes lost: at most 0", Found: "214 writes", Why: "214 acknowledged writes, worth 12 840.55, are missing on west.db. The target decided at +4.0 s to fail over with data that was 15.2 s old."},
		{Objective: "alert.pagerduty", Verdict: "inconclusive", Asked: "somebody told on pagerduty within 10 s", Found: "", Why: ""}}
	r.KeyEvents = []words.KeyEvent{{SinceFault: "-15.0 s", What: "FAULT: replication.break on the standby region (west)"}, {SinceFault: "+0.0 s", What: "FAULT: region.partition on the primary region (east)"}, {SinceFault: "+6.0 s", What: "target's log: failover done"}}
	r.Outcomes = []words.Outcome{{Load: "queries", Cohort: "fresh", Class: "ok", Count: "13 904", Share: "92.7 %", First: "-20.0 s", Last: "+40.0 s"}, {Load: "queries", Cohort: "fresh", Class: "certificate expired", Count: "1 096", Share: "7.3 %", First: "+6.0 s", Last: "+11.5 s"}, {Load: "edge", Cohort: "", Class: "ok", Count: "500", Share: "100.0 %", First: "-20.0 s", Last: "+40.0 s"}}
	r.Known = words.KnownAnswers{Asked: "asked 200, answered 180", Right: "171", Wrong: "9", Stale: "0", Foreign: "0", File: "data/observations/answers.known-entry.jsonl",
		First: []words.Answer{{At: "+6.4 s", Question: "dividend-date (public): When is it?", Kind: "wrong", Got: "known-archive", By: "build 2.0.0 in west", Right: "known-notice", RightBy: "build 2.1.0 in east gave at -0.2 s"}}}
	r.Replication = []words.Field{{Name: "Standby's data at its oldest", Value: "15.2 s"}}
	r.Decisions = []words.DecisionStep{{Step: "failover declared", Log: "failover.declared", LogAt: "+4.0 s", Outside: "", OutsideAt: ""}, {Step: "standby promoted", Log: "", LogAt: "", Outside: "it took a first write", OutsideAt: "+5.1 s"}}
	r.Disputed = []string{"The target's own log and the outside disagree: the log says refused, yet the standby took a write."}
	for _, c := range []string{"fault confirmed from the victim's side", "load offered at least 99 % of intended", "baseline green for its whole window", "every probe answered throughout", "clock in tolerance", "ledger and oracle agree"} {
		r.Checks = append(r.Checks, words.Check{Name: c, Result: "passed", Detail: ""})
	}
	r.Checks = append(r.Checks, words.Check{Name: "alert receiver complete", Result: "failed", Detail: "the receiver's log has a gap of 1.2 s"}, words.Check{Name: "samples at least 10 000", Result: "inconclusive", Detail: ""})
	for i := range 44 {
		r.Timeline = append(r.Timeline, words.Moment{At: fmt.Sprintf("2026-03-02T14:30:%02d.123456789Z", i), SinceFault: fmt.Sprintf("%.3f s ± 0.002 s", float64(i)-20), Event: "probe.changed",
			Detail: "postgres.role of west changed from standby to primary as seen over outside→west.db; a detail that is long enough to take two lines of its column"})
	}
	r.Measures = []words.Measure{{Name: "rto", Value: "5.52 s", Bounds: "[5.498 s, 5.541 s]", Method: "metronome at 500/s, due time; edges ± 2 ms", Raw: "data/samples/metronome.bin"}, {Name: "rpo.time", Value: "0.201 s", Bounds: "[0.198 s, 0.204 s]", Method: "first lost and last durable acknowledgement", Raw: "data/ledger/outside.bin"}, {Name: "t_c (redundancy restored)", Value: "", Bounds: "", Method: "", Raw: ""}}
	r.Faults = []words.Fault{{Kind: "region.partition", Target: "primary (east)", What: "cut off from everything; moment 0", InForce: "[14:30:25.000, 14:30:25.004]", Confirmed: "", Undone: "links restored after the old primary was fenced by the harness; it refuses writes"}}
	r.Load = []words.Stream{{Name: "http.query fresh", Place: "outside", Intended: "200/s, 15 000", Offered: "15 000 (100 %)", Achieved: "13 904", Outcomes: "ok 13 904, timeout 1 096"}, {Name: "http.query stale resolver", Place: "outside", Intended: "50/s", Offered: "", Achieved: "", Outcomes: ""}}
	r.Ledger = []words.LedgerClass{{Class: "durable", Count: "14 620", Amount: "877 200.10 USD", Meaning: "acknowledged and there"}, {Class: "LOST", Count: "214", Amount: "12 840.55 USD", Meaning: "acknowledged and missing: the recovery point"}, {Class: "ghost", Count: "3", Amount: "180.00 USD", Meaning: "not acknowledged, yet there: reconcile"}, {Class: "contract break", Count: "0", Amount: "0", Meaning: "must be 0"}, {Class: "duplicate", Count: "0", Amount: "", Meaning: "must be 0"}}
	r.Channels = []words.Notification{{Channel: "pagerduty", Carry: "class primary.unreachable, severity critical", Accepted: "HTTP 202", Received: "14:30:28.2", Acknowledged: "", Resolved: "", Latency: "3.2 s ± 0.01 s", Verdict: "pass"}, {Channel: "smtp", Carry: "", Accepted: "", Received: "", Acknowledged: "", Resolved: "", Latency: "", Verdict: "inconclusive"}}
	for _, c := range []string{"postgresql", "region api", "dns", "controller"} {
		r.Components = append(r.Components, words.Component{Name: c, Region: "east", Version: "", Digest: digest})
	}
	for i := range 9 {
		r.Provenance = append(r.Provenance, words.Artefact{Path: fmt.Sprintf("data/samples/stream-%d.bin", i), Source: "load generator", Query: "rate 200/s, seed 42", Extracted: "2026-03-02T14:31:19Z blackstart", Rows: "15 000", Total: "", Digest: digest})
	}
	return r
}

// renderers lay out a report for each framework, and for one that has no arrangement of its own.
var renderers = map[string]func(Report) (Document, error){"finra-4370": of("finra-4370"), "icfr": of("icfr"), "another": of("another")}

// exercised is a drill that bears on some clauses.
var exercised = controls.Exercised{
	Facts:    map[controls.Flag]bool{controls.DataRecovery: true, controls.LedgerReconciled: true, controls.RawSeriesKept: true, controls.ProvenanceRecorded: true, controls.CounterpartyImpact: true},
	Recorded: map[string]bool{"ledger classification": true, "raw series": true, "exceptions": true, "row counts": true},
}

// of lays out a report for a framework, with what that drill is worth for its clauses.
func of(framework string) func(Report) (Document, error) {
	return func(r Report) (Document, error) { return layOut(framework, exercised, r) }
}

func layOut(framework string, drill controls.Exercised, r Report) (Document, error) {
	f, err := controls.Load(framework)
	if framework == "another" {
		f, err = controls.Load("icfr")
		f.Name, f.Title = framework, "Another framework"
	}
	if err != nil {
		return Document{}, err
	}
	r.Requirements = words.RequirementsOf(f, drill)
	return Render(r)
}

var renderedOnce = map[string]Document{}

// rendered returns the full sample, laid out once for all tests.
func rendered(t *testing.T, name string, render func(Report) (Document, error)) Document {
	t.Helper()
	if doc, ok := renderedOnce[name]; ok {
		return doc
	}
	doc, err := render(full(t))
	if err != nil {
		t.Fatal(err)
	}
	renderedOnce[name] = doc
	return doc
}

func TestRenderIsDeterministic(t *testing.T) {
	r := full(t)
	for name, render := range renderers {
		a := rendered(t, name, render)
		b, err := render(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.PDF, b.PDF) {
			t.Errorf("%s: two renderings differ", name)
		}
		if dir := os.Getenv("REPORTS_OUT"); dir != "" { // to look at it
			if err := os.WriteFile(filepath.Join(dir, name+".pdf"), a.PDF, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// pagesOf returns the text of a PDF, page by page, in lower case with single spaces.
func pagesOf(t *testing.T, pdf []byte) []string {
	t.Helper()
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("pdftotext is not installed")
	}
	path := filepath.Join(t.TempDir(), "r.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
	for i, p := range pages {
		pages[i] = strings.Join(strings.Fields(strings.ToLower(p)), " ")
	}
	return pages
}

// neverPrinted holds what no report may say, in lower case.
var neverPrinted = []string{"requires quarterly", "quarterly dr test", "sox makes companies", "17a-4 requires worm", "17a-4 compliant", "2-hour rto",
	"says annually", "24-hour outage", "makes you compliant", "you are compliant", "is compliant", "proves recovery", "proof of recovery", "could not load image", "%!"}

func TestEveryPageSaysWhatItIs(t *testing.T) {
	for name, render := range renderers {
		doc := rendered(t, name, render)
		pages := pagesOf(t, doc.PDF)
		if len(pages) < 3 || len(pages) > 8 {
			t.Errorf("%s: %d pages", name, len(pages))
		}
		for i, p := range pages {
			for _, want := range []string{"rehearsal: shows nothing about production", "run 0197b2c4-8f00-7a11-9c44-0d1e2f334455", digest[:16],
				fmt.Sprintf("page %d of %d", i+1, len(pages))} {
				if !strings.Contains(p, want) {
					t.Errorf("%s: page %d does not say %q", name, i+1, want)
				}
			}
			for _, never := range neverPrinted {
				if strings.Contains(p, never) {
					t.Errorf("%s: page %d says %q", name, i+1, never)
				}
			}
		}
		for _, want := range []string{"which natural person ran it?", "zoë łęcka-αλεξίου", "who can delete this?", "mission-critical list", "did the responsible principal receive this?",
			"not recorded", "who else can use the signing key?", "feature-hash embedding", "prior findings",
			"what failed, and why", "what happened, in order (moment 0: region.partition began)", "asked, and not recorded", "are missing on west.db"} {
			if !strings.Contains(pages[0], want) {
				t.Errorf("%s: the first page does not say %q", name, want)
			}
		}
		all := strings.Join(pages, " ")
		for _, want := range []string{"not measured", "inconclusive", "register: not recorded", "[5.498 s, 5.541 s]", "this does not show", "214 writes", "certificate expired", "build 2.0.0 in west", "not in the log", "the log says refused, yet the standby took a write", "not watched from outside",
			"nothing more is recorded", "answers.known-entry.jsonl"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s does not say %q", name, want)
			}
		}
	}
}

func TestEmptyReportSaysSo(t *testing.T) {
	doc, err := layOut("finra-4370", controls.Exercised{}, Report{Sealed: time.Unix(1_770_000_000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(pagesOf(t, doc.PDF), " ")
	for _, want := range []string{"environment not recorded", "no objective was set", "ledger: not measured", "alerts: not measured", "recipients: not recorded", "not exercised"} {
		if !strings.Contains(all, want) {
			t.Errorf("an empty report does not say %q", want)
		}
	}
	for _, never := range []string{" pass ", " supports "} {
		if strings.Contains(all, never) {
			t.Errorf("an empty report says %q", never)
		}
	}
	if _, err := of("finra-4370")(Report{}); err == nil {
		t.Error("rendered without a date")
	}
	if _, err := of("icfr")(Report{Sealed: time.Unix(1, 0), Plots: []Plot{{Title: "x", PNG: []byte("no image")}}}); err == nil {
		t.Error("rendered a plot that is no PNG")
	}
}

// Whatever a target or a person writes must be printable: the library panics on some of it.
func TestAnyTextIsPrinted(t *testing.T) {
	var odd strings.Builder
	for r := rune(0); r < 0x11_0000; r += 37 {
		odd.WriteRune(r)
		if r%5 == 0 {
			odd.WriteByte(' ')
		}
	}
	all := odd.String()
	r := Report{Sealed: time.Unix(1_770_000_000, 0)}
	for i := 0; i < len(all); i += 3000 {
		part := all[i:min(i+3000, len(all))]
		r.Timeline = append(r.Timeline, words.Moment{At: part, Event: "\xff\xfe broken UTF-8", Detail: strings.Repeat("W", 500)})
	}
	r.Verdict.Reason, r.Identity.RunID, r.RecordDigest = all, strings.Repeat("run", 40), "\U0001f600"
	if _, err := of("icfr")(r); err != nil {
		t.Fatal(err)
	}
}

func TestRenderingsAtOnce(t *testing.T) {
	r := full(t)
	r.Plots = r.Plots[3:] // drawing them is what takes long
	want, err := of("icfr")(r)
	if err != nil {
		t.Fatal(err)
	}
	if b, v := want.SignBox, want.Review; want.SignPage != 1 || b[0] <= 0 || b[2] >= v[0] || v[2] > 596 || b[1] >= b[3] || b[3] > 842 {
		t.Errorf("places for signatures %v, %v", b, v)
	}
	done := make(chan Document)
	for range 3 {
		go func() {
			doc, _ := of("icfr")(r) // an error gives an empty document, which differs
			done <- doc
		}()
	}
	for range 3 {
		if doc := <-done; !bytes.Equal(doc.PDF, want.PDF) {
			t.Error("a rendering beside others differs")
		}
	}
}
