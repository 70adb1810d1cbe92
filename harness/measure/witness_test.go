package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

const (
	dnsOn   = probeDNS + " outside.dns"
	writeOn = probeWritable + " west.db"
)

// later moves the first answer that says yes: those before it say no until so many ns after the fault.
func (w *world) later(key string, after int64, no func(o *harness.Observation)) {
	for i := range w.answers[key] {
		if o := &w.answers[key][i]; o.At.Lo <= at(faultLo+after) {
			no(o)
		}
	}
}

func recovering(o *harness.Observation) { o.OK, o.Value, o.Detail = false, 0, inRecovery }
func elsewhere(o *harness.Observation)  { o.Value = 0 }

// questions makes answers.known ask every 200 ms, unanswered from the fault until so many ns after it.
func questions(w *world, until int64) {
	var all []harness.Observation
	for ns := 2 * sec; ns < watchTo; ns += 200 * ms {
		o := asked(ns, nil)
		if ns > faultLo && ns < faultLo+until {
			o = unanswered(o)
		}
		all = append(all, o)
	}
	k := knowing(all...)
	w.rec.Target.Questions, w.answers[probeAnswers+" entry"] = k.rec.Target.Questions, k.answers[probeAnswers+" entry"]
	w.rec.Probes = append(w.rec.Probes, k.rec.Probes[len(k.rec.Probes)-1])
	w.rec.Probes[len(w.rec.Probes)-1].EveryNS = 200 * ms
}

func TestWitnessesContradictEachOther(t *testing.T) {
	served := harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", AtMost: "20s"}
	declared := harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", AtMost: "20s", From: fromDeclaration}
	pooled := harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "pooled", AtMost: "20s"}
	lost := harness.Objective{Measure: MeasureRPOLost, Load: fileLedger, AtMost: "0"}
	decided := harness.Objective{Measure: MeasureDecision, Is: DecidedFailedOver}
	for name, c := range map[string]struct {
		asks  harness.Objective
		spoil func(w *world)
		says  []string // nil: they agree
	}{
		"all agree, served":   {served, nil, nil},
		"all agree, declared": {declared, nil, nil},
		"all agree, lost":     {lost, nil, nil},
		"all agree, decided":  {decided, nil, nil},

		"served, then sent there": {served, func(w *world) { w.later(dnsOn, 6*sec, elsewhere) },
			[]string{"the clients of load queries were served again 4.0", "the entry point first sent clients to the standby (dns.answer) 5.9"}},
		"served, never sent there": {served, func(w *world) { w.later(dnsOn, 99*sec, elsewhere) },
			[]string{"served again", "the entry point still sent clients elsewhere (dns.answer)", "to the region that was gone"}},
		"the fault was over by then": {served, func(w *world) {
			w.later(dnsOn, 6*sec, elsewhere)
			w.rec.Faults[0].Undone = harness.Interval{Lo: at(faultLo + 4*sec), Hi: at(faultLo + 4020*ms)}
		}, nil},
		"the region was not gone": {served, func(w *world) {
			w.later(dnsOn, 6*sec, elsewhere)
			w.rec.Faults[0].Plan.Isolates = false
		}, nil},
		"nobody asked the entry point": {served, func(w *world) { w.rec.Probes = w.rec.Probes[:2] }, nil},

		"served, yet unanswered": {served, func(w *world) { questions(w, 9*sec) },
			[]string{"served again 4.0", "the known questions still went unanswered (answers.known) 8."}},
		"served, then answered":            {served, func(w *world) { questions(w, 4500*ms) }, nil},
		"a few went unanswered":            {served, func(w *world) { questions(w, 4900*ms) }, nil},
		"old connections are another view": {pooled, func(w *world) { questions(w, 9*sec) }, nil},

		"declared after the first write": {declared, func(w *world) { w.rec.Decisions[1].At = at(faultLo + 3700*ms) },
			[]string{"the standby took a write (postgres.writable) 2.985", "the target's log declares the failover 3.68"}},
		"declared after clients were sent there": {declared, func(w *world) {
			w.later(writeOn, 99*sec, recovering)
			w.rec.Decisions[1].At = at(faultLo + 3900*ms)
		}, []string{"the entry point first sent clients to the standby", "declares the failover"}},
		"declared within the bounds": {declared, func(w *world) { w.rec.Decisions[1].At = at(faultLo + 3007*ms) }, nil},
		"the fault's clock does not care": {served, func(w *world) {
			w.rec.Decisions[1].At = at(faultLo + 3700*ms)
		}, nil},

		"kept by a standby in recovery": {lost, func(w *world) { w.later(writeOn, 6*sec, recovering) },
			[]string{"the client of write", "was told that it is kept 4.0", "the standby was still in recovery (postgres.writable)"}},
		"kept, the old side not read": {lost, func(w *world) {
			w.later(writeOn, 6*sec, recovering)
			w.rec.Ledger.OldRead = false
		}, nil},
		"a write on a standby that stayed one": {lost, func(w *world) {
			w.rec.Ledger.Promoted, w.rec.Ledger.OldRead, w.rec.Ledger.Primary = false, false, "east.db"
		}, []string{"the standby took a write (postgres.writable)", "its own word at the end was that it had never left recovery"}},

		"said to be promoted, in recovery": {decided, func(w *world) { w.later(writeOn, 6*sec, recovering) },
			[]string{"the target's log says the standby is promoted 2.985", "the standby was still in recovery (postgres.writable)"}},
		"said to be sent there, is not": {decided, func(w *world) { w.later(dnsOn, 6*sec, elsewhere) },
			[]string{"the target's log says clients are sent to the standby", "the entry point still sent clients elsewhere (dns.answer)"}},
		"answers may be as old as that": {decided, func(w *world) {
			w.later(dnsOn, 6*sec, elsewhere)
			w.rec.Target.Timings.TTLNS = 4 * sec
		}, nil},
	} {
		w := decidedWorld()
		w.objectives(c.asks)
		if c.spoil != nil {
			c.spoil(w)
		}
		f := readDataset(w.rec, w).finding(w.rec.Scenario.Objectives[0])
		doubted := f.Verdict == harness.Inconclusive && strings.HasPrefix(f.Reason, "it: cannot be judged: two witnesses disagree: ")
		if doubted != (c.says != nil) || !doubted && f.Verdict != harness.Pass {
			t.Errorf("%s: %s: %s", name, f.Verdict, f.Reason)
		}
		for _, says := range c.says {
			if !strings.Contains(f.Reason, says) {
				t.Errorf("%s: %q does not say %q", name, f.Reason, says)
			}
		}
		if doubted && !f.Measured.Known {
			t.Errorf("%s: what was measured is gone", name)
		}
	}
}

// A failure that the witnesses contradict is as doubtful as a pass.
func TestWitnessesContradictAFailure(t *testing.T) {
	w := decidedWorld()
	w.objectives(harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", AtMost: "2s"})
	if f := mustJudge(t, w); f.Verdict != harness.Fail {
		t.Fatalf("%s: %s", f.Verdict, f.Reason)
	}
	w.later(dnsOn, 6*sec, elsewhere)
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || !strings.HasPrefix(f.Reason, "INCONCLUSIVE: it: cannot be judged: ") {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
}

func TestBefore(t *testing.T) {
	w := func(lo, hi harness.Stamp) witness { return witness{at: harness.Interval{Lo: lo, Hi: hi}} }
	for _, c := range []struct {
		a, b witness
		want bool
	}{
		{w(10, 20), w(40, 50), false}, // just as far apart as both are wide
		{w(10, 20), w(41, 51), true},
		{w(10, 20), w(15, 50), false},
		{w(41, 51), w(10, 20), false},
		{witness{}, w(41, 51), false},
		{w(10, 20), witness{}, false},
	} {
		if got := c.a.before(c.b); got != c.want {
			t.Errorf("%v before %v: %v", c.a.at, c.b.at, got)
		}
	}
}
