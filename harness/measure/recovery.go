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
func Restored(c Cohort, limits harness.Recovered, fault Bounds, end int64) Outage {
	o := Outage{ByOwn: !c.Metronome}
	edges, timeout := due(c.Edges, fault.Lo, end+1), c.EdgeTimeout
	first, last := firstBad(edges, timeout), lastBad(edges, timeout)
	if first < 0 && c.Metronome { // the metronome was spared, perhaps its users were not
		edges, timeout, o.ByOwn = due(c.Own, fault.Lo, end+1), c.Timeout, true
		first, last = firstBad(edges, timeout), lastBad(edges, timeout)
	}
	if first < 0 { // nobody failed outright, but they may have been kept waiting
		timeout = int64(limits.P99AtMost)
		if first, last = slowed(c, limits, edges, fault.Lo, end); first < 0 {
			return o
		}
	}
	all := c.Edges
	if o.ByOwn {
		all = c.Own
	}
	o.Impact = impactAt(all, edges[first], timeout)
	o.First = firstAnswer(edges, first, fault.Hi, timeout)
	start := edgeAfter(edges, last, timeout)
	o.settle(c, limits, start, end)
	return o
}

// slowed finds the first and last request of the first failing window that were over the limit, as positions in own.
func slowed(c Cohort, limits harness.Recovered, own []loadgen.Sample, from, end int64) (int, int) {
	for _, w := range windows(c, limits, from, end) {
		if w.Good || w.Thin {
			continue
		}
		first, last := -1, -1
		for i, s := range own {
			if s.Due >= w.From && s.Due < w.To && bad(s, int64(limits.P99AtMost)) {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		return first, last
	}
	return -1, -1
}

func firstBad(samples []loadgen.Sample, limit int64) int {
	for i, s := range samples {
		if bad(s, limit) {
			return i
		}
	}
	return -1
}

func lastBad(samples []loadgen.Sample, limit int64) int {
	for i := len(samples) - 1; i >= 0; i-- {
		if bad(samples[i], limit) {
			return i
		}
	}
	return -1
}

// impactAt bounds T_i: from the send of the last good request before the first bad one to when that one's failure was
// known. A request that was bad for being slow counts as failed at its limit.
func impactAt(all []loadgen.Sample, first loadgen.Sample, limit int64) Bounds {
	b := Bounds{Lo: first.Due, Hi: known(first, limit)}
	if first.Outcome == loadgen.OK {
		b.Hi = first.Due + limit
	}
	for i := len(all) - 1; i >= 0; i-- {
		if s := all[i]; s.Due < first.Due && !bad(s, limit) {
			b.Lo = min(s.Sent, b.Hi)
			break
		}
	}
	return b
}

// firstAnswer bounds T_1: the first good request due after the first bad one and not before the fault was confirmed.
func firstAnswer(edges []loadgen.Sample, first int, confirmed, limit int64) Bounds {
	lo := edges[first].Due
	for _, s := range edges[first+1:] {
		switch {
		case bad(s, limit):
			lo = s.Due
		case s.Due >= confirmed:
			return Bounds{Lo: min(lo, s.Done), Hi: s.Done}
		}
	}
	return Bounds{}
}

// edgeAfter bounds the moment after bad request number last: from its due time to the end of the next good one. It is
// never if no good one follows.
func edgeAfter(samples []loadgen.Sample, last int, limit int64) Bounds {
	for _, s := range samples[last+1:] {
		if !bad(s, limit) {
			return Bounds{Lo: samples[last].Due, Hi: s.Done}
		}
	}
	return Bounds{}
}

// settle moves T_s behind every window that fails, until all windows hold or none fits any more.
func (o *Outage) settle(c Cohort, limits harness.Recovered, start Bounds, end int64) {
	own := due(c.Own, 0, end+1)
	for moves := 0; !start.Never(); moves++ {
		if moves > maxRelapses {
			o.Thin = fmt.Sprintf("more than %d relapses", maxRelapses)
			return
		}
		all := windows(c, limits, start.Hi, end)
		if len(all) == 0 {
			o.Late = start
			return
		}
		failing := -1
		for i, w := range all {
			if w.Thin {
				o.Thin = fmt.Sprintf("a window held %d due requests of the load and %d of the cohort, %d were asked for",
					w.Due, w.Own, limits.MinRequests)
				return
			}
			if !w.Good {
				failing = i
			}
		}
		if failing < 0 {
			o.Restored, o.Recovered, o.Windows = start, true, len(all)
			return
		}
		next := behind(own, all[failing], int64(limits.P99AtMost))
		if next.Hi <= start.Hi { // a window cannot fail without a bad request in it; never loop if it did
			return
		}
		start, o.ByOwn = next, true
	}
}

// behind bounds the moment after the last bad request of a window.
func behind(own []loadgen.Sample, w Window, limit int64) Bounds {
	for i := len(own) - 1; i >= 0; i-- {
		if s := own[i]; s.Due >= w.From && s.Due < w.To && bad(s, limit) {
			return edgeAfter(own, i, limit)
		}
	}
	return Bounds{}
}

// LostService counts the requests of samples, due in [from, to], that were not OK within slo ns, and gives them as time: the
// count divided by the rate at which they fell due, in ns.
func LostService(samples []loadgen.Sample, from, to, slo int64) (lost int, ns int64) {
	all := due(samples, from, to+1)
	for _, s := range all {
		if bad(s, slo) {
			lost++
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	return lost, mulDiv(int64(lost), to-from, int64(len(all)))
}

// Brownout counts the requests due after from and up to to that were not OK within slo ns.
func Brownout(samples []loadgen.Sample, from, to, slo int64) int {
	n := 0
	for _, s := range due(samples, from+1, to+1) {
		if bad(s, slo) {
			n++
		}
	}
	return n
}
