package measure

import (
	"fmt"

	"blackstart/harness"
	"blackstart/loadgen"
)

// maxRelapses bounds how often T_s may move. Every move ends behind the last failing window, so that a few are the rule.
const maxRelapses = 1000

// Bounds is an interval in ns since the anchor. The zero value stands for "did not happen".
type Bounds struct{ Lo, Hi int64 }

// Never tells whether the bounds stand for something that did not happen.
func (b Bounds) Never() bool { return b == Bounds{} }

// Outage is what a cohort saw of a fault, in ns since the anchor.
type Outage struct {
	Impact    Bounds // T_i: between the send of the last good request and the first failure
	First     Bounds // T_1: the first good answer that cannot have come by the broken path
	Restored  Bounds // T_s: the begin of the good run that lasts to the end; never if not recovered
	Recovered bool
	Late      Bounds // the last good run's begin, if it came too late for a window; never otherwise
	Thin      string // why the windows could not be judged, "" if they could
	Windows   int    // windows that held after T_s
	ByOwn     bool   // the edges of T_s are the cohort's own, not the metronome's
}

// Restored finds T_i, T_1 and T_s for one cohort, after a fault that came into force in fault and in samples due up to end
// (ns since the anchor). Without an impact all bounds are never.
func Restored(c Cohort, limits harness.Recovered, fault Bounds, end int64) (Outage, error) {
	o := Outage{ByOwn: !c.Metronome}
	edges, by := c.Edges, byTimeout
	from, to := edges.between(fault.Lo, end+1)
	first, last := edges.firstBad(from, to, by), edges.lastBad(from, to, by)
	if first < 0 && c.Metronome { // the metronome was spared, perhaps its users were not
		edges, o.ByOwn = c.Own, true
		from, to = edges.between(fault.Lo, end+1)
		first, last = edges.firstBad(from, to, by), edges.lastBad(from, to, by)
	}
	if first < 0 { // nobody failed outright, but they may have been kept waiting
		by = bySLO
		if first, last = slowed(c, limits, edges, fault.Lo, end); first < 0 {
			return o, nil
		}
	}
	var err error
	if o.Impact, err = impactAt(edges, first, by); err != nil {
		return o, err
	}
	if o.First, err = firstAnswer(edges, first, to, fault.Hi, by); err != nil {
		return o, err
	}
	start, err := edgeAfter(edges, last, to, by)
	if err != nil {
		return o, err
	}
	return o, o.settle(c, limits, start, end)
}

// slowed finds the first and last request of the first failing window that were over the limit, as positions in own.
func slowed(c Cohort, limits harness.Recovered, own cohortSamples, from, end int64) (int, int) {
	for _, w := range windows(c, limits, from, end) {
		if w.Good || w.Thin {
			continue
		}
		i, j := own.between(w.From, w.To)
		return own.firstBad(i, j, bySLO), own.lastBad(i, j, bySLO)
	}
	return -1, -1
}

// impactAt bounds T_i: from the send of the last good request before the first bad one to when that one's failure was
// known. A request that was bad for being slow counts as failed at its limit.
func impactAt(all cohortSamples, first int, by latencyLimit) (Bounds, error) {
	s, err := all.at(first)
	if err != nil {
		return Bounds{}, err
	}
	b := Bounds{Lo: s.Due, Hi: known(s, all.ns(by))}
	if s.Outcome == loadgen.OK {
		b.Hi = s.Due + all.ns(by)
	}
	if n := all.lastGood(0, first, by); n >= 0 {
		before, err := all.at(n)
		if err != nil {
			return Bounds{}, err
		}
		b.Lo = min(before.Sent, b.Hi)
	}
	return b, nil
}

// firstAnswer bounds T_1: the first good request due after the first bad one, before position to, and not before the fault was
// confirmed.
func firstAnswer(edges cohortSamples, first, to int, confirmed int64, by latencyLimit) (Bounds, error) {
	n := edges.nextGood(max(first+1, edges.position(confirmed)), to, by)
	if n < 0 {
		return Bounds{}, nil
	}
	s, err := edges.at(n)
	lo := edges.due(edges.lastBad(first, n, by))
	return Bounds{Lo: min(lo, s.Done), Hi: s.Done}, err
}

// edgeAfter bounds the moment after the bad request at position last: from its due time to the end of the next good one,
// before position to. It is never if no good one follows.
func edgeAfter(samples cohortSamples, last, to int, by latencyLimit) (Bounds, error) {
	n := samples.nextGood(last+1, to, by)
	if n < 0 {
		return Bounds{}, nil
	}
	s, err := samples.at(n)
	return Bounds{Lo: samples.due(last), Hi: s.Done}, err
}

// settle moves T_s behind every window that fails, until all windows hold or none fits any more.
func (o *Outage) settle(c Cohort, limits harness.Recovered, start Bounds, end int64) error {
	for moves := 0; !start.Never(); moves++ {
		if moves > maxRelapses {
			o.Thin = fmt.Sprintf("more than %d relapses", maxRelapses)
			return nil
		}
		all := windows(c, limits, start.Hi, end)
		if len(all) == 0 {
			o.Late = start
			return nil
		}
		failing := -1
		for i, w := range all {
			if w.Thin {
				o.Thin = fmt.Sprintf("a window held %d due requests of the load and %d of the cohort, %d were asked for",
					w.Due, w.Own, limits.MinRequests)
				return nil
			}
			if !w.Good {
				failing = i
			}
		}
		if failing < 0 {
			o.Restored, o.Recovered, o.Windows = start, true, len(all)
			return nil
		}
		next, err := behind(c.Own, all[failing], end)
		if err != nil || next.Hi <= start.Hi { // a window cannot fail without a bad request in it; never loop if it did
			return err
		}
		start, o.ByOwn = next, true
	}
	return nil
}

// behind bounds the moment after the last bad request of a window.
func behind(own cohortSamples, w Window, end int64) (Bounds, error) {
	i, j := own.between(w.From, w.To)
	last := own.lastBad(i, min(j, own.position(end+1)), bySLO)
	if last < 0 {
		return Bounds{}, nil
	}
	return edgeAfter(own, last, own.position(end+1), bySLO)
}

// lostService counts the requests due in [from, to] that were not OK within the limit that counts as recovered, and gives them
// as time: the count divided by the rate at which they fell due, in ns.
func lostService(own cohortSamples, from, to int64) (lost int, ns int64) {
	i, j := own.between(from, to+1)
	all := own.size(i, j)
	_, good := own.tally(i, j, bySLO)
	if lost = all - good; all == 0 {
		return 0, 0
	}
	return lost, mulDiv(int64(lost), to-from, int64(all))
}

// brownout counts the requests due after from and up to to that were not OK within that limit.
func brownout(own cohortSamples, from, to int64) int {
	i, j := own.between(from+1, to+1)
	_, good := own.tally(i, j, bySLO)
	return own.size(i, j) - good
}
