package measure

import (
	"fmt"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

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
func Exposures(answers []harness.Observation, anchor harness.Stamp, from, end int64) []Exposed {
	var all []Exposed
	rel := func(s harness.Stamp) int64 { return int64(s - anchor) }
	for i := 0; i < len(answers); i++ {
		o := answers[i]
		if !aged(o) || rel(o.At.Lo) > end {
			continue
		}
		e := Exposed{Beat: rel(o.At.Hi) - o.Value, Asked: rel(o.At.Lo), Next: end}
		for _, n := range answers[i+1:] {
			if aged(n) || promoted(n) {
				e.Next = min(end, rel(n.At.Hi))
				break
			}
		}
		if e.Next < from {
			continue
		}
		if e.Asked < from {
			e.Asked = loadgen.Never
		}
		all = append(all, e)
	}
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

// acks sums acknowledged writes by the time of their acknowledgement.
type acks struct {
	done    []int64
	amounts []int64 // amounts[i] is the sum of the first i
}

func acksOf(attempts []Attempt) acks {
	var ok []Attempt
	for _, a := range attempts {
		if a.Outcome == loadgen.AttemptOK {
			ok = append(ok, a)
		}
	}
	slices.SortFunc(ok, func(a, b Attempt) int { return int(max(-1, min(1, a.Done-b.Done))) })
	w := acks{amounts: make([]int64, 1, len(ok)+1)}
	for i, a := range ok {
		w.done = append(w.done, a.Done)
		w.amounts = append(w.amounts, w.amounts[i]+a.Amount)
	}
	return w
}

// in gives number and value of the writes acknowledged in [from, to].
func (w acks) in(from, to int64) (count, amount int64) {
	lo, _ := slices.BinarySearch(w.done, from)
	hi, _ := slices.BinarySearch(w.done, to+1)
	if hi <= lo {
		return 0, 0
	}
	return int64(hi - lo), w.amounts[hi] - w.amounts[lo]
}

// writes bounds number and value of the acknowledged writes that a failover would have lost.
func (e Exposed) writes(w acks) (count, amount Bounds) {
	count.Hi, amount.Hi = w.in(e.Beat, e.Next)
	if e.Asked >= 0 {
		count.Lo, amount.Lo = w.in(e.Beat+int64(beatAtMost), e.Asked)
	}
	return count, amount
}

// exposure measures what a failover at the worst moment would have lost: exposure.time, exposure.lost or exposure.value of a
// load's ledger ("" for all).
func (d *drill) exposure(measure, load string, fault harness.Interval, faultErr error) harness.Measurement {
	m := harness.Measurement{Name: measure, Load: load, Unit: UnitNS, Method: "greatest age of the last heartbeat that the standby had"}
	answers, _, err := d.observations(probeHeartbeat)
	var written acks
	if measure != MeasureExposure {
		m.Unit, m.Method = UnitCount, "writes acknowledged after the last heartbeat that the standby had, at the worst moment"
		if measure == MeasureExposureValue {
			m.Unit, m.Method = UnitMinor, "amount of the "+m.Method
		}
		attempts, _, ledgerErr := d.attempts(load)
		if written = acksOf(attempts); ledgerErr != nil {
			err = ledgerErr
		}
	}
	if faultErr != nil {
		err = faultErr
	}
	if err != nil {
		m.Detail = err.Error()
		return m
	}
	all := Exposures(answers, d.rec.Anchor, d.rel(fault.Lo), d.rel(d.rec.Observation.Hi))
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
	case measure != MeasureExposure && len(written.done) == 0:
		m.Detail = "no write was acknowledged: there was nothing to lose"
	default:
		m.Known = true
		age, after := max(0, worst.Asked-worst.Beat), max(0, worst.Asked-d.rel(fault.Lo))
		m.Detail = fmt.Sprintf("at its oldest the standby was %s behind, %s after the fault", Span(age, age), Span(after, after))
		return m
	}
	m.Lo, m.Hi = 0, 0
	return m
}

// of bounds what an exposure measure says of one answer.
func (e Exposed) of(measure string, written acks) Bounds {
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
func (d *drill) exposures() []harness.Measurement {
	if _, _, err := d.observations(probeHeartbeat); err != nil || d.null() {
		return nil
	}
	fault, err := d.moment("")
	all := []harness.Measurement{d.exposure(MeasureExposure, "", fault, err)}
	if len(d.writes) > 0 {
		all = append(all, d.exposure(MeasureExposureLost, "", fault, err), d.exposure(MeasureExposureValue, "", fault, err))
	}
	return all
}
