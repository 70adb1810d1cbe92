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
	w.lose(idLedger, 3, watchTo, 1)
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
	if all := strings.Join(f.Exceptions, "; "); !strings.Contains(all, "3 acknowledged writes of load ledger were lost after second, of which no objective speaks") {
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

// What was told of an earlier fault is no news of the next one, however often it is told again: until the incident is resolved.
func TestAnAlertOfAnEarlierFaultIsNoNews(t *testing.T) {
	alert := func(ns int64, event, key string) harness.Arrival {
		return harness.Arrival{Channel: "pagerduty", At: at(ns), Nonce: true, Accepted: true, Event: event, DedupKey: key, Summary: key}
	}
	const early, late = faultLo + 3*sec, secondLo + sec
	refused := alert(early, "trigger", "a")
	refused.Accepted = false
	foreign := alert(early, "trigger", "a")
	foreign.Nonce = false
	elsewhere := alert(early, "trigger", "a")
	elsewhere.Channel = "slack"
	for name, c := range map[string]struct {
		arrivals []harness.Arrival
		told     int64 // when after the second fault; 0: never
	}{
		"a new incident":           {[]harness.Arrival{alert(early, "trigger", "a"), alert(late, "trigger", "b")}, sec},
		"the old one again":        {[]harness.Arrival{alert(late, "trigger", "a"), alert(early, "trigger", "a")}, 0},
		"the old one, then a new":  {[]harness.Arrival{alert(early, "trigger", "a"), alert(late, "trigger", "a"), alert(late+sec, "trigger", "b")}, 2 * sec},
		"resolved before":          {[]harness.Arrival{alert(early, "trigger", "a"), alert(early+sec, "resolve", "a"), alert(late, "trigger", "a")}, sec},
		"resolved, told, again":    {[]harness.Arrival{alert(early, "trigger", "a"), alert(early+sec, "resolve", "a"), alert(early+2*sec, "trigger", "a"), alert(late, "trigger", "a")}, 0},
		"resolved in the window":   {[]harness.Arrival{alert(early, "trigger", "a"), alert(late, "resolve", "a"), alert(late+sec, "trigger", "a")}, 2 * sec},
		"another is resolved":      {[]harness.Arrival{alert(early, "trigger", "a"), alert(early+sec, "resolve", "b"), alert(late, "trigger", "a")}, 0},
		"the first was refused":    {[]harness.Arrival{refused, alert(late, "trigger", "a")}, sec},
		"the first was another's":  {[]harness.Arrival{foreign, alert(late, "trigger", "a")}, sec},
		"on another channel":       {[]harness.Arrival{elsewhere, alert(late, "trigger", "a")}, sec},
		"messages without a key":   {[]harness.Arrival{alert(early, "message", ""), alert(late, "message", "")}, sec},
		"twice in the same window": {[]harness.Arrival{alert(late+sec, "trigger", "b"), alert(late, "trigger", "b")}, sec},
	} {
		w := twoClocks("second")
		w.rec.Arrivals = c.arrivals
		w.objectives(harness.Objective{Measure: MeasureAlert, Channel: "pagerduty", After: "second", AtMost: "5s"},
			harness.Objective{Measure: MeasureContent, Channel: "pagerduty", After: "second", AtMost: "0", Carries: map[string]string{fieldSummary: anyValue}})
		f := mustJudge(t, w)
		m, content := f.Objectives[0].Measured, f.Objectives[1].Measured
		if !m.Known || m.Unbounded != (c.told == 0) || c.told > 0 && m.Hi != c.told || content.Known == m.Unbounded {
			t.Errorf("%s: %+v, want %d; content %+v", name, m, c.told, content)
		}
		w.rec.Scenario.Objectives[0].After = "first"
		if m := mustJudge(t, w).Objectives[0].Measured; m.Known && !m.Unbounded && m.Hi > 3100*ms {
			t.Errorf("%s: after the first %+v", name, m)
		}
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

// A loss belongs to one clock: to that in whose window it was acknowledged, but for what the database that served then acknowledged,
// which was safe until the next fault.
func TestLostBy(t *testing.T) {
	cuts := []cut{{from: 100, last: 130, isolates: true, moved: true}, {from: 200, last: 210}, {from: 300, last: 310}}
	for _, c := range []struct {
		done   int64
		behind bool
		old    int
		want   int
		known  bool
	}{
		{50, false, 1, 0, true}, {130, false, 1, 0, true}, {190, true, 0, 0, true}, // before the standby took writes, or in the lost region
		{131, false, 0, 1, true}, {199, false, 0, 1, true}, // by the standby, which served
		{131, false, 1, 0, true}, {199, false, 1, 0, true}, // by the old primary, which did not
		{131, false, Unread, 0, false}, {190, true, Unread, 0, true},
		{200, false, 1, 1, true}, {211, false, 1, 2, true}, {211, true, 0, 2, true}, {299, false, Unread, 2, true}, // roles did not move
		{300, false, 1, 2, true}, {999, false, Unread, 2, true},
	} {
		a := Attempt{Attempt: loadgen.Attempt{Done: c.done, Outcome: loadgen.AttemptOK}, Old: c.old}
		if got, known := lostBy(cuts, a, c.behind); got != c.want || known != c.known {
			t.Errorf("%+v: lost by clock %d, known %v", c, got, known)
		}
	}
}

// lose makes so many of the last acknowledged writes before a moment lost, as they were found on the old primary.
func (w *world) lose(id, n int, before int64, old int) {
	for i := len(w.attempts[id]) - 1; i >= 0 && n > 0; i-- {
		if a := &w.attempts[id][i]; a.New == 1 && a.Done < before {
			a.New, a.Old = 0, old
			n--
		}
	}
	w.rec.Ledger.OldOnly = w.onOldOnly()
}

// takesOver lets the standby take its first write at a moment.
func (w *world) takesOver(from int64) {
	for i := range w.answers[probeWritable+" west.db"] {
		o := &w.answers[probeWritable+" west.db"][i]
		if o.OK, o.Value, o.Detail = true, 1, "write completed"; o.At.Lo < at(from) {
			o.OK, o.Value, o.Detail = false, 0, "in recovery"
		}
	}
}

// A writer that goes on at the old primary after the standby took over loses by the fault before that. While the old primary serves,
// what it acknowledges between the faults is lost by the second.
func TestWhatIsLostBetweenTwoFaults(t *testing.T) {
	for _, over := range []struct {
		at            int64
		first, second int64
	}{{faultLo + 3*sec, 15, 3}, {secondLo + sec, 10, 8}} {
		for after, want := range map[string]int64{"first": over.first, "second": over.second} {
			w := twoClocks(after)
			w.lose(idLedger, 5, secondLo-2*sec, 1)
			w.takesOver(over.at)
			f := mustJudge(t, w)
			if bad := firstFailing(f.Validity); bad != "" {
				t.Fatal(bad)
			}
			if m := f.Objectives[2].Measured; !m.Known || m.Lo != want {
				t.Errorf("taken over at %d, after %s: %+v, want %d", over.at, after, m, want)
			}
		}
	}
}

// Losses that no objective speaks of are no pass, nor are those of which it is not known whose they are.
func TestLossesThatNoObjectiveSpeaksOf(t *testing.T) {
	lost := func(after, load, most string) harness.Objective {
		return harness.Objective{Measure: MeasureRPOLost, Load: load, After: after, AtMost: most}
	}
	for name, c := range map[string]struct {
		objectives []harness.Objective
		spoil      func(*world)
		exit       int
		says       string
	}{
		"all spoken of":      {[]harness.Objective{lost("first", fileLedger, "10"), lost("second", fileLedger, "3")}, nil, harness.ExitPass, "PASS"},
		"of all loads":       {[]harness.Objective{lost("first", "", "10"), lost("second", "", "3")}, nil, harness.ExitPass, "PASS"},
		"of the first only":  {[]harness.Objective{lost("first", fileLedger, "10")}, nil, harness.ExitInconclusive, "INCONCLUSIVE: 3 acknowledged writes of load ledger were lost after second, of which no objective speaks"},
		"of the second only": {[]harness.Objective{lost("second", fileLedger, "3")}, nil, harness.ExitInconclusive, "10 acknowledged writes of load ledger were lost after first"},
		"of another load": {[]harness.Objective{lost("first", fileLedger, "10"), lost("second", fileLedger, "3")},
			func(w *world) { w.lose(idIsolated, 2, faultLo, 1) }, harness.ExitInconclusive, "2 acknowledged writes of load isolated were lost after first"},
		"one failed": {[]harness.Objective{lost("first", fileLedger, "9")}, nil, harness.ExitFail, "FAIL"},
		"from a fault by its kind": {[]harness.Objective{lost("first", fileLedger, "10"), {Measure: MeasureRPOTime, Load: fileLedger, Fault: "region.kill", AtMost: "1h"}},
			nil, harness.ExitPass, "PASS"},
		"nobody looked": {[]harness.Objective{lost("first", fileLedger, "13"), lost("second", fileLedger, "3")}, func(w *world) {
			w.lose(idLedger, 3, secondLo-2*sec, 1)
			w.rec.Ledger.OldRead = false
			for id := range w.attempts {
				for i := range w.attempts[id] {
					w.attempts[id][i].Old = Unread
				}
			}
		}, harness.ExitInconclusive, "by which fault 3 acknowledged writes were lost is not known: the old primary was not read"},
	} {
		w := twoClocks("first")
		w.objectives(c.objectives...)
		if c.spoil != nil {
			c.spoil(w)
		}
		f := mustJudge(t, w)
		if f.Exit != c.exit || !strings.Contains(f.Reason, c.says) {
			t.Errorf("%s: exit %d: %s", name, f.Exit, f.Reason)
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
