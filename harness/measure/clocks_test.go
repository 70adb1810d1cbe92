package measure

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// secondLo is when the second clock of a world with two starts.
const secondLo = faultLo + 22*sec

// second adds a fault that starts a clock of its own, and lets every objective count by one of the two.
func (w *world) second(after string) {
	w.fault("region.kill", secondLo, true)
	for i, id := range []string{"first", "second"} {
		w.rec.Scenario.Faults[i].ID, w.rec.Faults[i].Plan.Fault.ID = id, id
		w.rec.Scenario.Faults[i].StartsClock, w.rec.Faults[i].Plan.Fault.StartsClock = true, true
	}
	for i := range w.rec.Scenario.Objectives {
		w.rec.Scenario.Objectives[i].After = after
	}
}

// twoClocks is a drill with two faults whose truth is known: 4.07 s without service after the first, of which an alert tells after
// 3.1 s, and 2.5 s after the second, of which one tells after 1.5 s. Ten writes were lost by the first and three by the second.
func twoClocks(after string) *world {
	tr := usual()
	tr.loss = 10
	tr.down[""] = append(tr.down[""], outage{secondLo + 7*ms, secondLo + 2500*ms})
	w := build(tr)
	w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "pagerduty", At: at(secondLo + 1500*ms), Nonce: true, Accepted: true, Event: "trigger", Summary: "again"})
	left := 3
	for i := len(w.attempts[idLedger]) - 1; i >= 0 && left > 0; i-- {
		if a := &w.attempts[idLedger][i]; a.New == 1 && a.Done < secondLo {
			a.New, a.Old = 0, 1
			left--
		}
	}
	w.rec.Ledger.OldOnly = w.onOldOnly()
	w.second(after)
	return w
}

// Each clock has what happened in its own window, and says whose it is.
func TestTwoClocks(t *testing.T) {
	for _, c := range []struct {
		after, says string
		down, alert int64
		lost        int64
	}{
		{"", "first", 4070 * ms, 3100 * ms, 10}, {"first", "first", 4070 * ms, 3100 * ms, 10}, {"second", "second", 2500 * ms, 1500 * ms, 3},
	} {
		w := twoClocks(c.after)
		f := mustJudge(t, w)
		if bad := firstFailing(f.Validity); bad != "" {
			t.Fatal(bad)
		}
		for i, truth := range []int64{c.down, -1, c.lost, c.alert} {
			m := f.Objectives[i].Measured
			if !m.Known || m.Unbounded || m.After != c.says || truth >= 0 && (m.Lo > truth || m.Hi < truth || m.Hi-m.Lo > 60*ms) {
				t.Errorf("after %q: %s is %v %d to %d after %q, the truth is %d: %s", c.after, m.Name, m.Known, m.Lo, m.Hi, m.After, truth, m.Detail)
			}
		}
	}
}

// Every measurement that is made of a window is there for each clock, and no write is lost twice.
func TestEachClockHasItsMeasurements(t *testing.T) {
	f := mustJudge(t, twoClocks("first"))
	after := map[string][]string{}
	lost := int64(0)
	for _, m := range f.Measurements {
		if m.Load == "" || m.Load == fileQueries && m.Cohort == cohortFresh {
			after[m.Name] = append(after[m.Name], m.After)
		}
		if m.Name == MeasureRPOLost && m.Load == "" {
			lost += m.Hi
		}
	}
	for _, name := range []string{MeasureRTO, NameImpact, NameLostRequests, MeasureRPOLost, NameDivergence, NameDetected, NameWritable, MeasureExposure} {
		if got := after[name]; !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("%s is there for %q", name, got)
		}
	}
	if got := after[NameWallTotal]; !slices.Equal(got, []string{""}) {
		t.Errorf("the wall time is of %q", got)
	}
	if lost != 13 {
		t.Errorf("%d writes were lost by both clocks, 13 are missing", lost)
	}
	if all := strings.Join(f.Exceptions, "; "); !strings.Contains(all, "3 acknowledged writes were lost after second, of which no objective speaks") {
		t.Errorf("exceptions: %s", all)
	}
	f = mustJudge(t, build(usual()))
	for _, m := range f.Measurements {
		if m.After != "" {
			t.Errorf("with one clock, %s is of %q", m.Name, m.After)
		}
	}
}

// What did not end in its window did not end: a service that comes back after the next fault is not back after the first, and an
// alert that comes then is no answer to the first.
func TestAWindowEndsWithTheNextClock(t *testing.T) {
	tr := truth{down: map[string][]outage{"": {{faultLo + 7*ms, secondLo + 2*sec}}}, seed: 1}
	w := build(tr)
	w.rec.Arrivals = nil
	w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "pagerduty", At: at(secondLo + sec), Nonce: true, Accepted: true, Event: "trigger"})
	w.rec.Decisions = []harness.Decision{{At: at(secondLo + sec), Event: "failure.detected"}}
	w.second("first")
	f := mustJudge(t, w)
	rto, alert := f.Objectives[0].Measured, f.Objectives[3].Measured
	for m, until := range map[*harness.Measurement]int64{&rto: secondLo - 500*ms, &alert: secondLo} {
		if !m.Unbounded || m.Lo != until-faultHi || !strings.Contains(m.Detail, "before the next clock started") {
			t.Errorf("%s: %d to %d, %v: %s", m.Name, m.Lo, m.Hi, m.Unbounded, m.Detail)
		}
	}
	if m := find(t, f, NameDetected, "", ""); m.Known || m.After != "first" {
		t.Errorf("detected after %q: %+v", m.After, m)
	}
}

// straddle lets a request of every stream be under way at a moment, which cuts it short: it is due so long before.
func (w *world) straddle(moment, before int64) {
	for id, all := range w.samples {
		for i := range all {
			if s := &all[i]; s.Due >= moment-before && s.Due < moment {
				s.Outcome, s.Status, s.Done = loadgen.Reset, 0, moment+ms
				if id == idLedger || id == idIsolated {
					a := &w.attempts[id][i]
					a.Outcome, a.Done, a.New, a.Old = loadgen.AttemptUnknown, s.Done, 0, 0
				}
			}
		}
	}
	w.rec.Ledger.OldOnly = w.onOldOnly()
}

// A request that is under way when the next fault comes, or an undo under load, is cut by that: the fault before has no part in it.
func TestARequestThatIsUnderWayAtTheEndOfAWindow(t *testing.T) {
	undo := undoneWorld(1500 * ms)
	undo.straddle(undoLo, 30*ms)
	for name, w := range map[string]*world{"the next fault": cutShort(), "an undo": undo} {
		f := mustJudge(t, w)
		if bad := firstFailing(f.Validity); bad != "" {
			t.Fatal(name, bad)
		}
		m := f.Objectives[0].Measured
		if !m.Known || m.Unbounded || m.Lo > 4070*ms || m.Hi < 4070*ms || f.Objectives[0].Verdict != harness.Pass {
			t.Errorf("%s: RTO %+v, the truth is 4.07 s", name, m)
		}
		for _, m := range f.Measurements {
			if strings.HasPrefix(m.Name, NameErrors) && strings.Contains(m.Name, "reset") && m.After != "second" {
				t.Errorf("%s: %+v", name, m)
			}
		}
	}
	late := twoClocks("first") // what was bad for sure before the fault came is bad
	late.straddle(secondLo-400*ms, 300*ms)
	if m := mustJudge(t, late).Objectives[0].Measured; !m.Unbounded {
		t.Errorf("bad 500 ms before the next fault: %+v", m)
	}
	unlimited := cutShort()
	unlimited.rec.Scenario.Recovered.P99AtMost = 0
	unlimited.straddle(secondLo, 1900*ms) // within the timeout of 2 s
	if m := mustJudge(t, unlimited).Objectives[0].Measured; m.Unbounded || m.Hi > 4200*ms {
		t.Errorf("without a limit: %+v", m)
	}
}

// cutShort is a drill of two clocks that counts by the first, whose second fault cuts requests short.
func cutShort() *world {
	w := twoClocks("first")
	w.straddle(secondLo, 30*ms)
	return w
}

// A loss belongs to one clock: to that of the fault before the standby took writes, or that took the writer's region away, and
// after that to the next.
func TestLostBy(t *testing.T) {
	cuts := []cut{{from: 100, last: 130, isolates: true}, {from: 200, last: 210}, {from: 300, last: 310}}
	for _, c := range []struct {
		done  int64
		place string
		want  int
	}{
		{50, "outside", 0}, {130, "outside", 0}, {131, "outside", 1}, {190, "primary", 0}, {200, "outside", 1}, {211, "outside", 2},
		{211, "primary", 2}, {299, "outside", 2}, {300, "outside", 2}, {999, "outside", 2},
	} {
		if got := lostBy(cuts, c.done, c.place == "primary"); got != c.want {
			t.Errorf("a write acknowledged %s at %d is lost by clock %d, want %d", c.place, c.done, got, c.want)
		}
	}
}

// An objective that names no clock of the drill has no value.
func TestAClockThatIsNotThere(t *testing.T) {
	w := twoClocks("third")
	f := mustJudge(t, w)
	if m := f.Objectives[0].Measured; m.Known || !strings.Contains(m.Detail, "third, which starts no clock") {
		t.Errorf("%+v", m)
	}
	if f.Exit != harness.ExitInconclusive {
		t.Errorf("exit %d", f.Exit)
	}
}

// A drill that was stopped before its second fault has the first clock's numbers, and none of the second's.
func TestASecondFaultThatWasNotDone(t *testing.T) {
	for _, id := range []string{"first", "second"} {
		w := twoClocks(id)
		w.rec.Status, w.rec.StatusReason = harness.Stopped, "interrupted"
		f := &w.rec.Faults[1]
		f.Do, f.InForce, f.Confirmed, f.Restored = harness.Interval{}, harness.Interval{}, false, false
		got := mustJudge(t, w)
		if got.Exit != harness.ExitStopped {
			t.Errorf("exit %d: %s", got.Exit, got.Reason)
		}
		for _, m := range got.Measurements {
			if m.After == "second" && m.Known {
				t.Errorf("%s is known after a fault that was not done: %+v", m.Name, m)
			}
		}
		if m := got.Objectives[0].Measured; m.Known != (id == "first") {
			t.Errorf("RTO after %s: %+v", id, m)
		}
	}
}
