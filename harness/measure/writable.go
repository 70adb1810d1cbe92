package measure

import (
	"iter"

	"blackstart/harness"
)

// Writable bounds T_w, when the standby began to take writes, by the answers of postgres.writable in order of time: not before
// the last question that the standby answered without taking a write, and by the end of its first completed write. Where
// no such answer came before that write, it is bounded by the start of the probe: nobody had looked earlier. It is never if
// the standby was not seen to take a write. This is the only definition of T_w.
func Writable(rec *harness.Record, answers iter.Seq[harness.Observation]) harness.Interval {
	on, before := standbyProbe(rec)
	if on == "" {
		return harness.Interval{}
	}
	for o := range answers {
		switch {
		case o.Probe != probeWritable || o.On != on || !o.Reached || o.At.Lo <= 0 || o.At.Hi < o.At.Lo:
			// Silence is no answer: a standby that cannot be asked may take writes all the same.
		case o.OK:
			return harness.Interval{Lo: min(before, o.At.Lo), Hi: o.At.Hi}
		default:
			before = o.At.Lo
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

// writable is T_w of the drill, never without answers of its probe.
func (d *drill) writable() harness.Interval {
	answers, _, err := d.observations(probeWritable)
	if err != nil {
		return harness.Interval{}
	}
	return Writable(d.rec, answers)
}
