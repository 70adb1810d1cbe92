package measure

import (
	"iter"
	"math"

	"blackstart/harness"
)

// Writable bounds T_w, when the standby began to take writes, by the answers of postgres.writable in order of time: not before
// the last question that the standby answered without taking a write, and by the end of its first completed write. Where
// no such answer came before that write, it is bounded by the start of the probe: nobody had looked earlier. It is never if
// the standby was not seen to take a write. This is the only definition of T_w.
func Writable(rec *harness.Record, answers iter.Seq[harness.Observation]) harness.Interval {
	return writableFrom(rec, answers, 0, math.MaxInt64)
}

// writableFrom is Writable from a moment on, up to another. A standby that took writes when the first of them came began to before,
// and begins again only after it was seen not to.
func writableFrom(rec *harness.Record, answers iter.Seq[harness.Observation], from, to harness.Stamp) harness.Interval {
	on, before := standbyProbe(rec)
	if on == "" {
		return harness.Interval{}
	}
	began := false
	for o := range answers {
		switch {
		case o.At.Lo > to:
			return harness.Interval{}
		case o.Probe != probeWritable || o.On != on || !o.Reached || o.At.Lo <= 0 || o.At.Hi < o.At.Lo:
			// Silence is no answer: a standby that cannot be asked may take writes all the same.
		case o.OK && (began || o.At.Hi < from):
			began = true
		case o.OK:
			return harness.Interval{Lo: min(before, o.At.Lo), Hi: o.At.Hi}
		default:
			before, began = o.At.Lo, false
		}
	}
	return harness.Interval{}
}

// standbyProbe finds the component that postgres.writable asked in the region that was the standby when the drill began, and
// since when; "" if it asked none there.
func standbyProbe(rec *harness.Record) (on string, since harness.Stamp) {
	region, ok := rec.Target.RegionByRole(harness.Standby)
	if !ok {
		return "", 0
	}
	for _, p := range rec.Probes {
		c, ok := rec.Target.ComponentByName(p.On)
		if p.Probe == probeWritable && ok && c.Region == region.Name && p.Ran.Lo > 0 {
			return p.On, p.Ran.Lo
		}
	}
	return "", 0
}

// writable is T_w after a fault, in its window; never without answers of its probe.
func (d *dataset) writable(fault harness.Interval) harness.Interval {
	answers, _, err := d.observations(probeWritable)
	if err != nil {
		return harness.Interval{}
	}
	from := harness.Stamp(0) // of the first clock: a standby that took writes before the fault is told as it was seen
	if d.later(fault) {
		from = fault.Lo
	}
	return writableFrom(d.rec, answers, from, d.next(fault))
}
