// Package kernelclock asks the kernel what it thinks of its own clock.
//
// It is for stating in the record how far wall-clock times can be trusted. It only reads: it never sets, steps or slews a
// clock, and it never judges the reading. Linux only.
package kernelclock

import (
	"time"

	"blackstart/harness"

	"golang.org/x/sys/unix"
)

// unknownState is the state of a reading that the kernel refused to give or that has no name.
const unknownState = "error"

var stateNames = map[int]string{
	unix.TIME_OK:    "ok",
	unix.TIME_INS:   "insert",
	unix.TIME_DEL:   "delete",
	unix.TIME_OOP:   "oops",
	unix.TIME_WAIT:  "wait",
	unix.TIME_ERROR: unknownState,
}

// Read gives the kernel's opinion (adjtimex) at the edge of a phase, and how far the wall clock has moved against the
// drill's clock since that was anchored. A kernel that does not answer gives state "error", not synchronised.
func Read(phase string, clock *harness.Clock) harness.ClockReading {
	before := clock.Now()
	wall := time.Now().UnixNano()
	after := clock.Now()
	between := before + (after-before)/2
	r := harness.ClockReading{At: between, Phase: phase, State: unknownState, WallMinusNS: wall - int64(between)}
	var t unix.Timex // no modes: read only
	state, err := unix.Adjtimex(&t)
	return withOpinion(r, state, t, err)
}

// withOpinion adds what adjtimex answered to a reading.
func withOpinion(r harness.ClockReading, state int, t unix.Timex, err error) harness.ClockReading {
	if err != nil {
		return r
	}
	if name, ok := stateNames[state]; ok {
		r.State = name
	}
	r.Synchronised = state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0
	r.MaxErrorUS, r.EstErrorUS = int64(t.Maxerror), int64(t.Esterror)
	return r
}

// sleptTries is how often the clocks are read to find two readings with little between them.
const sleptTries = 5

// Slept is for how long this machine has slept since it was started: the clock that goes on meanwhile (CLOCK_BOOTTIME) minus the one
// that stands still (CLOCK_MONOTONIC), to a millisecond unless the machine is very busy. A virtual machine that was paused, and whose
// kernel was not told, has not slept by this. 0 where the kernel does not say.
func Slept() (slept time.Duration) {
	for range sleptTries {
		var before, on, after unix.Timespec
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &before) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &on) != nil ||
			unix.ClockGettime(unix.CLOCK_MONOTONIC, &after) != nil {
			return 0
		}
		if slept = time.Duration(on.Nano() - before.Nano()); after.Nano()-before.Nano() < int64(time.Millisecond) {
			return slept
		}
	}
	return slept
}
