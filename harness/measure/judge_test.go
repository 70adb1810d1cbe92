package measure

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

func TestJudgePasses(t *testing.T) {
	f := mustJudge(t, build(usual()))
	if f.Verdict != harness.Pass || f.Exit != harness.ExitPass {
		t.Fatalf("verdict %s, exit %d: %s\n%+v", f.Verdict, f.Exit, f.Reason, f.Validity)
	}
	if want := "PASS: every objective met: RTO 4.0"; !strings.HasPrefix(f.Reason, want) {
		t.Errorf("reason %q, want %q…", f.Reason, want)
	}
	m := find(t, f, MeasureRTO, fileQueries, "fresh")
	if truth := int64(4070 * ms); m.Lo > truth-15*ms+20*ms || m.Lo > truth || m.Hi < truth || !m.Known || m.Unbounded {
		t.Errorf("RTO [%d, %d], truth %d", m.Lo, m.Hi, truth)
	}
	t.Log(f.Reason)
}

// outcomes are drills whose verdict, exit code and reason are known beforehand.
var outcomes = []struct {
	name    string
	truth   truth
	spoil   func(w *world)
	verdict harness.Verdict
	exit    int
	reason  string
}{
	{
		"controller dead", truth{down: map[string][]outage{"": {{faultLo, 3600 * sec}}}}, func(w *world) {
			w.rec.Ledger.Promoted, w.rec.Ledger.OldRead, w.rec.Ledger.Primary = false, false, "east.db"
			w.staysInRecovery()
			w.rec.Arrivals, w.rec.Decisions = nil, nil
		},
		harness.Fail, harness.ExitFail, "FAIL: rto: not recovered: at least 44.9 s; clients saw: no answer in time (100%); objective 20 s (BCP 4.2)",
	},
	{
		"pager muted", usual(), func(w *world) { w.rec.Arrivals = nil },
		harness.Fail, harness.ExitFail, "FAIL: page: not received: at least 44.9 s, objective 10 s (Incident policy 2)",
	},
	{
		"too slow", truth{down: map[string][]outage{"": {{faultLo, faultLo + 25*sec}}}}, nil,
		harness.Fail, harness.ExitFail, "FAIL: rto: 24.9",
	},
	{
		"bound inside", truth{down: map[string][]outage{"": {{faultLo, faultLo + 20*sec}}}}, nil,
		harness.Inconclusive, harness.ExitInconclusive, "INCONCLUSIVE: rto: 19.9",
	},
	{
		"writes lost", func() truth { tr := usual(); tr.loss = 40; return tr }(), nil,
		harness.Fail, harness.ExitFail, "FAIL: lost: 40, objective 0 (BCP 4.4)",
	},
	{
		"nobody hurt", truth{}, nil,
		harness.Inconclusive, harness.ExitInconclusive, "the fault hurt nobody we watched",
	},
	{
		"loads that offer nothing", usual(), func(w *world) {
			for i := range w.rec.Scenario.Load {
				w.rec.Scenario.Load[i].Rate.Count = 0
			}
			for i := range w.rec.Streams {
				w.rec.Streams[i].Freq, w.rec.Streams[i].Count = 0, 0
			}
			for id := range w.samples {
				w.samples[id] = nil
			}
			for id := range w.attempts {
				w.attempts[id] = nil
			}
			w.rec.Scenario.SteadyState.Require = w.rec.Scenario.SteadyState.Require[1:]
		}, harness.Inconclusive, harness.ExitInconclusive, "load queries: nothing was due, so nobody was watched",
	},
	{
		"no load", usual(), func(w *world) {
			w.rec.Scenario.Load, w.rec.Streams, w.samples = nil, nil, nil
		}, harness.Inconclusive, harness.ExitInconclusive, "the scenario has no load: nothing can be judged",
	},
	{
		"stopped", usual(), func(w *world) {
			w.rec.Status, w.rec.StatusReason = harness.Stopped, "guard http.health"
			w.rec.Observation.Hi = at(watchTo - 3*sec)
		},
		harness.Inconclusive, harness.ExitStopped, "STOPPED: guard http.health",
	},
	{
		"interrupted", usual(), func(w *world) { w.rec.Status = harness.Interrupted },
		harness.Inconclusive, harness.ExitStopped, "INTERRUPTED: no reason was recorded; the last phase that it finished was baseline",
	},
	{
		"unsteady", usual(), func(w *world) {
			w.rec.Status, w.rec.StatusReason = harness.Unsteady, "p99 900 ms"
			w.rec.Faults[0] = harness.FaultRecord{Plan: w.rec.Faults[0].Plan}
			w.rec.Undo = harness.UndoRecord{}
		}, harness.Inconclusive, harness.ExitInconclusive, "INCONCLUSIVE: the steady state did not hold, nothing was broken: p99 900 ms",
	},
	{
		"harness broke", usual(), func(w *world) { w.rec.Status, w.rec.StatusReason = harness.Broken, "disk full" },
		harness.Inconclusive, harness.ExitHarness, "ERROR: the drill did not end: disk full",
	},
	{
		"undo incomplete", usual(), func(w *world) { w.rec.Undo.Complete, w.rec.Undo.Detail = false, "fencing failed" },
		harness.Inconclusive, harness.ExitUndo, "UNDO INCOMPLETE: act now: the undo is not complete: fencing failed",
	},
	{
		"undo before stopped", usual(), func(w *world) { w.rec.Status, w.rec.Faults[0].Restored = harness.Stopped, false },
		harness.Inconclusive, harness.ExitUndo, "UNDO INCOMPLETE: act now: the restoration after region.partition was not proved",
	},
	{
		"primary survived", usual(), func(w *world) {
			w.rec.Ledger.Promoted, w.rec.Ledger.OldRead, w.rec.Ledger.Primary = false, false, "east.db"
			w.staysInRecovery()
		}, harness.Pass, harness.ExitPass, "PASS: every objective met: RTO",
	},
}

func TestJudgeOutcomes(t *testing.T) {
	for _, c := range outcomes {
		t.Run(c.name, func(t *testing.T) {
			w := build(c.truth)
			if c.spoil != nil {
				c.spoil(w)
			}
			f := mustJudge(t, w)
			if f.Verdict != c.verdict || f.Exit != c.exit || !strings.Contains(f.Reason, c.reason) {
				t.Errorf("verdict %s, exit %d, reason %q; want %s, %d, %q", f.Verdict, f.Exit, f.Reason, c.verdict, c.exit, c.reason)
			}
			for _, o := range f.Objectives {
				if (f.Exit == harness.ExitStopped || f.Exit == harness.ExitUndo) && o.Verdict != harness.Inconclusive {
					t.Errorf("objective %s is judged %s in a drill that cannot be", o.Objective.ID, o.Verdict)
				}
			}
		})
	}
}

func TestMutedPagerFailsOnlyTheAlert(t *testing.T) {
	w := build(usual())
	w.rec.Arrivals = nil
	for _, o := range mustJudge(t, w).Objectives {
		want := harness.Pass
		if o.Objective.ID == "page" {
			want = harness.Fail
		}
		if o.Verdict != want {
			t.Errorf("%s is %s, want %s: %s", o.Objective.ID, o.Verdict, want, o.Reason)
		}
	}
}

func TestFindingsAreWhole(t *testing.T) {
	f := mustJudge(t, build(usual()))
	if f.Format != harness.Format || f.RunID == "" || len(f.Ledger) != len(classOrder) || f.LedgerNote == "" {
		t.Errorf("findings %+v", f)
	}
	if f.Exceptions == nil || f.Measurements == nil {
		t.Error("an empty list must not be null")
	}
	for _, name := range []string{NameImpact, NameFirstAnswer, NameSteady, NameRTODeclared, NameLostService, NameLostRequests, NameBrownout} {
		for _, cohort := range []string{"fresh", "pooled", "stale-resolver"} {
			if m := find(t, f, name, fileQueries, cohort); !m.Known {
				t.Errorf("%s of %s is not known: %s", name, cohort, m.Detail)
			}
		}
	}
	for _, name := range []string{NameDetected, NameDeclared, NameWritable, NameDivergence, NameWallTotal, NameWallRest} {
		if m := find(t, f, name, "", ""); !m.Known {
			t.Errorf("%s is not known: %s", name, m.Detail)
		}
	}
	if m := find(t, f, NameRedundancyRestored, "", ""); m.Known || !strings.Contains(m.Detail, "not measured") {
		t.Errorf("T_c: %+v", m)
	}
}

func TestJudgeNeedsARecord(t *testing.T) {
	if _, err := Judge(nil, &world{}); err == nil {
		t.Error("no record, no error")
	}
	if _, err := Judge(worldRecord(), nil); err == nil {
		t.Error("no source, no error")
	}
}

func TestNullDrill(t *testing.T) {
	null := func(change func(*truth)) *world {
		tr := truth{null: true, seed: 3}
		if change != nil {
			change(&tr)
		}
		return build(tr)
	}
	if f := mustJudge(t, null(nil)); f.Verdict != harness.Pass || f.Exit != 0 || !strings.Contains(f.Reason, "nothing was broken") {
		t.Errorf("quiet null drill: %s, %d, %q", f.Verdict, f.Exit, f.Reason)
	}
	for _, o := range mustJudge(t, null(nil)).Objectives {
		if o.Objective.Measure == MeasureRTO && (o.Verdict != harness.Inconclusive || !strings.Contains(o.Reason, "not applicable")) {
			t.Errorf("rto on a null drill: %s, %q", o.Verdict, o.Reason)
		}
	}
	hurt := null(func(tr *truth) { tr.down = map[string][]outage{"pooled": {{20 * sec, 20*sec + 400*ms}}} })
	if f := mustJudge(t, hurt); f.Verdict != harness.Fail || f.Exit != 1 {
		t.Errorf("null drill with an impact: %s, %q", f.Verdict, f.Reason)
	}
	slow := null(func(tr *truth) { tr.slow, tr.slowBy = []outage{{20 * sec, 21 * sec}}, 700*ms })
	if f := mustJudge(t, slow); f.Verdict != harness.Fail {
		t.Errorf("null drill with slow answers: %s, %q", f.Verdict, f.Reason)
	}
	lost := null(nil)
	lost.attempts[idLedger][5000].New = 0
	if f := mustJudge(t, lost); f.Verdict != harness.Fail {
		t.Errorf("null drill with a loss: %s, %q", f.Verdict, f.Reason)
	}
	bare := null(nil)
	bare.rec.Scenario.Objectives = nil
	if f := mustJudge(t, bare); f.Verdict != harness.Pass {
		t.Errorf("null drill without objectives: %s, %q", f.Verdict, f.Reason)
	}
	bare.rec.Scenario.Recovered.MinRequests = 5000
	if f := mustJudge(t, bare); f.Verdict != harness.Inconclusive || f.Exit != 3 {
		t.Errorf("null drill with thin windows: %s, %q", f.Verdict, f.Reason)
	}
}

func TestExceptions(t *testing.T) {
	w := build(usual())
	w.attempts[idLedger][100].Outcome, w.attempts[idLedger][100].New = loadgen.AttemptDefinite, 1
	w.rec.Ledger.BusinessTwice = 2
	w.samples[idQueries][0].Outcome = loadgen.WrongAnswer
	w.samples[idQueries][1].Outcome, w.samples[idQueries][2].Outcome = loadgen.NotReplicated, loadgen.NotReplicated
	w.rec.Clock[1].Synchronised = false
	w.rec.Undo.FenceChecked = false
	w.rec.DecisionsErr = "HTTP 500"
	w.rec.Components = []harness.ComponentStatus{{Name: "west.api"}, {Name: "east.db"}, {Name: "west.db", Running: true}, {Name: "west.cache", Unknown: "not available: it gives no answer"}}
	got := strings.Join(mustJudge(t, w).Exceptions, "\n")
	for _, want := range []string{
		"1 writes were refused for certain", "2 business keys", "got 1 wrong answers", "2 commits were not replicated, and their client was warned", "not synchronised in 1 of 4",
		"not seen to refuse", "log was not read: HTTP 500", "west.api was not running", "west.cache could not be seen at the end: not available: it gives no answer",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no exception %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "east.db") {
		t.Errorf("a fenced database is no exception:\n%s", got)
	}
}

// A record that was written and read again gives the same findings: that is what --recompute rests on.
func TestRecordSurvivesJSON(t *testing.T) {
	for _, tr := range []truth{usual(), {null: true}} {
		w := build(tr)
		before := asJSON(t, mustJudge(t, w))
		var again harness.Record
		must(t, json.Unmarshal(asJSON(t, w.rec), &again))
		w.rec = &again
		if after := asJSON(t, mustJudge(t, w)); !bytes.Equal(before, after) {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	}
}
