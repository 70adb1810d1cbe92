package measure

import (
	"fmt"
	"iter"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Measures of what a failover at the worst moment would have lost.
const (
	MeasureExposure      = "exposure.time"
	MeasureExposureLost  = "exposure.lost"
	MeasureExposureValue = "exposure.value"
)

var _, _, _ = addExposure(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureExposure, Title: "exposure", Doc: "age of the standby's data at its worst: what a failover would have lost", Unit: harness.UnitNS,
	},
	Files:   func(d *Dataset, _ harness.Objective) []string { return d.probeFiles(probeHeartbeat) },
	InTable: "Standby's data at its oldest",
}), addExposure(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureExposureLost, Title: "writes exposed", Doc: "acknowledged writes that a failover at the worst moment would have lost", Unit: harness.UnitCount,
	},
	Files: exposedFiles, Titled: true, InTable: "Acknowledged writes it did not have then",
}), addExposure(Row{
	MeasureSpec: harness.MeasureSpec{Name: MeasureExposureValue, Title: "value exposed", Doc: "their value", Unit: harness.UnitMinor, Valued: true},
	Files:       exposedFiles, Titled: true, InTable: "Their value",
})

// addExposure adds a measure with what all of them have in common.
func addExposure(r Row) Row {
	r.Load, r.Ledger, r.Fault, r.Standby, r.Formula = true, true, true, true, "exposure"
	r.Probes = []string{probeHeartbeat}
	r.Find = func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.exposure(o.Measure, o.Load, o.InForce, o.Err)
	}
	r.Asking = func(o harness.Objective) string {
		return "exposed to a failover at the worst moment: at most " + o.AtMost
	}
	return Add(r)
}

func exposedFiles(d *Dataset, o harness.Objective) []string {
	return append(d.probeFiles(probeHeartbeat), d.ledgerFiles(o.Load)...)
}

// beatAtMost is the longest time between two beats of the heartbeat: what was written within it after the last beat that the
// standby has may be there too.
const beatAtMost = 250 * time.Millisecond

// Exposed is what the standby had at one answer of the heartbeat, while it was in recovery: everything up to the beat, and
// perhaps more. All are ns since the anchor.
type Exposed struct {
	Beat  int64 // when the last heartbeat that it had was written
	Asked int64 // the answer is not from before this; loadgen.Never for one that was asked before the fault
	Next  int64 // when the next answer was there, or the observation ended: until then nothing better is known
}

// Exposures turns the heartbeat's answers, in order of time, into what was exposed in [from, end], all ns since the anchor.
func Exposures(answers iter.Seq[harness.Observation], anchor harness.Stamp, from, end int64) []Exposed {
	var all []Exposed
	rel := func(s harness.Stamp) int64 { return int64(s - anchor) }
	var waiting []Exposed // for the next answer that says anything; at most one
	settle := func(next int64) {
		for _, e := range waiting {
			if e.Next = min(end, next); e.Next < from {
				continue
			}
			if e.Asked < from {
				e.Asked = loadgen.Never
			}
			all = append(all, e)
		}
		waiting = waiting[:0]
	}
	for o := range answers {
		if !aged(o) && !promoted(o) {
			continue
		}
		settle(rel(o.At.Hi))
		if aged(o) && rel(o.At.Lo) <= end {
			waiting = append(waiting, Exposed{Beat: rel(o.At.Hi) - o.Value, Asked: rel(o.At.Lo)})
		}
	}
	settle(end)
	return all
}

// Time bounds how old the standby's data was.
func (e Exposed) Time() Bounds {
	b := Bounds{Hi: max(0, e.Next-e.Beat)}
	if e.Asked >= 0 {
		b.Lo = max(0, e.Asked-e.Beat)
	}
	return b
}

// writes bounds number and value of the acknowledged writes that a failover would have lost.
func (e Exposed) writes(w ackCounts) (count, amount Bounds) {
	count.Hi, amount.Hi = w.possible(e.Beat, e.Next)
	if e.Asked >= 0 {
		count.Lo, amount.Lo = w.certain(e.Beat+int64(beatAtMost), e.Asked)
	}
	return count, amount
}

// exposure measures what a failover at the worst moment would have lost: exposure.time, exposure.lost or exposure.value of a
// load's ledger ("" for all).
func (d *dataset) exposure(measure, load string, fault harness.Interval, faultErr error) harness.Measurement {
	m := harness.Measurement{Name: measure, Load: load, Unit: harness.UnitNS, Method: "greatest age of the last heartbeat that the standby had"}
	answers, _, err := d.observations(probeHeartbeat)
	all := Exposures(answers, d.rec.Anchor, d.sinceAnchor(fault.Lo), d.sinceAnchor(d.end(fault)))
	var written ackCounts
	if measure != MeasureExposure {
		m.Unit, m.Method = harness.UnitCount, "writes acknowledged after the last heartbeat that the standby had, at the worst moment"
		if measure == MeasureExposureValue {
			m.Unit, m.Method = harness.UnitMinor, "amount of the "+m.Method
			d.decimals(&m)
		}
		if l := d.ledger(load); l.err != nil {
			err = l.err
		} else if err == nil && faultErr == nil {
			written = d.countAcks(load, d.bounds(fault), all)
		}
	}
	if faultErr != nil {
		err = faultErr
	}
	if err != nil {
		m.Detail = err.Error()
		return m
	}
	worst, seen := Exposed{}, false
	for _, e := range all {
		b := e.of(measure, written)
		m.Lo, m.Hi = max(m.Lo, b.Lo), max(m.Hi, b.Hi, b.Lo)
		if e.Asked >= 0 && (!seen || e.Asked-e.Beat > worst.Asked-worst.Beat) {
			worst, seen = e, true
		}
	}
	switch {
	case !seen:
		m.Detail = "nobody could tell how old the standby's data was: it gave no answer in recovery after the fault"
	case measure != MeasureExposure && written.all == 0:
		m.Detail = "no write was acknowledged: there was nothing to lose"
	default:
		m.Known = true
		age, after := max(0, worst.Asked-worst.Beat), max(0, worst.Asked-d.sinceAnchor(fault.Lo))
		m.Detail = fmt.Sprintf("at its oldest the standby was %s behind, %s after the fault", Span(age, age), Span(after, after))
		return m
	}
	m.Lo, m.Hi = 0, 0
	return m
}

// exposureKey is what acknowledged writes were counted for: a load, and what was exposed after a fault.
type exposureKey struct {
	load  string
	fault Bounds
}

// countAcks counts the acknowledged writes of a load around what was exposed after a fault: number and value in one pass.
func (d *dataset) countAcks(load string, fault Bounds, exposed []Exposed) ackCounts {
	key := exposureKey{load, fault}
	w, ok := d.ackCounts[key]
	if !ok {
		w = newAckCounts(d.Attempts(load), exposed)
		d.ackCounts[key] = w
	}
	return w
}

// of bounds what an exposure measure says of one answer.
func (e Exposed) of(measure string, written ackCounts) Bounds {
	count, amount := e.writes(written)
	switch measure {
	case MeasureExposureLost:
		return count
	case MeasureExposureValue:
		return amount
	}
	return e.Time()
}

// exposures gives the exposure of every drill whose heartbeat was asked, of all ledgers together.
func (d *dataset) exposures(c clock) []harness.Measurement {
	if _, _, err := d.observations(probeHeartbeat); err != nil || d.null() {
		return nil
	}
	fault, err := d.moment(c.origin)
	all := []harness.Measurement{d.exposure(MeasureExposure, "", fault, err)}
	if len(d.writes) > 0 {
		all = append(all, d.exposure(MeasureExposureLost, "", fault, err), d.exposure(MeasureExposureValue, "", fault, err))
	}
	return all
}
