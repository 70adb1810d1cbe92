package harness

import (
	"strings"
	"testing"
	"time"
)

// A bad answer early in a long window is not forgotten, and what was answered before the window does not count.
func TestTheGateKeepsTheWholeWindow(t *testing.T) {
	s := &series{run: ProbeRun{Probe: "replication.heartbeat"}}
	d := &drill{series: []*series{s}}
	answer := func(at Stamp, ok bool, value int64) {
		s.recent.take(Observation{At: Interval{at, at}, OK: ok, Value: value})
	}
	answer(5, false, 0)
	d.openWindow(10)
	answer(9, false, 0) // asked before the window
	if _, ok := s.sinceOpened(); ok {
		t.Error("a window without an answer holds")
	}
	for at := Stamp(10); at < 10_000; at++ {
		answer(at, true, int64(at%7))
	}
	if seen, ok := s.sinceOpened(); !ok || seen.worst != 6 {
		t.Errorf("%+v, %t", seen, ok)
	}
	d.openWindow(20_000)
	answer(20_001, false, 0)
	for at := Stamp(20_002); at < 40_000; at++ {
		answer(at, true, 1)
	}
	if _, ok := s.sinceOpened(); ok {
		t.Error("a bad answer at the begin of a long window is forgotten")
	}
}

// A bound is held by every answer of the window, the least and the greatest.
func TestTheGateHoldsBounds(t *testing.T) {
	s := &series{run: ProbeRun{ID: "lag", Probe: "redis.info", On: "west.cache"}}
	d := &drill{series: []*series{s}}
	d.openWindow(1)
	for at, value := range map[Stamp]int64{2: 3, 3: 9, 4: 5} {
		s.recent.take(Observation{At: Interval{at, at}, OK: true, Value: value, Unit: UnitCount})
	}
	for _, c := range []struct {
		r    Requirement
		says string
	}{
		{Requirement{Probe: "lag", AtMost: "9", AtLeast: "3"}, ""}, {Requirement{Probe: "redis.info", AtMost: "8"}, "probe redis.info on west.cache: 9, want at most 8"},
		{Requirement{Probe: "lag", AtLeast: "4"}, "3, want at least 4"}, {Requirement{Probe: "another", AtLeast: "4"}, ""}, {Requirement{Probe: "lag", AtMost: "1s"}, "want at most 1s"},
	} {
		d.Scenario.SteadyState.Require = []Requirement{c.r}
		if got := d.steadyStateViolation(); (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%+v: %q", c.r, got)
		}
	}
	s.recent.take(Observation{At: Interval{5, 5}, Detail: "status 503"})
	d.Scenario.SteadyState.Require = []Requirement{{Probe: "lag", AtMost: "9"}}
	if got := d.steadyStateViolation(); !strings.Contains(got, noGoodAnswer+" (status 503)") {
		t.Error(got)
	}
	d.openWindow(6)
	s.run.Every = 10 * time.Second
	if got := d.steadyStateViolation(); !strings.Contains(got, noAnswer+": it is asked every 10s") {
		t.Error(got)
	}
}
