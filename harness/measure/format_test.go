package measure

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"blackstart/harness"
)

func TestSpan(t *testing.T) {
	for _, c := range []struct {
		lo, hi int64
		want   string
	}{
		{0, 0, "0 s"},
		{4_012_345_678, 4_126_700_001, "4.01–4.13 s"},
		{4_000_000_000, 4_009_500_000, "4.000–4.010 s"},
		{41_234_000_000, 44_000_000_000, "41.2–44.0 s"},
		{1_004_590_410, 1_004_590_530, "1.004–1.005 s"},
		{200_345_678, 204_100_000, "200.3–204.1 ms"},
		{900_000_000, 1_100_000_000, "0.90–1.10 s"},
		{2_345_678, 2_345_678, "2.346 ms"},
		{52_345_678, 52_345_678, "52 ms"},
		{12_345, 12_345, "12 µs"},
		{0, 4_900_000, "0.0–4.9 ms"},
		{5_000_000, 0, "0.0–5.0 ms"},
		{0, 120_000_000_000, "0–120 s"},
		{20_000_000_000, 20_000_000_000, "20 s"},
		{999, 1_999, "0.9–2.0 µs"},
		{3, 999_999_999, "0–1000 ms"},
	} {
		if got := Span(c.lo, c.hi); got != c.want {
			t.Errorf("Span(%d, %d) = %q, want %q", c.lo, c.hi, got, c.want)
		}
	}
}

// Whatever is printed holds what was measured, and is never finer than a hundredth of its width.
func TestSpanHoldsTheInterval(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	units := map[string]float64{"s": 1e9, "ms": 1e6, "µs": 1e3}
	for range 20_000 {
		lo := rng.Int64N(int64(1) << (1 + rng.IntN(45)))
		hi := lo + 1 + rng.Int64N(int64(1)<<(1+rng.IntN(40)))
		text := Span(lo, hi)
		value, unit, _ := strings.Cut(text, " ")
		from, to, found := strings.Cut(value, "–")
		if !found {
			t.Fatalf("Span(%d, %d) = %q shows no width", lo, hi, text)
		}
		a, errA := strconv.ParseFloat(from, 64)
		b, errB := strconv.ParseFloat(to, 64)
		slack := 1e-6 * float64(hi)
		if errA != nil || errB != nil || a*units[unit] > float64(lo)+slack || b*units[unit] < float64(hi)-slack {
			t.Fatalf("Span(%d, %d) = %q does not hold it", lo, hi, text)
		}
		if width := float64(hi - lo); b*units[unit]-a*units[unit] > 1.3*width+2*float64(finest(hi))+3 {
			t.Fatalf("Span(%d, %d) = %q is far wider", lo, hi, text)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	for got, want := range map[string]string{
		AtLeast(41_299_000_000):                 "at least 41.2 s",
		AtLeast(0):                              "at least 0 s",
		Length(20 * sec):                        "20 s",
		Length(900 * sec):                       "15 min",
		Length(3600 * sec):                      "1 h",
		Length(90 * sec):                        "90 s",
		Length(250 * ms):                        "250 ms",
		Length(1500 * ms):                       "1.5 s",
		Length(40_000):                          "40 µs",
		Length(0):                               "0 s",
		Count(0):                                "0",
		Count(999):                              "999",
		Count(1000):                             "1 000",
		Count(10_000_000):                       "10 000 000",
		Count(-1000):                            "-1 000",
		Count(-100):                             "-100",
		Value(harness.Measurement{}):            "not measured",
		Value(bounded(harness.UnitNS, 1, true)): "at least 0 s",
		Value(harness.Measurement{Known: true, Unit: harness.UnitMinor, Lo: 1234, Hi: 1234}):          "12.34",
		Value(harness.Measurement{Known: true, Unit: harness.UnitCount, Lo: 3, Hi: 5}):                "3–5",
		Value(harness.Measurement{Known: true, Unit: harness.UnitCount, Lo: 3, Unbounded: true}):      "at least 3",
		Value(harness.Measurement{Known: true, Unit: harness.UnitNS, Lo: 4012345678, Hi: 4126700001}): "4.01–4.13 s",
		boundText(harness.Measurement{Unit: harness.UnitMinor}, 10_000):                               "100.00",
		boundText(harness.Measurement{Unit: harness.UnitCount}, 10_000):                               "10 000",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func bounded(unit string, lo int64, unbounded bool) harness.Measurement {
	return harness.Measurement{Known: true, Unit: unit, Lo: lo, Hi: lo, Unbounded: unbounded}
}

func TestCompare(t *testing.T) {
	m := func(lo, hi int64) harness.Measurement { return harness.Measurement{Known: true, Lo: lo, Hi: hi} }
	for _, c := range []struct {
		m    harness.Measurement
		want harness.Verdict
	}{
		{m(1, 10), harness.Pass},
		{m(1, 11), harness.Inconclusive},
		{m(10, 12), harness.Inconclusive},
		{m(11, 12), harness.Fail},
		{m(0, 0), harness.Pass},
		{bounded(harness.UnitNS, 11, true), harness.Fail},
		{bounded(harness.UnitNS, 1, true), harness.Inconclusive},
		{harness.Measurement{Lo: 1, Hi: 2}, harness.Inconclusive},
		{m(5, 4), harness.Inconclusive},
		{m(-5, 4), harness.Inconclusive},
	} {
		if got := Compare(c.m, 10); got != c.want {
			t.Errorf("%+v: %s, want %s", c.m, got, c.want)
		}
	}
}

func TestBound(t *testing.T) {
	for _, c := range []struct {
		measure, text string
		want          int64
		bad           bool
	}{
		{MeasureRTO, "15m", 900 * sec, false},
		{MeasureRPOTime, "0s", 0, false},
		{MeasureAlert, "2", 0, true},
		{MeasureRTO, "-1s", 0, true},
		{MeasureRPOLost, "12", 12, false},
		{MeasureRPOLost, "-1", 0, true},
		{MeasureRPOLost, "", 0, true},
		{MeasureRPOValue, "100.00", 10_000, false},
		{MeasureRPOValue, "100", 0, true},
		{"answers.late", "0", 0, true},
	} {
		got, err := Bound(harness.Objective{Measure: c.measure, AtMost: c.text}, harness.Measurement{})
		if (err != nil) != c.bad || got != c.want {
			t.Errorf("%s %q: %d, %v", c.measure, c.text, got, err)
		}
	}
}

func TestUnknownMeasureIsInconclusive(t *testing.T) {
	w := build(usual())
	w.rec.Scenario.Objectives[1].Measure = "answers.late"
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || f.Exit != harness.ExitInconclusive {
		t.Errorf("%s, %d: %s", f.Verdict, f.Exit, f.Reason)
	}
	w = build(usual())
	w.rec.Scenario.Objectives[0].From = "detection"
	if f := mustJudge(t, w); f.Exit != harness.ExitInconclusive {
		t.Errorf("from detection: %s", f.Reason)
	}
}
