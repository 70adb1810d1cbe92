package measure

import (
	"fmt"
	"math/bits"
	"sort"

	"blackstart/harness"
	"blackstart/loadgen"
)

const (
	// maxCohorts bounds the names of a stream's cohorts, and maxName the length of each, in bytes.
	maxCohorts, maxName = 64, 64
	// maxBits bounds the memory that judging takes for all samples of a drill, in bits: 64 MB. A sample takes four, and with
	// cohorts up to six more.
	maxBits = 64 << 23
)

// sampleColumn keeps of every sample of a stream the few bits that windows and edges are found by; when it was due follows from
// the schedule, and what else is needed of a few of them is read again. Ten million samples take 5 MB.
type sampleColumn struct {
	stream      harness.Stream
	slo         int64 // ns
	n           int
	ok, wrong   bitset
	lateTimeout bitset   // answered, and later than the stream's timeout
	lateSLO     bitset   // answered, and later than slo
	cohort      []bitset // the number of the cohort, a bit each
	record      func(n int) (loadgen.Sample, error)
}

func newColumn(s harness.Stream, slo int64, record func(int) (loadgen.Sample, error)) *sampleColumn {
	c := &sampleColumn{stream: s, slo: slo, record: record}
	if n := len(s.Cohorts); n > 1 {
		c.cohort = make([]bitset, bits.Len(uint(n-1)))
	}
	return c
}

// width is how many bits a sample takes.
func (c *sampleColumn) width() int { return 4 + len(c.cohort) }

func (c *sampleColumn) add(s loadgen.Sample) {
	n := c.n
	c.n++
	switch {
	case s.Outcome == loadgen.OK:
		c.ok.set(n)
	case answeredWrong(s):
		c.wrong.set(n)
	}
	if tooLate(s, c.stream.TimeoutNS) {
		c.lateTimeout.set(n)
	}
	if tooLate(s, c.slo) {
		c.lateSLO.set(n)
	}
	for i := range c.cohort {
		if s.Cohort>>i&1 == 1 {
			c.cohort[i].set(n)
		}
	}
}

// tooLate tells whether an answer came later than limit ns after it was due (0: no limit).
func tooLate(s loadgen.Sample, limit int64) bool { return limit > 0 && s.Latency() > limit }

// due is when sample n was due, by the schedule.
func (c *sampleColumn) due(n int) int64 {
	return c.stream.StartNS + mulDiv(int64(n), c.stream.PerNS, int64(c.stream.Freq))
}

// position is that of the first sample due at or after a moment, ns since the anchor.
func (c *sampleColumn) position(at int64) int {
	return sort.Search(c.n, func(n int) bool { return c.due(n) >= at })
}

// between gives the positions [i, j) of what is due in [from, to).
func (c *sampleColumn) between(from, to int64) (i, j int) {
	i, j = c.position(from), c.position(to)
	return i, max(i, j)
}

// latencyLimit is what a request may take to be good.
type latencyLimit int

const (
	byTimeout latencyLimit = iota // the timeout of its stream
	bySLO                         // the p99 that counts as recovered
)

// cohortSamples is the samples of one cohort, or all of a stream, in order of due. The zero value is empty.
type cohortSamples struct {
	*sampleColumn
	cohort  int  // -1: all
	lenient bool // a wrong answer is as good as a right one
}

// all is every sample of a stream.
func (c *sampleColumn) all() cohortSamples { return cohortSamples{sampleColumn: c, cohort: -1} }

// of is the samples of one cohort of those that have a name; of a single one, every sample.
func (c *sampleColumn) of(cohort int) cohortSamples {
	if len(c.cohort) == 0 {
		return c.all()
	}
	return cohortSamples{sampleColumn: c, cohort: cohort}
}

func (t cohortSamples) empty() bool { return t.sampleColumn == nil || t.first(0, t.n) < 0 }

// ns is the length of a limit, 0 for none.
func (t cohortSamples) ns(l latencyLimit) int64 {
	if l == bySLO {
		return t.slo
	}
	return t.stream.TimeoutNS
}

// own gives the samples of the track among those of word k.
func (t cohortSamples) own(k int) uint64 {
	word := ^uint64(0)
	if t.cohort < 0 {
		return word
	}
	for i, plane := range t.sampleColumn.cohort {
		if p := plane.word(k); t.cohort>>i&1 == 1 {
			word &= p
		} else {
			word &^= p
		}
	}
	return word
}

// answered gives the samples of word k that were answered rightly (or at all, if that is good enough).
func (t cohortSamples) answered(k int) uint64 {
	word := t.ok.word(k)
	if t.lenient {
		word |= t.wrong.word(k)
	}
	return word
}

// good gives the samples of word k that were answered within a limit.
func (t cohortSamples) good(k int, l latencyLimit) uint64 {
	if l == bySLO {
		return t.answered(k) &^ t.lateSLO.word(k)
	}
	return t.answered(k) &^ t.lateTimeout.word(k)
}

func (t cohortSamples) words(from, to int, pick func(k int) uint64, visit func(word uint64, k int) bool) {
	for k := max(0, from) / 64; 64*k < to; k++ {
		if w := within(pick(k)&t.own(k), k, from, to); w != 0 && !visit(w, k) {
			return
		}
	}
}

func (t cohortSamples) back(from, to int, pick func(k int) uint64) int {
	for k := (to - 1) / 64; to > from && k >= max(0, from)/64; k-- {
		if w := within(pick(k)&t.own(k), k, from, to); w != 0 {
			return highest(w, k)
		}
	}
	return -1
}

func (t cohortSamples) forth(from, to int, pick func(k int) uint64) int {
	at := -1
	t.words(from, to, pick, func(w uint64, k int) bool { at = lowest(w, k); return false })
	return at
}

func (t cohortSamples) count(from, to int, pick func(k int) uint64) int {
	n := 0
	t.words(from, to, pick, func(w uint64, _ int) bool { n += bits.OnesCount64(w); return true })
	return n
}

// has tells whether a sample of the stream is one of the track.
func (t cohortSamples) has(s loadgen.Sample) bool { return t.cohort < 0 || int(s.Cohort) == t.cohort }

func every64(int) uint64 { return ^uint64(0) }

func (t cohortSamples) isGood(l latencyLimit) func(int) uint64 {
	return func(k int) uint64 { return t.good(k, l) }
}
func (t cohortSamples) isBad(l latencyLimit) func(int) uint64 {
	return func(k int) uint64 { return ^t.good(k, l) }
}

// Each of these looks at positions in [from, to) and returns -1 where there is none.
func (t cohortSamples) first(from, to int) int { return t.forth(from, to, every64) }
func (t cohortSamples) last(from, to int) int  { return t.back(from, to, every64) }
func (t cohortSamples) firstBad(from, to int, l latencyLimit) int {
	return t.forth(from, to, t.isBad(l))
}
func (t cohortSamples) lastBad(from, to int, l latencyLimit) int { return t.back(from, to, t.isBad(l)) }
func (t cohortSamples) nextGood(from, to int, l latencyLimit) int {
	return t.forth(from, to, t.isGood(l))
}
func (t cohortSamples) lastGood(from, to int, l latencyLimit) int {
	return t.back(from, to, t.isGood(l))
}

// size counts all, and tally counts those answered and those answered within a limit.
func (t cohortSamples) size(from, to int) int { return t.count(from, to, every64) }
func (t cohortSamples) tally(from, to int, l latencyLimit) (answered, good int) {
	return t.count(from, to, t.answered), t.count(from, to, t.isGood(l))
}

// every is the mean time between the due times of two samples, in ns.
func (t cohortSamples) every() int64 {
	if t.sampleColumn == nil {
		return 0
	}
	n := int64(t.size(0, t.n)) - 1
	if n < 1 {
		return 0
	}
	return (t.due(t.last(0, t.n)) - t.due(t.first(0, t.n))) / n
}

// at reads one sample again.
func (t cohortSamples) at(n int) (loadgen.Sample, error) {
	s, err := t.record(n)
	if err == nil && t.lenient && answeredWrong(s) {
		s.Outcome = loadgen.OK
	}
	return s, err
}

// checkNames bounds what a record may call its cohorts.
func checkNames(s harness.Stream) error {
	if len(s.Cohorts) > maxCohorts {
		return fmt.Errorf("stream %d names %d cohorts, at most %d can be judged", s.ID, len(s.Cohorts), maxCohorts)
	}
	for _, name := range s.Cohorts {
		if len(name) > maxName {
			return fmt.Errorf("stream %d names a cohort with %d bytes, at most %d can be judged", s.ID, len(name), maxName)
		}
	}
	return nil
}
