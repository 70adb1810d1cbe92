package evidence

import (
	"os"
	"strings"
	"testing"

	"blackstart/evidence/controls"
	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// pageOne lays the first report out and reads its first page.
func pageOne(t *testing.T, s *staged, f harness.Findings, name string) string {
	t.Helper()
	docs, _, err := render(s.rec, f, ReportSpecs()[:1], nil, os.DirFS(s.dir), "9f86d081")
	if err != nil {
		t.Fatal(err)
	}
	return firstPage(t, docs[finraReport].PDF, name+".pdf")
}

// TestTheFirstPageTellsOfSplitBrainAndOfWhatWasNotExercised: neither may hide behind a verdict.
func TestTheFirstPageTellsOfSplitBrainAndOfWhatWasNotExercised(t *testing.T) {
	s := stage(t, "replication-break-then-partition.sabotaged")
	drills["replication-break-then-partition.sabotaged"].play(s)
	f := s.write()
	for i, m := range f.Measurements {
		switch m.Name {
		case measure.NameDivergence:
			f.Measurements[i].Known, f.Measurements[i].Lo, f.Measurements[i].Hi = true, 214, 214
		case measure.NameDivergenceCost:
			f.Measurements[i].Known, f.Measurements[i].Lo, f.Measurements[i].Hi = true, 1284055, 1284055
		}
	}
	f.Verdict = harness.Pass
	f.Objectives[0].Verdict, f.Objectives[0].Measured.Detail = harness.Inconclusive, "RPO was not exercised: nothing failed over"
	f.Objectives[0].Objective.Measure, f.Objectives[0].Objective.ID = measure.MeasureRPOLost, "lost-writes"
	page := pageOne(t, s, f, "split-brain")
	for _, want := range []string{"split brain: 214 writes behind the cut were acknowledged after the fault and are lost, worth 12840.55",
		"not exercised by this drill: rpo (lost-writes)."} {
		if !strings.Contains(page, want) {
			t.Errorf("the first page does not say %q", want)
		}
	}
}

// TestAnInterruptedRunHasNoResults: it is told as interrupted, and no number reads like a result.
func TestAnInterruptedRunHasNoResults(t *testing.T) {
	s := stage(t, "replication-break-then-partition.sabotaged")
	drills["replication-break-then-partition.sabotaged"].play(s)
	s.rec.Status, s.rec.StatusReason = harness.Interrupted, "the process was killed"
	f := s.write()
	page := pageOne(t, s, f, "interrupted")
	for _, want := range []string{"interrupted: the process died during this run", "status=interrupted", "value=unbound", "who can delete this?"} {
		if !strings.Contains(page, want) {
			t.Errorf("the first page does not say %q", want)
		}
	}
	r, _, err := compose(facts.Of(s.rec, f, nil, os.DirFS(s.dir)), ReportSpecs(), os.DirFS(s.dir), "9f86d081")
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict.Result != "interrupted" || len(r.Measures)+len(r.Outcomes)+len(r.Ledger)+len(r.Load)+len(r.Plots)+len(r.Channels)+len(r.Replication) > 0 {
		t.Errorf("it is told as %q, with results", r.Verdict.Result)
	}
	for _, o := range r.Objectives {
		if o.Measured != "" || o.Interval != "" || o.Verdict == "pass" {
			t.Errorf("an objective has a value: %+v", o)
		}
	}
	for _, never := range []string{"service back", "writes lost", "split brain", "wrong answers 1"} {
		if strings.Contains(page, never) {
			t.Errorf("the first page says %q", never)
		}
	}
}

// TestControlsClaimWhatIsRecorded: a row names evidence only where a field of the record holds it, and a rehearsal has none.
func TestControlsClaimWhatIsRecorded(t *testing.T) {
	s := stage(t, "replication-break-then-partition.sabotaged")
	drills["replication-break-then-partition.sabotaged"].play(s)
	f := s.write()
	for _, class := range []string{harness.Rehearsal, "", "prod"} {
		s.rec.Environment = class
		for _, name := range controls.Names() {
			rows, err := controlRows(name, facts.Coverage(s.rec, f))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if r.Level != string(controls.NotAddressed) || r.Exercised || len(r.Evidence) > 0 {
					t.Errorf("class %q: %s %s is %s, by %v", class, name, r.Clause, r.Level, r.Evidence)
				}
			}
		}
	}
	s.rec.Environment = harness.Production
	byClause := map[string]controlRow{}
	for _, name := range controls.Names() {
		rows, err := controlRows(name, facts.Coverage(s.rec, f))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			byClause[r.Clause] = r
		}
	}
	if got := strings.Join(byClause["SOX 302"].Evidence, ", "); got != "exceptions" {
		t.Errorf("SOX 302 claims %q; severities and owners are recorded nowhere", got)
	}
	if r := byClause["PCAOB AS 2201"]; r.Level != "supports" || !r.Exercised {
		t.Errorf("raw series are kept, and AS 2201 is %+v", r)
	}
	s.rec.Streams[0].Closed = false
	rows, err := controlRows("icfr", facts.Coverage(s.rec, f))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Clause == "PCAOB AS 2201" && (r.Exercised || len(r.Evidence) > 0) {
			t.Errorf("a stream is torn, and AS 2201 claims %v", r.Evidence)
		}
	}
}

// TestFacts: what facts/1 prints is fixed.
func TestFacts(t *testing.T) {
	rec := &harness.Record{RunID: "r-1", Environment: "rehearsal", Status: harness.Completed, Executor: `Zoë "Z"`}
	f := harness.Findings{Verdict: harness.Fail, Objectives: []harness.Finding{
		{Objective: harness.Objective{ID: "rto", Measure: "rto", AtMost: "15s"}, Verdict: harness.Pass, Measured: harness.Measurement{Known: true, Unit: harness.UnitNS, Lo: 5_498_000_000, Hi: 5_541_000_001}},
		{Objective: harness.Objective{ID: "page me", Measure: "alert.received", AtMost: "10s"}, Verdict: harness.Fail, Measured: harness.Measurement{Known: true, Unit: harness.UnitNS, Lo: -1, Unbounded: true}},
		{Objective: harness.Objective{ID: "value", Measure: "rpo.value", AtMost: "0.00"}, Measured: harness.Measurement{Known: true, Unit: harness.UnitMinor, Lo: 5, Hi: 1284055}},
		{Objective: harness.Objective{ID: "decision", Measure: "decision", Is: "refused"}, Measured: harness.Measurement{Known: true, Unit: harness.UnitWord, Text: "failed-over"}},
		{Objective: harness.Objective{ID: strings.Repeat("x", 130), Measure: "rpo.lost", AtMost: "0"}, Measured: harness.Measurement{Unit: harness.UnitCount}},
	}}
	want := `facts=facts/1 report=icfr run=r-1 class=rehearsal status=completed verdict=fail
record_sha256=00ff
executor="Zo\u00eb \"Z\""
objective=rto verdict=pass measure=rto value=5.498000000s..5.541000001s asked=15s
objective="page me" verdict=fail measure=alert.received value=-0.000000001s..unbounded asked=10s
objective=value verdict=inconclusive measure=rpo.value value=0.05..12840.55 asked=0.00
objective=decision verdict=inconclusive measure=decision value=failed-over asked=refused
objective=` + strings.Repeat("x", 122) + `
  xxxxxxxx verdict=inconclusive measure=rpo.lost value=unknown asked=0`
	if got := quoted("a\n\U0001f600"); got != `"a\u000a\ud83d\ude00"` {
		t.Errorf("quoted as %s", got)
	}
	if got := strings.Join(FactLines(rec, f, "00ff", "icfr"), "\n"); got != want {
		t.Errorf("facts:\n%s", got)
	}
}
