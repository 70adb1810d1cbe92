package harness

import "testing"

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
