package measure

import (
	"testing"

	"blackstart/harness"
)

// A moment of the target's own log is bounded by what the readings of its clock say, and by the file's bound where they do not say enough.
func TestMomentsOnAClockOfTheTarget(t *testing.T) {
	read := func(of, phase string, lo, hi int64, detail string) harness.TargetClock {
		return harness.TargetClock{Of: of, Phase: phase, Offset: harness.Offset{Lo: lo, Hi: hi}, Detail: detail}
	}
	first, last := read("host db", harness.ActPlan, 100, 120, ""), read("host db", harness.ActStop, 90, 110, "")
	for name, c := range map[string]struct {
		clock  string
		all    []harness.TargetClock
		lo, hi harness.Stamp
	}{
		"by its readings":       {"host db", []harness.TargetClock{first, read("host db", "watch", 130, 140, ""), last, read("x", "watch", 0, 999, "")}, 10_000 - 140, 10_000 - 90},
		"a reading that failed": {"host db", []harness.TargetClock{first, read("host db", "watch", 0, 0, "gone"), last}, 10_000 - 120, 10_000 - 90},
		"no last reading":       {"host db", []harness.TargetClock{first, read("host db", harness.ActStop, 0, 0, "gone")}, 10_000 - 5 - 500, 10_000 + 5 + 500},
		"no first reading":      {"host db", []harness.TargetClock{last}, 10_000 - 5 - 500, 10_000 + 5 + 500},
		"of another":            {"host api", []harness.TargetClock{first, last}, 10_000 - 5 - 500, 10_000 + 5 + 500},
		"nobody says whose":     {"", []harness.TargetClock{read("", harness.ActPlan, 1, 2, ""), read("", harness.ActStop, 1, 2, "")}, 10_000 - 5 - 500, 10_000 + 5 + 500},
	} {
		d := &dataset{rec: &harness.Record{TargetClocks: c.all, Target: harness.Description{Decisions: &harness.DecisionLog{ClockNS: 500, Clock: c.clock}}}}
		d.wall = harness.Interval{Lo: -5, Hi: 5}
		if got := d.onDrillClock(10_000); got != (harness.Interval{Lo: c.lo, Hi: c.hi}) {
			t.Errorf("%s: %+v, want %d to %d", name, got, c.lo, c.hi)
		}
	}
}
