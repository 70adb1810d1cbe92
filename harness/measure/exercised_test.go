package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

func notPromoted(down map[string][]outage) *world {
	w := build(truth{down: down, seed: 5})
	w.rec.Ledger.Promoted, w.rec.Ledger.OldRead, w.rec.Ledger.Primary = false, false, "east.db"
	w.staysInRecovery()
	return w
}

// A recovery point was put to the test if something failed over, or if a ledger was written again after an impact.
func TestRPONotExercised(t *testing.T) {
	ever := map[string][]outage{"": {{faultLo, watchTo + 9*sec}}}
	objectives := []harness.Objective{
		{ID: "rpo", Measure: MeasureRPOTime, Load: fileLedger, AtMost: "1h", Source: "S"},
		{ID: "lost", Measure: MeasureRPOLost, AtMost: "0", Source: "S"},
		{ID: "value", Measure: MeasureRPOValue, Load: fileLedger, AtMost: "0.00", Source: "S"},
	}
	for name, c := range map[string]struct {
		world   *world
		verdict harness.Verdict
		says    string
	}{
		"failed over":                 {build(usual()), harness.Pass, ""},
		"healed by itself":            {notPromoted(usual().down), harness.Pass, ""},
		"nothing was impaired":        {notPromoted(nil), harness.Inconclusive, ": not exercised: no failover took place, and no write was impaired (no acknowledged write is missing); objective "},
		"down to the end":             {notPromoted(ever), harness.Inconclusive, "was acknowledged again after the impact (no acknowledged write is missing)"},
		"hurt before the fault alone": {notPromoted(map[string][]outage{"": {{3 * sec, 3*sec + 10*ms}}}), harness.Inconclusive, "no write was impaired"},
	} {
		c.world.rec.Scenario.Objectives = objectives
		f := mustJudge(t, c.world)
		for _, o := range f.Objectives {
			id := o.Objective.ID
			if o.Verdict != c.verdict || o.Measured.Known != (c.verdict == harness.Pass) || !strings.Contains(o.Reason, c.says) {
				t.Errorf("%s: %s is %s: %s", name, id, o.Verdict, o.Reason)
			}
		}
		if m := find(t, f, MeasureRPOTime, "", ""); m.Known != (c.verdict == harness.Pass) {
			t.Errorf("%s: rpo.time %+v", name, m)
		}
		if m := find(t, f, MeasureRPOLost, "", ""); !m.Known || m.Lo != 0 {
			t.Errorf("%s: what is missing is counted all the same: %+v", name, m)
		}
	}
}

// What is lost is lost, however it came about.
func TestLossNeedsNoFailover(t *testing.T) {
	w := notPromoted(nil)
	for i := range 3 {
		w.attempts[idLedger][2000+i].New = 0
	}
	if f := mustJudge(t, w); f.Verdict != harness.Fail || f.Objectives[2].Measured.Lo != 3 || !f.Objectives[1].Measured.Known {
		t.Errorf("%s: %+v", f.Reason, f.Objectives)
	}
}

// A null drill shows that nothing is lost, and says that no recovery was exercised.
func TestNullDrillExercisesNoRPO(t *testing.T) {
	w := build(truth{null: true, seed: 3})
	f := mustJudge(t, w)
	if f.Verdict != harness.Pass || !strings.HasSuffix(f.Reason, "; no recovery was exercised") {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
	for _, o := range f.Objectives {
		switch o.Objective.Measure {
		case MeasureRPOTime:
			if o.Verdict != harness.Inconclusive || o.Measured.Known || !strings.Contains(o.Reason, "rpo: not exercised: nothing was broken") {
				t.Errorf("%s: %s", o.Verdict, o.Reason)
			}
		case MeasureRPOLost, MeasureLoss:
			if o.Verdict != harness.Pass {
				t.Errorf("%s is %s: %s", o.Objective.ID, o.Verdict, o.Reason)
			}
		}
	}
	if strings.Contains(f.Reason, "RPO") {
		t.Error(f.Reason)
	}
}

// Where the scenario asks that the target stays, and it does, nobody can put a recovery point to the test: the drill is judged by
// the rest, and says so. Where it was to fail over, or did not stay as asked, that is no excuse.
func TestStaysAsAsked(t *testing.T) {
	lost := harness.Objective{Measure: MeasureRPOLost, Load: fileLedger, AtMost: "0"}
	for name, c := range map[string]struct {
		asks    []harness.Objective
		event   string
		verdict harness.Verdict
		reason  string
	}{
		"refused as asked":   {[]harness.Objective{{Measure: MeasureDecision, Is: "refused"}, lost}, "failover.refused", harness.Pass, "PASS: every objective that applies met: decision refused; not exercised: it"},
		"nothing, as asked":  {[]harness.Objective{{Measure: MeasureDecision, Is: "none"}, lost}, "", harness.Pass, "PASS: every objective that applies met: decision none; not exercised: it"},
		"nothing asked":      {[]harness.Objective{lost}, "failover.refused", harness.Inconclusive, "INCONCLUSIVE: it: not exercised"},
		"refused unasked":    {[]harness.Objective{{Measure: MeasureDecision, Is: "failed-over"}, lost}, "failover.refused", harness.Fail, "FAIL: it: refused"},
		"nothing else asked": {[]harness.Objective{{Measure: MeasureDecision, Is: "refused"}}, "failover.refused", harness.Pass, "PASS: every objective met: decision refused"},
	} {
		w := decidedWorld()
		stay(w)
		say(w)
		if c.event != "" {
			say(w, c.event)
		}
		w.rec.Ledger.OldRead = false
		for id := range w.attempts {
			for i := range w.attempts[id] {
				w.attempts[id][i].Old = Unread
			}
		}
		for _, id := range []int{idLedger, idIsolated} { // what was written behind the fault stays unanswered
			for i := range w.samples[id] {
				if s := &w.samples[id][i]; s.Due >= faultLo {
					s.Outcome, s.Done = loadgen.Timeout, s.Sent+2*sec-1
					w.attempts[id][i].Outcome, w.attempts[id][i].New = loadgen.AttemptUnknown, 0
				}
			}
		}
		w.objectives(c.asks...)
		f := mustJudge(t, w)
		if f.Verdict != c.verdict || !strings.HasPrefix(f.Reason, c.reason) {
			t.Errorf("%s: %s: %s; want %q", name, f.Verdict, f.Reason, c.reason)
		}
	}
}
