package measure

import (
	"fmt"
	"iter"

	"blackstart/harness"
	"blackstart/loadgen"
)

// Series is what a load's sample stream holds, as far as it is judged: counts, and a few bits of every sample.
type Series struct {
	Stream harness.Stream
	Err    error // why it could not be read

	samples  *sampleColumn
	codes    *outcomeNames
	ahead    Bounds                     // of the drill's clock, in ns: the clock of the samples
	fault    string                     // the first sample that is not as the schedule and the format say, "" if none
	offered  int                        // those that were sent
	late     int64                      // the longest time between due and sent, ns
	outcomes [loadgen.NumOutcomes]int64 // of all
	windows  []counts                   // by clock
	p50, p99 int64                      // ns from due, of right answers in the baseline, by nearest rank; Never of none
	good     int64                      // right answers in the baseline
}

// counts are those of one clock's window.
type counts struct {
	errors  [][loadgen.NumOutcomes]int64   // by cohort, due from T_f to the end of the window
	answers struct{ ok, wrong, alien int } // the same; of the first clock, due from the first fault
	strange int64                          // when the first of those that are not right was due
}

// in gives the counts of a clock's window; none of a stream that was not read.
func (r *Series) in(window int) counts {
	if window >= len(r.windows) {
		return counts{}
	}
	return r.windows[window]
}

// spans are the times that samples are counted in, ns since the anchor, each from its Lo to before its Hi.
type spans struct {
	baseline        Bounds
	errors, answers []Bounds // by clock, as counts has them
}

// spans gives them on a clock that is so far ahead of the drill's.
func (d *dataset) spans(ahead Bounds) spans {
	s := spans{baseline: Bounds{d.sinceAnchor(d.rec.Baseline.Lo), d.sinceAnchor(d.rec.Baseline.Hi)}.inner(ahead)}
	for i, c := range d.clocks {
		b := Bounds{d.sinceAnchor(c.tf.Lo), d.sinceAnchor(d.judged(c.tf)) + 1}
		s.errors = append(s.errors, b.there(ahead))
		b.Hi = d.sinceAnchor(d.end(c.tf)) + 1
		if i == 0 {
			b.Lo = d.sinceAnchor(firstFault(d.rec))
		}
		s.answers = append(s.answers, b.there(ahead))
	}
	return s
}

func (b Bounds) holds(at int64) bool { return at >= b.Lo && at < b.Hi }

// readSeries reads a stream of samples: once for all that can be counted, and its baseline again for the percentiles.
func (d *dataset) readSeries(s harness.Stream, src Source) Series {
	r := Series{Stream: s, codes: d.codes, ahead: d.ahead(s), Err: checkNames(s), p50: loadgen.Never, p99: loadgen.Never}
	r.samples = newColumn(s, int64(d.rec.Scenario.Recovered.P99AtMost), func(n int) (loadgen.Sample, error) { return sampleAt(src, s.ID, n) })
	if r.Err != nil {
		r.Stream.Cohorts, s.Cohorts = nil, nil // nothing is said of them one by one
	}
	for range d.clocks {
		r.windows = append(r.windows, counts{errors: make([][loadgen.NumOutcomes]int64, max(1, len(s.Cohorts)))})
	}
	if r.Err != nil {
		return r
	}
	in, q := d.spans(d.ahead(s)), &quantile{}
	for one, err := range src.Samples(s.ID, 0) {
		if err == nil {
			d.bits -= r.samples.width()
			if d.bits < 0 {
				err = fmt.Errorf("read %s: the drill has more samples than can be judged", s.File)
			}
		}
		if err != nil {
			r.Err = err
			break
		}
		r.take(one, in)
		if one.Outcome == loadgen.OK && in.baseline.holds(one.Due) {
			q.add(one.Latency())
		}
	}
	r.percentiles(src, in.baseline, q)
	return r
}

// sampleAt reads one sample of a stream.
func sampleAt(src Source, stream, n int) (loadgen.Sample, error) {
	for s, err := range src.Samples(stream, n) {
		return s, err
	}
	return loadgen.Sample{}, fmt.Errorf("stream %d has no sample %d", stream, n)
}

// take counts a sample.
func (r *Series) take(s loadgen.Sample, in spans) {
	if r.fault == "" {
		r.fault = r.faultOf(s)
	}
	r.samples.add(s)
	if s.Outcome != loadgen.Unsent {
		r.offered++
		r.late = max(r.late, s.Sent-s.Due)
	}
	r.outcomes[s.Outcome]++
	for i := range r.windows {
		c := &r.windows[i]
		if in.errors[i].holds(s.Due) && int(s.Cohort) < len(c.errors) {
			c.errors[s.Cohort][s.Outcome]++
		}
		if in.answers[i].holds(s.Due) {
			c.answer(s)
		}
	}
}

// answer counts a sample that was given one.
func (c *counts) answer(s loadgen.Sample) {
	switch s.Outcome {
	case loadgen.OK:
		c.answers.ok++
		return
	case loadgen.WrongAnswer:
		c.answers.wrong++
	case loadgen.ForeignAnswer:
		c.answers.alien++
	default:
		return
	}
	if c.answers.wrong+c.answers.alien == 1 {
		c.strange = s.Due
	}
}

// faultOf tells what is wrong with the next sample, or "".
func (r *Series) faultOf(s loadgen.Sample) string {
	n := r.samples.n
	if r.Stream.Freq <= 0 || r.Stream.PerNS <= 0 {
		return "" // it has no schedule at all, which is said of the stream
	}
	switch at := r.samples.due(n); {
	case s.Seq != uint64(n):
		return fmt.Sprintf("sample %d has seq %d", n, s.Seq)
	case s.Due != at:
		return fmt.Sprintf("sample %d is due at %d, by the schedule at %d", n, s.Due, at)
	case s.Outcome == loadgen.None:
		return fmt.Sprintf("sample %d has no outcome", n)
	case r.codes[s.Outcome] == "":
		return fmt.Sprintf("sample %d has outcome %d, which is not in the record's table", n, s.Outcome)
	case s.Outcome != loadgen.Unsent && (s.Sent < s.Due || s.Done < s.Sent):
		return fmt.Sprintf("sample %d was due, sent and done in an order that cannot be", n)
	case int(s.Cohort) >= max(1, len(r.Stream.Cohorts)):
		return fmt.Sprintf("sample %d is of cohort %d, which has no name", n, s.Cohort)
	}
	return ""
}

// percentiles reads the baseline again for what q found where to look.
func (r *Series) percentiles(src Source, baseline Bounds, q *quantile) {
	if r.good = q.n; q.n == 0 || r.Err != nil {
		return
	}
	median, high := q.find(50), q.find(percentile)
	for s, err := range src.Samples(r.Stream.ID, r.samples.position(baseline.Lo)) {
		if err != nil || s.Due >= baseline.Hi {
			break
		}
		if s.Outcome == loadgen.OK && s.Due >= baseline.Lo {
			median.add(s.Latency())
			high.add(s.Latency())
		}
	}
	r.p50, r.p99 = median.value(), high.value()
}

// n is how many samples were read.
func (r *Series) n() int { return r.samples.n }

// Answers is what a probe found: how much, and the answers themselves as often as they are asked for.
type Answers struct {
	Series harness.ProbeSeries
	Count  int
	Err    error // why they could not be read in full
	Each   iter.Seq[harness.Observation]
}

// maxAnswers bounds how many answers of one probe are judged: more than a day of five a second.
const maxAnswers = 500_000

// readAnswers reads a probe's file once to find out whether it can be read.
func readAnswers(p harness.ProbeSeries, src Source) Answers {
	a := Answers{Series: p}
	last := harness.Stamp(0)
	for o, err := range src.Observations(p) {
		if err == nil && o.At.Lo < last {
			err = fmt.Errorf("read %s: answer %d at %s comes after one at %s", p.File, a.Count, o.At.Lo, last)
		}
		if err != nil {
			a.Err = err
			break
		}
		last = o.At.Lo
		if a.Count++; a.Count > maxAnswers {
			a.Err = fmt.Errorf("read %s: more than %d answers cannot be judged", p.File, maxAnswers)
			break
		}
	}
	a.Each = func(yield func(harness.Observation) bool) {
		n := 0
		for o, err := range src.Observations(p) {
			if n++; err != nil || n > a.Count || !yield(o) {
				return
			}
		}
	}
	return a
}
