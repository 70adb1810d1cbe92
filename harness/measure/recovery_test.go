package measure

import (
	"math/rand/v2"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// seeing judges one cohort of a world.
func seeing(t *testing.T, w *world, cohort string) Outage {
	t.Helper()
	d := readDataset(w.rec, w)
	s := d.cohortOutage(fileQueries, cohort, d.tf)
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.outage
}

// Every edge that is found must hold the truth between its bounds, whatever the outage: 50 random ones, a metronome of
// 100/s, bounds no wider than 1/rate + response time.
func TestEdgesHoldTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(50, 1))
	for i := range 50 {
		from := faultLo + rng.Int64N(15*ms)
		to := from + 100*ms + rng.Int64N(25*sec)
		o := seeing(t, build(truth{down: map[string][]outage{"": {{from, to}}}, seed: uint64(i)}), "fresh") //nolint:gosec // small
		if !o.Recovered || o.ByOwn {
			t.Fatalf("outage %d–%d: %+v", from, to, o)
		}
		if o.Restored.Lo > to || o.Restored.Hi < to {
			t.Errorf("restored at %d, bounds %+v", to, o.Restored)
		}
		if o.Impact.Lo > from || o.Impact.Hi < from {
			t.Errorf("impact at %d, bounds %+v", from, o.Impact)
		}
		if o.First.Lo > to || o.First.Hi < to {
			t.Errorf("first answer at %d, bounds %+v", to, o.First)
		}
		if width := o.Restored.Hi - o.Restored.Lo; width > 10*ms+6*ms {
			t.Errorf("edge is %d ns wide", width)
		}
	}
}

func TestRelapseMovesTheEnd(t *testing.T) {
	relapse := faultLo + 20*sec
	tr := usual()
	tr.down[""] = append(tr.down[""], outage{relapse, relapse + 800*ms})
	o := seeing(t, build(tr), "fresh")
	if end := relapse + 800*ms; !o.Recovered || o.Restored.Lo > end || o.Restored.Hi < end {
		t.Errorf("restored %+v, want it to hold %d", o.Restored, end)
	}
	if first := faultLo + 4070*ms; o.First.Lo > first || o.First.Hi < first {
		t.Errorf("first answer %+v, want it to hold %d", o.First, first)
	}
}

func TestLateRelapseIsNoRecovery(t *testing.T) {
	tr := usual()
	tr.down[""] = append(tr.down[""], outage{watchTo - 3*sec, watchTo - 2*sec})
	f := mustJudge(t, build(tr))
	if f.Verdict != harness.Fail || !strings.Contains(f.Reason, "not recovered") {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
	if m := f.Objectives[0].Measured; !strings.Contains(m.Detail, "no window of 5 s fits") || !strings.Contains(m.Detail, "42.9") {
		t.Errorf("detail %q", m.Detail)
	}
}

func TestCohortsDiffer(t *testing.T) {
	tr := usual()
	pooled, stale := faultLo+9*sec, faultLo+16*sec
	tr.down["pooled"] = []outage{{faultLo, pooled}}
	tr.down["stale-resolver"] = []outage{{faultLo, stale}}
	w := build(tr)
	fresh := seeing(t, w, "fresh")
	if fresh.ByOwn || fresh.Restored.Hi > faultLo+4100*ms {
		t.Errorf("fresh: %+v", fresh)
	}
	for name, end := range map[string]int64{"pooled": pooled, "stale-resolver": stale} {
		o := seeing(t, w, name)
		if !o.ByOwn || !o.Recovered || o.Restored.Lo > end || o.Restored.Hi < end {
			t.Errorf("%s: %+v, want it to hold %d", name, o, end)
		}
		if width := o.Restored.Hi - o.Restored.Lo; width > 15*ms+6*ms {
			t.Errorf("%s: edge is %d ns wide, its requests are due every 15 ms", name, width)
		}
	}
}

// The metronome is well again, the cohort is not: its windows move the end.
func TestWindowsMoveTheEnd(t *testing.T) {
	tr := usual()
	w := build(tr)
	end := faultLo + 8*sec
	for i := range w.samples[idQueries] {
		s := &w.samples[idQueries][i]
		if s.Cohort == 0 && s.Due > faultLo && s.Sent < end {
			s.Outcome, s.Done = loadgen.HTTP5xx, s.Sent+2*ms
		}
	}
	o := seeing(t, w, "fresh")
	if !o.Recovered || !o.ByOwn || o.Restored.Lo > end || o.Restored.Hi < end {
		t.Errorf("%+v, want it to hold %d", o, end)
	}
}

// Answers that come, but late from their due time, are no service: a client that stamps when it sends would see nothing.
func TestCoordinatedOmission(t *testing.T) {
	w := build(truth{})
	stall := outage{faultLo + sec, faultLo + 7*sec}
	for _, id := range []int{idQueries, idEdge} {
		for i := range w.samples[id] {
			s := &w.samples[id][i]
			if s.Due >= stall.from && s.Due < stall.to {
				s.Sent = stall.to + (s.Due-stall.from)/50 // sent late, answered in a millisecond
				s.Done = s.Sent + ms
			}
		}
	}
	o := seeing(t, w, "fresh")
	if o.Impact.Never() || !o.Recovered {
		t.Fatalf("the stall was not seen: %+v", o)
	}
	if o.Restored.Hi < stall.to-500*ms {
		t.Errorf("restored %+v, while answers were late until %d", o.Restored, stall.to)
	}
}

func TestSlownessIsAnImpact(t *testing.T) {
	slow := outage{faultLo + sec, faultLo + 6*sec}
	o := seeing(t, build(truth{slow: []outage{slow}, slowBy: 900 * ms}), "fresh")
	if o.Impact.Never() || !o.Recovered {
		t.Fatalf("%+v", o)
	}
	if o.Restored.Lo > slow.to || o.Restored.Hi < slow.to-15*ms {
		t.Errorf("restored %+v, slow until %d", o.Restored, slow.to)
	}
}

func TestThinWindowsAreNotJudged(t *testing.T) {
	w := build(usual())
	w.rec.Scenario.Recovered.MinRequests = 1001 // a window of 5 s holds 1 000
	o := seeing(t, w, "fresh")
	if o.Recovered || o.Thin == "" {
		t.Errorf("%+v", o)
	}
	if f := mustJudge(t, w); f.Exit != harness.ExitInconclusive {
		t.Errorf("%d: %s", f.Exit, f.Reason)
	}
}

func TestUnsentIsBad(t *testing.T) {
	w := build(truth{})
	for i := range w.samples[idEdge] {
		s := &w.samples[idEdge][i]
		if s.Due > faultLo+sec && s.Due < faultLo+2*sec {
			s.Outcome, s.Sent, s.Done = loadgen.Unsent, loadgen.Never, loadgen.Never
		}
	}
	o := seeing(t, w, "fresh")
	if o.Impact.Never() || o.Restored.Lo < faultLo+sec {
		t.Errorf("%+v", o)
	}
}

func TestFromDeclaration(t *testing.T) {
	w := build(usual())
	w.rec.Scenario.Objectives[0].From = "declaration"
	w.rec.Clock[1].WallMinusNS, w.rec.Clock[2].WallMinusNS = 3*ms, -2*ms
	f := mustJudge(t, w)
	m := f.Objectives[0].Measured
	truth := int64(4070-2950) * ms
	if !m.Known || m.Lo > truth-3*ms || m.Hi < truth+2*ms || m.Hi-m.Lo > 25*ms {
		t.Errorf("[%d, %d], truth %d give or take the clock's 5 ms", m.Lo, m.Hi, truth)
	}
	w.rec.Decisions = nil
	if f := mustJudge(t, w); f.Exit != harness.ExitInconclusive {
		t.Errorf("no declaration: exit %d, %s", f.Exit, f.Reason)
	}
}

func TestLostService(t *testing.T) {
	var all []loadgen.Sample
	for n := range int64(1000) {
		s := loadgen.Sample{Due: n * 10 * ms, Sent: n * 10 * ms, Done: n*10*ms + ms, Outcome: loadgen.OK}
		if n >= 100 && n < 300 {
			s.Outcome = loadgen.Timeout
		}
		if n == 500 {
			s.Done += sec
		}
		all = append(all, s)
	}
	own := trackOf(all, 2*sec, 500*ms)
	lost, ns := lostService(own, 0, 10*sec)
	if lost != 201 || ns != 2010*ms {
		t.Errorf("lost %d requests, %d ns of service; want 201 and 2.01 s", lost, ns)
	}
	if n := brownout(own, 2990*ms, 10*sec); n != 1 {
		t.Errorf("brown-out %d, want 1", n)
	}
	if lost, ns := lostService(trackOf(nil, 0, 0), 0, sec); lost != 0 || ns != 0 {
		t.Errorf("nothing due: %d, %d", lost, ns)
	}
}

func TestRankIsNearest(t *testing.T) {
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(100 - i)
	}
	for _, c := range []struct {
		values []int64
		want   int64
	}{{nil, loadgen.Never}, {[]int64{7}, 7}, {hundred, 99}, {append([]int64{1000}, hundred...), 100}} {
		q := &quantile{}
		for _, v := range c.values {
			q.add(v)
		}
		p := q.find(99)
		for _, v := range c.values {
			p.add(v)
		}
		if got := p.value(); got != c.want {
			t.Errorf("p99 of %d values is %d, want %d", len(c.values), got, c.want)
		}
	}
}

func TestCohortMustBeNamed(t *testing.T) {
	w := build(usual())
	d := readDataset(w.rec, w)
	for load, cohort := range map[string]string{fileQueries: "", "nothing": "fresh", fileEdge: "nobody's"} {
		if load == fileEdge {
			w.rec.Scenario.Load[1].With = nil
			d.series[1].Stream.Cohorts = []string{"fresh"}
		}
		if s := d.cohortOutage(load, cohort, d.tf); s.err == nil {
			t.Errorf("load %q cohort %q was judged: %+v", load, cohort, s.outage)
		}
	}
}
