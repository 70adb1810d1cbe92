package probes

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
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

func TestFileRoundTrip(t *testing.T) {
	all := []harness.Observation{
		{Probe: "http.health", On: "west.api", At: harness.Interval{Lo: 1_700_000_000_123_456_789, Hi: 1_700_000_000_223_456_789},
			Reached: true, OK: true, Value: 1, Unit: "bool", Detail: "status <200> →"},
		{Probe: "dns.answer", Value: -1, Unit: "count"},
	}
	var file bytes.Buffer
	for _, o := range all {
		if err := Write(&file, o); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(file.String(), `"lo":"2023-11-14T22:13:20.123456789Z"`) {
		t.Errorf("moments are not written with nine decimals: %s", &file)
	}
	got, err := Read(bytes.NewReader(file.Bytes()))
	if err != nil || !slices.Equal(got, all) {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err := Read(strings.NewReader("")); err != nil || len(got) != 0 {
		t.Errorf("an empty file gives %v, %v", got, err)
	}
}

func TestReadIsStrict(t *testing.T) {
	var good bytes.Buffer
	if err := Write(&good, harness.Observation{Probe: "p", At: harness.Interval{Lo: 1, Hi: 2}}); err != nil {
		t.Fatal(err)
	}
	line := good.String()
	for name, text := range map[string]string{
		"no line feed":   line[:len(line)-1],
		"empty line":     "\n",
		"carriage":       line[:len(line)-1] + "\r\n",
		"space":          " " + line,
		"unknown key":    strings.Replace(line, `{`, `{"extra":1,`, 1),
		"missing key":    strings.Replace(line, `"ok":false,`, ``, 1),
		"key twice":      strings.Replace(line, `"ok":false`, `"ok":true,"ok":false`, 1),
		"key case":       strings.Replace(line, `"ok"`, `"OK"`, 1),
		"eight decimals": strings.Replace(line, `000000001Z`, `00000001Z`, 1),
		"not JSON":       "x\n",
		"too long":       strings.Replace(line, `"p"`, `"`+strings.Repeat("p", MaxLine)+`"`, 1),
	} {
		if _, err := Read(strings.NewReader(line + text)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: got %v, want an error about line 2", name, err)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWriteTellsOfItsFailure(t *testing.T) {
	if err := Write(fullDisk{}, harness.Observation{}); err == nil {
		t.Error("a full disk went unnoticed")
	}
	if err := Write(&bytes.Buffer{}, harness.Observation{Detail: strings.Repeat("d", MaxLine)}); err == nil {
		t.Error("a line that cannot be read back was written")
	}
}

// FuzzRead reads foreign bytes: what is read is written back to the same bytes.
func FuzzRead(f *testing.F) {
	var good bytes.Buffer
	_ = Write(&good, harness.Observation{Probe: "p", At: harness.Interval{Lo: 1, Hi: 2}, Detail: "d"})
	f.Add(good.Bytes())
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		all, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		var back bytes.Buffer
		for _, o := range all {
			if err := Write(&back, o); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(back.Bytes(), file) {
			t.Errorf("read %q and wrote %q", file, back.Bytes())
		}
	})
}
