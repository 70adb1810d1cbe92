package kernelclock

import (
	"testing"
	"time"

	"blackstart/harness"

	"golang.org/x/sys/unix"
)

func TestReadIsOnTheDrillsClock(t *testing.T) {
	clock := harness.NewClock()
	before := clock.Now()
	r := Read("baseline", clock)
	after := clock.Now()
	if r.At < before || r.At > after {
		t.Errorf("read at %v, outside [%v, %v]", r.At, before, after)
	}
	if r.Phase != "baseline" || r.State == "" {
		t.Errorf("reading %+v lacks its phase or state", r)
	}
	if drift := time.Duration(r.WallMinusNS).Abs(); drift > time.Minute {
		t.Errorf("wall clock is %v away from a clock just anchored to it", drift)
	}
}

func TestOpinion(t *testing.T) {
	for _, tc := range []struct {
		name   string
		state  int
		status int32
		err    error
		want   string
		synced bool
	}{
		{"disciplined", unix.TIME_OK, unix.STA_PLL, nil, "ok", true},
		{"leap second ahead", unix.TIME_INS, unix.STA_PLL, nil, "insert", true},
		{"unsynchronised by status", unix.TIME_OK, unix.STA_UNSYNC, nil, "ok", false},
		{"unsynchronised by state", unix.TIME_ERROR, 0, nil, "error", false},
		{"state without a name", 99, unix.STA_UNSYNC, nil, "error", false},
		{"refused", unix.TIME_OK, 0, unix.EPERM, "error", false},
	} {
		got := withOpinion(harness.ClockReading{State: unknownState}, tc.state, unix.Timex{Status: tc.status, Maxerror: 7, Esterror: 3}, tc.err)
		if got.State != tc.want || got.Synchronised != tc.synced {
			t.Errorf("%s: state %q synchronised %v, want %q %v", tc.name, got.State, got.Synchronised, tc.want, tc.synced)
		}
		if tc.err == nil && (got.MaxErrorUS != 7 || got.EstErrorUS != 3) {
			t.Errorf("%s: errors %d and %d µs, want 7 and 3", tc.name, got.MaxErrorUS, got.EstErrorUS)
		}
	}
}

// Nothing sleeps while this test runs: however often it is asked, a machine has slept for as long as before.
func TestAMachineThatIsAwakeDoesNotSleep(t *testing.T) {
	first := Slept()
	for range 1000 {
		if again := Slept(); (again - first).Abs() > 10*time.Millisecond {
			t.Fatalf("slept %s, then %s", first, again)
		}
	}
}
