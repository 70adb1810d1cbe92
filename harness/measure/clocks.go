package measure

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"blackstart/harness"
)

// origin is what an objective counts from: the first fault of a kind, else the fault of an id that starts a clock, else the first
// that starts one.
type origin struct{ kind, after string }

func originOf(o harness.Objective) origin { return origin{o.Fault, o.After} }

// clock is what is measured from one fault that starts a clock, in its window: from T_f to the next clock's, or to the end of
// observation.
type clock struct {
	origin
	tf       harness.Interval // never if the fault was not confirmed in force
	err      error            // why not
	isolates bool             // the fault takes the primary region away
}

// startersOf are the faults that start a clock, in order of time by the plan.
func startersOf(rec *harness.Record) []harness.FaultRecord {
	var all []harness.FaultRecord
	for _, f := range rec.Faults {
		if f.Plan.Fault.StartsClock {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b harness.FaultRecord) int { return cmp.Compare(a.Plan.Fault.At, b.Plan.Fault.At) })
	return all
}

// clocksOf lists the clocks of a drill in order of time. Without a fault there is one, which never started.
func clocksOf(rec *harness.Record) []clock {
	var all []clock
	starters := startersOf(rec)
	for i, f := range starters {
		c := clock{isolates: f.Plan.Isolates && f.Plan.Fault.On == harness.Primary}
		if i > 0 {
			c.after = f.Plan.Fault.ID
		}
		c.tf, c.err = confirmed(f)
		all = append(all, c)
	}
	if len(all) == 0 {
		tf, err := InForce(rec)
		all = append(all, clock{tf: tf, err: err})
	}
	return all
}

// number is which clock a fault that came into force in fault starts, -1 if it starts none.
func (d *dataset) number(fault harness.Interval) int {
	return slices.IndexFunc(d.clocks, func(c clock) bool { return c.tf == fault })
}

// later tells whether another clock ran before that of a fault: roles may have moved then.
func (d *dataset) later(fault harness.Interval) bool { return d.number(fault) > 0 }

// next is when the clock after that of a fault started, far away if there is none.
func (d *dataset) next(fault harness.Interval) harness.Stamp {
	if i := d.number(fault); i >= 0 && i+1 < len(d.clocks) && !d.clocks[i+1].tf.Never() {
		return d.clocks[i+1].tf.Lo
	}
	return math.MaxInt64
}

// end is when the window of a fault ends: when the next clock starts, else with the observation.
func (d *dataset) end(fault harness.Interval) harness.Stamp {
	return min(d.rec.Observation.Hi, d.next(fault))
}

// judged is up to when requests are due that are judged in the window of a fault. Where its end breaks what is under way, as the next
// clock's fault and an undo under load do, that is as long before it as a request may take and be good: one that was cut short might
// have become so, and its failure is not this fault's.
func (d *dataset) judged(fault harness.Interval) harness.Stamp {
	end := d.end(fault)
	if d.next(fault) >= d.rec.Observation.Hi && d.rec.Scenario.ObserveUndo == 0 {
		return end // the load just stops
	}
	longest := int64(d.rec.Scenario.Recovered.P99AtMost)
	for _, s := range d.rec.Streams {
		if d.rec.Scenario.Recovered.P99AtMost == 0 {
			longest = max(longest, s.TimeoutNS)
		}
	}
	return max(fault.Lo, end-harness.Stamp(longest))
}

// ended says in words how the window of a fault ended.
func (d *dataset) ended(fault harness.Interval) string {
	if d.next(fault) < d.rec.Observation.Hi {
		return "before the next clock started"
	}
	return "by the end of observation"
}

// id names the clock that an objective counts by, "" where there is only one, or where it counts from another fault.
func (d *dataset) id(o origin) string {
	starters := startersOf(d.rec)
	if len(starters) < 2 || o.kind != "" {
		return ""
	}
	if o.after != "" {
		return o.after
	}
	return starters[0].Plan.Fault.ID
}

// A cut is where the losses of one clock end.
type cut struct {
	from     int64 // T_f.lo
	last     int64 // up to which acknowledgement every loss is this clock's: T_w.hi, or T_f.hi where the standby took no write
	isolates bool
	moved    bool // the standby took its first write in the window: who acknowledges on the old primary after that loses by this clock
}

// cuts are those between the losses of several clocks, nil where there is one.
func (d *dataset) lossCuts() []cut {
	if len(d.clocks) < 2 {
		return nil
	}
	var all []cut
	for _, c := range d.clocks {
		if c.tf.Never() {
			return nil // nothing is judged then
		}
		one := cut{from: d.sinceAnchor(c.tf.Lo), last: d.sinceAnchor(c.tf.Hi), isolates: c.isolates}
		if w := d.writable(c.tf); !w.Never() {
			one.last, one.moved = d.sinceAnchor(w.Hi), true
		}
		all = append(all, one)
	}
	return all
}

// lostBy is the number of the clock that a lost write is counted by, behind by a writer in the region that was primary. It is that in
// whose window the write was acknowledged, but for one that was safe from its fault: acknowledged after it by the database that
// serves, it is lost by the next. The old primary serves until the standby takes writes, and no longer: what is found there was
// acknowledged by it. Where nobody looked, known is false.
func lostBy(cuts []cut, a Attempt, behind bool) (clock int, known bool) {
	k, done := 0, a.done().Lo
	for k+1 < len(cuts) && cuts[k+1].from <= done {
		k++
	}
	switch c := cuts[k]; {
	case k+1 == len(cuts) || done <= c.last || c.isolates && behind:
		return k, true
	case c.moved && a.Old != 0:
		return k, a.Old != Unread
	}
	return k + 1, true
}

// unspoken tells each load that lost writes by a clock of which no objective on lost writes speaks, and what cannot be told of one
// or the other clock: a drill with such losses is no pass.
func (d *dataset) unspoken() []string {
	all := []string{}
	if len(d.clocks) < 2 || d.ledger("").err != nil {
		return all
	}
	for k, c := range d.clocks {
		for _, w := range d.writes {
			asked := slices.ContainsFunc(d.rec.Scenario.Objectives, func(o harness.Objective) bool {
				tf, err := d.moment(originOf(o))
				n := d.number(tf) // from a fault that starts no clock, all that is lost counts
				return err == nil && RowOf(o.Measure).Losses && (n < 0 || n == k) && (o.Load == "" || o.Load == w.Stream.Load)
			})
			if m := d.lossMeasure(MeasureRPOLost, w.Stream.Load, c.origin); !asked && m.Known && m.Lo > 0 {
				all = append(all, fmt.Sprintf("%s acknowledged writes of load %s were lost after %s, of which no objective speaks", Value(m), w.Stream.Load, d.id(c.origin)))
			}
		}
	}
	if l := d.ledger(""); l.unattributed > 0 {
		all = append(all, fmt.Sprintf("by which fault %s acknowledged writes were lost is not known: the old primary was not read", Count(int64(l.unattributed))))
	}
	return all
}
