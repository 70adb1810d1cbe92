package loadgen

import (
	"math"
	"testing"
	"time"
)

func TestDueAndCountAgree(t *testing.T) {
	for _, s := range []Schedule{
		Every(1, 0), Every(3000, 12345), Every(8000, 1), Every(7, 99), {Freq: 3, Per: 7}, {Start: 5, Freq: 1, Per: time.Hour},
		{Start: 3, Freq: 11, Per: time.Minute},
	} {
		for _, n := range []uint64{0, 1, 2, 3, 1000, 2999, 3000, 1e9} {
			due := s.Due(n)
			if due == math.MaxInt64 {
				continue // beyond the clock
			}
			want := s.Start + int64(float64(n)*float64(s.Per)/float64(s.Freq))
			if d := due - want; n < 1e6 && (d > 1 || d < -1) {
				t.Errorf("%+v: request %d due at %d, want %d", s, n, due, want)
			}
			if s.Count(due) < n+1 || (s.Due(n+1) > due && s.Count(due) != n+1) {
				t.Errorf("%+v: %d due at %d, which is request %d", s, s.Count(due), due, n)
			}
			if due > s.Start && s.Count(due-1) > n {
				t.Errorf("%+v: request %d is due before its time", s, n)
			}
		}
	}
	if got := Every(3000, 0).Due(1); got != 333333 {
		t.Errorf("floor: %d", got)
	}
	if got := Every(3000, 0).Due(3); got != 1000000 {
		t.Errorf("no drift: %d", got)
	}
}

func TestScheduleAtItsEnds(t *testing.T) {
	if Every(0, 5).Count(math.MaxInt64) != 0 || Every(0, 5).Due(0) != math.MaxInt64 || Every(0, 5).PerSecond() != 0 {
		t.Error("rate 0 offers something")
	}
	if Every(10, 100).Count(99) != 0 || Every(10, 100).Count(100) != 1 {
		t.Error("wrong start")
	}
	if got := (Schedule{Freq: 1, Per: math.MaxInt64}).Due(math.MaxUint64); got != math.MaxInt64 {
		t.Errorf("overflow: %d", got)
	}
	if got := Every(1, math.MaxInt64).Due(1); got != math.MaxInt64 {
		t.Errorf("overflow of the start: %d", got)
	}
	if _, stop := Every(0, 0).Pace(0, 0); !stop {
		t.Error("rate 0 does not stop vegeta")
	}
	if wait, stop := Every(4, 1000).Pace(100*time.Millisecond, 1); stop || wait != 150*time.Millisecond || Every(4, 0).Rate(0) != 4 {
		t.Errorf("pace %s", wait)
	}
}

func TestWorkersFor(t *testing.T) {
	if got := WorkersFor(Every(100, 0), time.Second); got != 125+spareWorkers {
		t.Error(got)
	}
	if got := WorkersFor(Every(MaxRate, 0), time.Hour); got != MaxWorkers {
		t.Error(got)
	}
}

func TestClockCountsFromItsAnchor(t *testing.T) {
	anchor := time.Now()
	c := ClockFrom(anchor)
	if a, b := c.Now(), c.Now(); a < 0 || b < a || !c.Anchor.Equal(anchor) || c.Anchor.Location() != time.UTC {
		t.Errorf("%d, %d, %s", a, b, c.Anchor)
	}
}
