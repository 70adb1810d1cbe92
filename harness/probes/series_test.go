package probes

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"blackstart/harness"
)

// scripted answers after given times; with a pace or a span it offers those too.
type scripted struct {
	clock *harness.Clock
	asked int
	takes func(n int) time.Duration
	says  func(n int) harness.Observation
}

func (s *scripted) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{OK: true, Reached: true}
	if s.says != nil {
		o = s.says(s.asked)
	}
	o.Probe, o.On = "test.probe", "x"
	o.At.Lo = s.clock.Now()
	if s.takes != nil {
		time.Sleep(s.takes(s.asked))
	}
	if ctx.Err() != nil {
		o.OK = false
	}
	o.At.Hi = s.clock.Now()
	s.asked++
	return o
}

func (s *scripted) Close() {}

type scriptedPace struct {
	scripted
	keep, pace time.Duration
}

func (s *scriptedPace) KeepEvery() time.Duration { return s.keep }
func (s *scriptedPace) Pace() time.Duration      { return s.pace }

// play runs a probe for some time in a bubble and gives what was kept, as moments since the start.
func play(p harness.Probe, every, lasts time.Duration, clock *harness.Clock) ([]harness.Observation, harness.ProbeSeries) {
	ctx, cancel := context.WithTimeout(context.Background(), lasts)
	defer cancel()
	var kept []harness.Observation
	series := Run(ctx, p, every, clock, func(o harness.Observation) { kept = append(kept, o) })
	return kept, series
}

func starts(kept []harness.Observation, clock *harness.Clock) (at []time.Duration) {
	for _, o := range kept {
		at = append(at, o.At.Lo.Sub(clock.Anchor()))
	}
	return at
}

func TestRunKeepsItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		p := &scripted{clock: clock, takes: func(int) time.Duration { return 3 * time.Millisecond }}
		kept, series := play(p, 100*time.Millisecond, 350*time.Millisecond, clock)
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond}
		if got := starts(kept, clock); !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
		if series.Count != 4 || series.EveryNS != int64(100*time.Millisecond) || series.Probe != "test.probe" || series.On != "x" ||
			series.Ran.Hi.Sub(series.Ran.Lo) != 350*time.Millisecond {
			t.Errorf("series %+v", series)
		}
	})
}

func TestSlowAnswerSkipsTicksAndIsOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		p := &scripted{clock: clock, takes: func(n int) time.Duration {
			if n == 1 {
				return 250 * time.Millisecond
			}
			return 0
		}}
		kept, _ := play(p, 100*time.Millisecond, 550*time.Millisecond, clock)
		want := []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond}
		if got := starts(kept, clock); !slices.Equal(got, want) {
			t.Errorf("asked at %v, want %v", got, want)
		}
	})
}

func TestStoppingIsNotAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		p := &scripted{clock: clock, takes: func(int) time.Duration { return 80 * time.Millisecond }}
		kept, series := play(p, 100*time.Millisecond, 150*time.Millisecond, clock)
		if len(kept) != 2 || !kept[1].OK || series.Ran.Hi.Sub(series.Ran.Lo) != 180*time.Millisecond {
			t.Errorf("kept %+v over %v", kept, series.Ran)
		}
	})
}

func TestThinnedSeriesKeepsBothSidesOfEachChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		p := &scriptedPace{keep: 100 * time.Millisecond, scripted: scripted{clock: clock, says: func(n int) harness.Observation {
			return harness.Observation{OK: n >= 150, Reached: true}
		}}}
		kept, series := play(p, time.Millisecond, 260*time.Millisecond+time.Microsecond, clock)
		var at []time.Duration
		for _, d := range starts(kept, clock) {
			at = append(at, d/time.Millisecond)
		}
		if want := []time.Duration{0, 100, 149, 150, 250, 260}; !slices.Equal(at, want) {
			t.Errorf("kept at %v ms, want %v", at, want)
		}
		if p.asked != 261 || series.Count != len(kept) {
			t.Errorf("asked %d times, counted %d", p.asked, series.Count)
		}
	})
}

func TestProbeMaySlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		p := &scriptedPace{pace: 50 * time.Millisecond, scripted: scripted{clock: clock}}
		if kept, _ := play(p, time.Millisecond, 120*time.Millisecond, clock); len(kept) != 3 {
			t.Errorf("asked %d times, want 3", len(kept))
		}
	})
}
