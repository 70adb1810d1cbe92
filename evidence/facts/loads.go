package facts

import (
	"fmt"
	"math"
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// Limits of what is read for charts.
const (
	halfNS    = 500_000_000         // width of a point of latency and success
	maxHalves = 200_000             // of one load: more than a day
	maxInHalf = loadgen.MaxRate / 2 // requests that may be due in one
)

// Load is what became of the requests of one load.
type Load struct {
	Stream   harness.Stream
	Err      error // its file is not whole: nothing else is known
	All      int
	Outcomes [loadgen.NumOutcomes]int
	Cohorts  [][loadgen.NumOutcomes]Ended // at least one

	first, last int64 // when the first and the last of them were due, ns since the anchor
	halves      []half
	halvesErr   error // there are more than can be shown
}

// Ended is how many requests of a cohort ended in one way, and when the first and the last of them were due.
type Ended struct {
	Count       int
	First, Last harness.Stamp
}

// half is what was due in half a second; its number counts from moment 0.
type half struct {
	number, due, ok int
	p50, p99        float64 // ms
}

// Loads reads the samples of every load once.
func Loads(rec *harness.Record, src measure.Source) []Load {
	var all []Load
	latency := true
	for _, s := range rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		questions := s.Traits().Questions
		all = append(all, readLoad(rec, src, s, questions && latency))
		latency = latency && !questions
	}
	return all
}

func readLoad(rec *harness.Record, src measure.Source, s harness.Stream, latency bool) Load {
	l := Load{Stream: s, Cohorts: make([][loadgen.NumOutcomes]Ended, max(1, len(s.Cohorts)))}
	h := halving{load: &l, offset: int64(rec.Anchor - Zero(rec)), latency: latency}
	for one, err := range src.Samples(s.ID, 0) {
		if err != nil {
			return Load{Stream: s, Err: err}
		}
		if l.All++; l.All == 1 {
			l.first, l.last = one.Due, one.Due
		}
		l.first, l.last = min(l.first, one.Due), max(l.last, one.Due)
		h.add(one)
		l.Outcomes[one.Outcome]++
		if int(one.Cohort) >= len(l.Cohorts) {
			continue
		}
		e := &l.Cohorts[one.Cohort][one.Outcome]
		e.Last = rec.Anchor + harness.Stamp(one.Due)
		if e.Count++; e.Count == 1 {
			e.First = e.Last
		}
	}
	h.close()
	return l
}

// halving sorts samples into half seconds by when they were due. They come in order of due, so that the latencies of no more than
// one are in memory.
type halving struct {
	load      *Load
	offset    int64 // of the anchor from moment 0, ns
	latency   bool
	now       half
	latencies []float64 // ms
}

func (h *halving) add(s loadgen.Sample) {
	if h.load.halvesErr != nil {
		return
	}
	if number := int(math.Floor(float64(h.offset+s.Due) / halfNS)); number != h.now.number || h.now.due == 0 {
		h.close()
		if len(h.load.halves) >= maxHalves {
			h.load.halvesErr = fmt.Errorf("requests are due in more than %d half seconds", maxHalves)
			return
		}
		h.now, h.latencies = half{number: number}, h.latencies[:0]
	}
	if h.now.due++; h.now.due > maxInHalf {
		h.load.halvesErr = fmt.Errorf("more than %d requests are due in half a second", maxInHalf)
		return
	}
	if s.Outcome == loadgen.OK {
		h.now.ok++
	}
	if s.Done != loadgen.Never && h.latency {
		h.latencies = append(h.latencies, float64(s.Done-s.Due)/1e6)
	}
}

// close ends the half second that is being counted.
func (h *halving) close() {
	if h.now.due == 0 || h.load.halvesErr != nil {
		return
	}
	slices.Sort(h.latencies)
	h.now.p50, h.now.p99 = quantile(h.latencies, 0.5), quantile(h.latencies, 0.99)
	h.load.halves = append(h.load.halves, h.now)
}

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}
