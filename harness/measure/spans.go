package measure

import (
	"math/bits"
	"slices"

	"blackstart/harness"
)

// span is the time from b to a, both intervals of one clock: [a.Lo − b.Hi, a.Hi − b.Lo], never below 0. It is not ok if a
// is certainly before b.
func span(a, b harness.Interval) (lo, hi int64, ok bool) {
	lo, hi = int64(a.Lo-b.Hi), int64(a.Hi-b.Lo)
	return max(0, lo), max(0, hi), hi >= 0
}

// stamps turns bounds in ns since the anchor into an interval.
func (d *dataset) stamps(b Bounds) harness.Interval {
	if b.Never() {
		return harness.Interval{}
	}
	return harness.Interval{Lo: d.rec.Anchor + harness.Stamp(b.Lo), Hi: d.rec.Anchor + harness.Stamp(b.Hi)}
}

// bounds turns an interval into ns since the anchor.
func (d *dataset) bounds(i harness.Interval) Bounds {
	return Bounds{d.sinceAnchor(i.Lo), d.sinceAnchor(i.Hi)}
}

// onDrillClock bounds a moment that the target read from its own clock: by what the readings of that clock say, where there is one
// from before the load and one from after it; else by how far this machine's wall clock was from the drill's at any reading, and by how far
// the target's clock may be off ours.
func (d *dataset) onDrillClock(at harness.Stamp) harness.Interval {
	log := d.rec.Target.Decisions
	if log == nil {
		return harness.Interval{Lo: at - d.wall.Hi, Hi: at - d.wall.Lo}
	}
	if off, known := offsetOf(d.rec.TargetClocks, log.Clock); known {
		return harness.Interval{Lo: at - harness.Stamp(off.Hi), Hi: at - harness.Stamp(off.Lo)}
	}
	off := harness.Stamp(log.ClockNS)
	return harness.Interval{Lo: at - d.wall.Hi - off, Hi: at - d.wall.Lo + off}
}

// offsetOf is what the readings of one clock allow. It is known only where the first of all readings and the last have one.
func offsetOf(all []harness.TargetClock, of string) (off harness.Offset, known bool) {
	read := func(phase string) bool {
		return slices.ContainsFunc(all, func(r harness.TargetClock) bool { return r.Of == of && r.Phase == phase && r.Detail == "" })
	}
	off, _ = harness.ClockBounds(all, of)
	return off, of != "" && read(harness.ActPlan) && read(harness.ActStop)
}

// mulDiv is floor(a × b ÷ c) for a, b ≥ 0 and c > 0, without overflow on the way. It is 0 for anything else.
func mulDiv(a, b, c int64) int64 {
	if a < 0 || b < 0 || c <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return 0
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q & (1<<63 - 1)) //nolint:gosec // 63 bits
}
