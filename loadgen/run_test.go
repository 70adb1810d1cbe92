package loadgen

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// start runs op on the fake clock of a synctest bubble and returns the samples.
func openSamples(t *testing.T, c Clock) (*SampleWriter, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.bin")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	w, err := NewSampleWriter(f, Header{Stream: 7, Anchor: c.Anchor.UnixNano()})
	if err != nil {
		t.Fatal(err)
	}
	return w, path
}

func readBack(t *testing.T, path string) []Sample {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, samples, err := ReadSamples(f)
	if err != nil {
		t.Fatalf("read back: %v", err)
	}
	if h.Stream != 7 || h.Count != uint64(len(samples)) {
		t.Fatalf("header %+v for %d samples", h, len(samples))
	}
	return samples
}

func sleepOp(d time.Duration) OpFunc {
	return func(ctx context.Context, _ Slot) Result {
		time.Sleep(d)
		return Result{Outcome: OK, Cohort: 1, Status: 200}
	}
}

func TestRunRecordsEveryDueRequestOnTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, path := openSamples(t, clock)
		sched := Schedule{Start: int64(50 * time.Millisecond), Freq: 3000, Per: time.Second}
		r, err := Start(t.Context(), Config{
			Clock: clock, Schedule: sched, Op: sleepOp(7 * time.Millisecond), Timeout: time.Second, Samples: w,
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Second + 50*time.Millisecond)
		live := r.Live()
		r.Stop()
		r.Stop()
		stats, err := r.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if stats.Due < 6000 || stats.Due > 6001 || stats.Due != sched.Count(stats.Stopped) || !stats.Closed {
			t.Fatalf("stats %+v", stats)
		}
		samples := readBack(t, path)
		if uint64(len(samples)) != stats.Due || stats.Sent != stats.Due || stats.PeakWorkers > 40 {
			t.Fatalf("%d samples, stats %+v", len(samples), stats)
		}
		for i, s := range samples {
			if s.Due != sched.Due(uint64(i)) || s.Outcome != OK || s.Latency() < int64(7*time.Millisecond) ||
				s.Latency() > int64(9*time.Millisecond) || s.Cohort != 1 || s.Status != 200 {
				t.Fatalf("sample %+v", s)
			}
		}
		if live.Success != 1 || live.P99 < 6900*time.Microsecond || live.P99 > 9*time.Millisecond ||
			live.Rate < 2700 || live.Rate > 3100 || len(live.Cohorts) != 1 || live.Cohorts[0].Cohort != 1 {
			t.Fatalf("live %+v", live)
		}
	})
}

func TestStallShowsInLatencyFromDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, path := openSamples(t, clock)
		from, to := int64(time.Second), int64(3*time.Second)
		op := OpFunc(func(_ context.Context, s Slot) Result {
			if now := clock.Now(); now >= from && now < to {
				time.Sleep(time.Duration(to - now))
			}
			return Result{Outcome: OK}
		})
		// Four workers cannot hold the stall: the rest waits in the schedule.
		stats, err := Do(t.Context(), Config{
			Clock: clock, Schedule: Every(100, 0), Op: op, Timeout: 5 * time.Second, Workers: 4,
			Slots: 500, Samples: w,
		})
		if err != nil || stats.Unsent != 0 || stats.PeakWorkers != 4 {
			t.Fatalf("%+v, %v", stats, err)
		}
		for _, s := range readBack(t, path) {
			want := int64(0)
			if s.Due >= from && s.Due < to {
				want = to - s.Due
			}
			if d := s.Latency() - want; d < 0 || d > int64(2*time.Millisecond) {
				t.Fatalf("request %d: latency %d, ideal %d", s.Seq, s.Latency(), want)
			}
		}
	})
}

func TestSaturatedPoolRecordsUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, path := openSamples(t, clock)
		stats, err := Do(t.Context(), Config{
			Clock: clock, Schedule: Every(100, 0), Op: sleepOp(time.Second), Timeout: time.Second, Workers: 10,
			Slots: 1000, Samples: w,
		})
		if err != nil {
			t.Fatal(err)
		}
		samples := readBack(t, path)
		if len(samples) != 1000 || stats.Unsent == 0 || stats.OK+stats.Unsent != 1000 || stats.PeakWorkers != 10 {
			t.Fatalf("%d samples, %+v", len(samples), stats)
		}
		if share := float64(stats.Sent) / float64(stats.Due); share < 0.09 || share > 0.15 {
			t.Fatalf("offered share %f", share)
		}
		for _, s := range samples {
			if s.Outcome == OK && s.Sent-s.Due > int64(time.Second) {
				t.Fatalf("sent though overdue by more than the timeout: %+v", s)
			}
		}
	})
}

func TestStopRecordsWhatWasDueButNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, path := openSamples(t, clock)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Start(ctx, Config{
			Clock: clock, Schedule: Every(10, 0), Op: sleepOp(3 * time.Second), Timeout: 5 * time.Second,
			Workers: 1, Samples: w,
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1050 * time.Millisecond)
		cancel()
		stats, err := r.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if samples := readBack(t, path); len(samples) != 11 || stats.Unsent != 10 || stats.OK != 1 {
			t.Fatalf("%d samples, %+v", len(samples), stats)
		}
	})
}

func TestRateZeroOffersNothingAndCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, path := openSamples(t, clock)
		r, err := Start(t.Context(), Config{Clock: clock, Op: sleepOp(0), Samples: w})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r.Stop()
		stats, err := r.Wait()
		if err != nil || stats.Due != 0 || !stats.Closed || stats.Sent != 0 {
			t.Fatalf("%+v, %v", stats, err)
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) != HeaderSize {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	})
}

func TestOpThatOverrunsIsCountedAndCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		var cancelled atomic.Bool
		op := OpFunc(func(ctx context.Context, _ Slot) Result {
			<-ctx.Done()
			cancelled.Store(true)
			return Result{}
		})
		stats, err := Do(t.Context(), Config{Clock: clock, Schedule: Every(1, 0), Op: op, Timeout: time.Second, Slots: 1})
		if err != nil || !cancelled.Load() || stats.Outcomes[Other] != 1 {
			t.Fatalf("%+v, %v", stats, err)
		}
	})
}

// failingFile fails each write after the header.
type failingFile struct{ writes int }

var errDisk = errors.New("no space left on device")

func (f *failingFile) Write(b []byte) (int, error) {
	if f.writes++; f.writes > 1 {
		return 0, errDisk
	}
	return len(b), nil
}

func (f *failingFile) Seek(int64, int) (int64, error) { return 0, nil }

func TestFileErrorStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := NewClock()
		w, err := NewSampleWriter(&failingFile{}, Header{})
		if err != nil {
			t.Fatal(err)
		}
		stats, err := Do(t.Context(), Config{Clock: clock, Schedule: Every(100, 0), Op: sleepOp(0), Samples: w})
		if !errors.Is(err, errDisk) || stats.Closed {
			t.Fatalf("%+v, %v", stats, err)
		}
	})
}

func TestStartRefusesAPlanThatCannotBeKept(t *testing.T) {
	clock := NewClock()
	for name, cfg := range map[string]Config{
		"no op":         {Clock: clock},
		"no clock":      {Op: sleepOp(0)},
		"no time":       {Clock: clock, Op: sleepOp(0), Schedule: Schedule{Freq: 1}},
		"negative rate": {Clock: clock, Op: sleepOp(0), Schedule: Every(-1, 0)},
		"too fast":      {Clock: clock, Op: sleepOp(0), Schedule: Every(MaxRate+1, 0)},
		"many workers":  {Clock: clock, Op: sleepOp(0), Workers: MaxWorkers + 1},
		"long timeout":  {Clock: clock, Op: sleepOp(0), Schedule: Every(8000, 0), Timeout: time.Minute},
		"negative wait": {Clock: clock, Op: sleepOp(0), Timeout: -1},
	} {
		if _, err := Start(t.Context(), cfg); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}
