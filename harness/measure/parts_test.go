package measure

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// series makes samples due every 10 ms and done 1 ms later, one for each letter: . is good, x is bad.
// trackOf makes a track of samples that are due every 10 ms from 0 on.
func trackOf(samples []loadgen.Sample, timeout, slo int64) cohortSamples {
	c := newColumn(harness.Stream{Freq: 100, PerNS: sec, TimeoutNS: timeout}, slo, func(n int) (loadgen.Sample, error) { return samples[n], nil })
	for _, s := range samples {
		c.add(s)
	}
	return c.all()
}

func series(pattern string) []loadgen.Sample {
	var all []loadgen.Sample
	for n, letter := range pattern {
		s := loadgen.Sample{Seq: uint64(n), Due: int64(n) * 10 * ms, Outcome: loadgen.OK} //nolint:gosec // small
		s.Sent, s.Done = s.Due, s.Due+ms
		if letter == 'x' {
			s.Outcome = loadgen.Reset
		}
		all = append(all, s)
	}
	return all
}

// A good answer before the fault was confirmed can have come by the broken path: it is not T_1.
func TestFirstAnswerIsAfterConfirmation(t *testing.T) {
	edges := trackOf(series("..x.xx..x..."), sec, 0)
	for confirmed, want := range map[int64]Bounds{
		0:        {20 * ms, 31 * ms},
		31 * ms:  {50 * ms, 61 * ms},
		71 * ms:  {80 * ms, 91 * ms},
		900 * ms: {},
	} {
		if got, err := firstAnswer(edges, 2, edges.n, confirmed, byTimeout); got != want || err != nil {
			t.Errorf("confirmed at %d: T_1 %+v, want %+v", confirmed, got, want)
		}
	}
}

func TestWindowsAreAFifthApart(t *testing.T) {
	c := Cohort{Own: trackOf(series(strings.Repeat(".", 100)), sec, 0)}
	c.All = c.Own
	limits := harness.Recovered{Window: harness.Duration(500 * ms), MinRequests: 50, SuccessAtLeast: 1_000_000}
	all := windows(c, limits, 100*ms, 900*ms)
	if len(all) != 4 {
		t.Fatalf("%d windows: %+v", len(all), all)
	}
	for i, w := range all {
		if from := 100*ms + int64(i)*100*ms; w.From != from || w.To != from+500*ms || w.Due != 50 || !w.Good {
			t.Errorf("window %d: %+v", i, w)
		}
	}
	if all := windows(c, harness.Recovered{Window: 5}, 0, 900*ms); all != nil {
		t.Errorf("%d windows of 5 ns", len(all))
	}
}

func TestWindowJudgesThe99thPercentile(t *testing.T) {
	limits := harness.Recovered{Window: harness.Duration(sec), MinRequests: 100, SuccessAtLeast: 900_000, P99AtMost: harness.Duration(100 * ms)}
	samples := series(strings.Repeat(".", 100))
	for slow, good := range []bool{true, true, false} {
		if slow > 0 {
			samples[slow].Done += sec
		}
		own := trackOf(samples, 2*sec, 100*ms)
		if w := judge(Cohort{Own: own, All: own}, limits, 0, sec); w.Good != good {
			t.Errorf("%d slow answers of 100: %+v", slow, w)
		}
	}
	c := Cohort{All: trackOf(samples, 2*sec, 100*ms), Own: trackOf(nil, 2*sec, 100*ms)}
	if w := judge(c, limits, 0, sec); w.Good || !w.Thin {
		t.Errorf("a window without the cohort: %+v", w)
	}
}

func TestDivergenceIsOfThePrimaryRegion(t *testing.T) {
	lost := func(place loadgen.Place, done int64) Attempt {
		return Attempt{Attempt: loadgen.Attempt{Outcome: loadgen.AttemptOK, Place: place, Done: done, Amount: 5}}
	}
	l := LossOf(slices.Values([]Attempt{
		lost(7, 200), lost(3, 90), lost(3, 150), lost(2, 160),
	}), 100, func(p loadgen.Place) bool { return p == 3 })
	if l.Lost != 4 || l.Diverged != 1 || l.Value != 5 || l.LastAck != (Bounds{150, 150}) {
		t.Errorf("%+v", l)
	}
}

func TestEarlyAlert(t *testing.T) {
	w := build(usual())
	w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "slack", At: at(faultLo - ms), Nonce: true})
	if f := mustJudge(t, w); !strings.Contains(f.Reason, "was not silent") {
		t.Errorf("between baseline and fault: %s", f.Reason)
	}
	w = build(usual())
	w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "slack", At: at(baseFrom + sec)})
	if f := mustJudge(t, w); f.Verdict != harness.Pass {
		t.Errorf("somebody else's message: %s", f.Reason)
	}
}

// Whose edges a metronome times: those of its own place, and of the cohort it stands for.
func TestMetronomeStandsForItsCohort(t *testing.T) {
	for _, c := range []struct {
		name, cohort string
		place        int
		cohorts      []string
		want         bool
	}{
		{"fresh", "fresh", atOutside, nil, true},
		{"pooled", "pooled", atOutside, nil, false},
		{"elsewhere", "fresh", atStandby, nil, false},
		{"named", "pooled", atOutside, []string{"pooled"}, true},
		{"named for others", "fresh", atOutside, []string{"pooled"}, false},
	} {
		w := build(usual())
		w.rec.Streams[1].Place, w.rec.Streams[1].Cohorts = c.place, c.cohorts
		d := readDataset(w.rec, w)
		got, err := d.cohort(fileQueries, c.cohort)
		if err != nil || got.Metronome != c.want {
			t.Errorf("%s: metronome %v, want %v (%v)", c.name, got.Metronome, c.want, err)
		}
		if len(got.Files) != 1 && !c.want {
			t.Errorf("%s: files %v", c.name, got.Files)
		}
	}
}

func TestNothingAcknowledgedIsNoZero(t *testing.T) {
	w := build(usual())
	for i := range w.attempts[idLedger] {
		w.attempts[idLedger][i].Outcome = loadgen.AttemptUnknown
	}
	f := mustJudge(t, w)
	for _, o := range f.Objectives[1:3] {
		if o.Verdict != harness.Inconclusive || o.Measured.Known {
			t.Errorf("%s: %+v", o.Objective.ID, o)
		}
	}
}

// Steady is used live, too: requests still out are missing, of which a twentieth may be.
func TestSteadyLive(t *testing.T) {
	w := build(usual())
	d := readDataset(w.rec, w)
	window := harness.Interval{Lo: at(2 * sec), Hi: at(12 * sec)}
	require := w.rec.Scenario.SteadyState.Require[:1]
	for missing, want := range map[int]bool{0: true, 90: true, 110: false, 2000: false} {
		n, _ := d.series[0].samples.between(12*sec, 12*sec)
		live := build(usual())
		live.samples[idQueries] = live.samples[idQueries][:n-missing]
		s := d.readSeries(live.rec.Streams[0], live)
		if got := Steady(require, []Series{s}, nil, worldAnchor, window); len(got) != 1 || got[0].OK != want {
			t.Errorf("%d of 2000 missing: %+v", missing, got)
		}
	}
	probe := harness.Requirement{Probe: "replication.heartbeat", AgeAtMost: harness.Duration(sec)}
	if got := Steady([]harness.Requirement{probe}, nil, d.probes, worldAnchor, window); !got[0].OK {
		t.Errorf("%+v", got)
	}
	late := d.probes[0]
	late.Each = slices.Values(slices.Collect(late.Each)[30:])
	if got := Steady([]harness.Requirement{probe}, nil, []Answers{late}, worldAnchor, window); got[0].OK {
		t.Errorf("a probe silent for most of the window: %+v", got)
	}
}

// A null drill whose windows hold may still miss the share of the steady state.
func TestNullDrillDemandsTheSteadyShare(t *testing.T) {
	w := build(truth{null: true})
	for i := range w.samples[idQueries] {
		if s := &w.samples[idQueries][i]; i%200 == 0 && s.Due > baseTo {
			s.Outcome = loadgen.HTTP5xx
		}
	}
	if f := mustJudge(t, w); f.Verdict != harness.Fail || !strings.Contains(f.Reason, "due requests OK") {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
}
