package measure

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// randomSamples are due every 10 ms, of several cohorts, with every way to be bad.
func randomSamples(rng *rand.Rand, n, cohorts int) []loadgen.Sample {
	var all []loadgen.Sample
	for i := range n {
		s := loadgen.Sample{Seq: uint64(i), Due: int64(i) * 10 * ms, Outcome: loadgen.OK, Cohort: uint8(rng.IntN(cohorts))} //nolint:gosec // small
		s.Sent, s.Done = s.Due, s.Due+rng.Int64N(3*sec)
		switch rng.IntN(6) {
		case 0:
			s.Outcome = loadgen.WrongAnswer
		case 1:
			s.Outcome = loadgen.Refused
		case 2:
			s.Outcome, s.Sent, s.Done = loadgen.Unsent, loadgen.Never, loadgen.Never
		}
		all = append(all, s)
	}
	return all
}

// What a track finds by its bits is what a loop over the samples finds.
func TestTrackFindsWhatALoopFinds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 400 {
		cohorts := 1 + rng.IntN(maxCohorts)
		samples := randomSamples(rng, rng.IntN(300), cohorts)
		st := harness.Stream{Freq: 100, PerNS: sec, TimeoutNS: 2 * sec, Cohorts: make([]string, cohorts)}
		c := newColumn(st, sec, nil)
		for _, s := range samples {
			c.add(s)
		}
		track := c.of(rng.IntN(cohorts))
		track.lenient = rng.IntN(2) == 0
		from, to := c.between(rng.Int64N(4*sec)-sec, rng.Int64N(4*sec)-sec)
		by := latencyLimit(rng.IntN(2))
		ns := track.ns(by)
		var own, good, bads []int
		for i := from; i < to; i++ {
			s := samples[i]
			if !track.has(s) {
				continue
			}
			if track.lenient && answeredWrong(s) {
				s.Outcome = loadgen.OK
			}
			own = append(own, i)
			if bad(s, ns) {
				bads = append(bads, i)
			} else {
				good = append(good, i)
			}
		}
		_, fast := track.tally(from, to, by)
		got := []int{track.size(from, to), fast, track.first(from, to), track.last(from, to), track.firstBad(from, to, by),
			track.lastBad(from, to, by), track.nextGood(from, to, by), track.lastGood(from, to, by)}
		want := []int{len(own), len(good), end(own, 0), end(own, -1), end(bads, 0), end(bads, -1), end(good, 0), end(good, -1)}
		if !slices.Equal(got, want) {
			t.Fatalf("[%d, %d) of %d samples, %d cohorts: %v, want %v", from, to, len(samples), cohorts, got, want)
		}
	}
}

// end is the first (0) or last (-1) of positions, -1 of none.
func end(all []int, which int) int {
	if len(all) == 0 {
		return -1
	}
	return all[(len(all)+which)%len(all)]
}

// Percentiles are those of sorted values, however far these lie apart.
func TestQuantileIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 60 {
		var values []int64
		for range 1 + rng.IntN(2000) {
			values = append(values, rng.Int64N(1<<(1+rng.IntN(39))))
		}
		q := &quantile{}
		for _, v := range values {
			q.add(v)
		}
		sorted := slices.Sorted(slices.Values(values))
		for _, hundredths := range []int{1, 50, 99, 100} {
			p := q.find(int64(hundredths))
			for _, v := range values {
				p.add(v)
			}
			if want := sorted[max(0, (len(sorted)*hundredths+99)/100-1)]; p.value() != want {
				t.Fatalf("%d hundredths of %d values: %d, want %d", hundredths, len(values), p.value(), want)
			}
		}
	}
}

// Acknowledged writes between two moments are what a loop counts.
func TestAcksAreWhatALoopCounts(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var writes []Attempt
	for range 3000 {
		writes = append(writes, Attempt{Attempt: loadgen.Attempt{Outcome: loadgen.AttemptOutcome(1 + rng.IntN(3)), Done: rng.Int64N(5 * sec), Amount: rng.Int64N(100)}}) //nolint:gosec // small
	}
	var exposed []Exposed
	for range 100 {
		e := Exposed{Beat: rng.Int64N(4 * sec), Asked: loadgen.Never}
		if e.Next = e.Beat + rng.Int64N(sec); rng.IntN(2) == 0 {
			e.Asked = e.Beat + rng.Int64N(sec)
		}
		exposed = append(exposed, e)
	}
	w := newAckCounts(slices.Values(writes), exposed)
	sum := func(from, to int64) (n, amount int64) {
		for _, a := range writes {
			if a.Outcome == loadgen.AttemptOK && a.Done >= from && a.Done <= to {
				n, amount = n+1, amount+a.Amount
			}
		}
		return n, amount
	}
	for _, e := range exposed {
		count, amount := e.writes(w)
		n, worth := sum(e.Beat, e.Next)
		if count.Hi != n || amount.Hi != worth {
			t.Fatalf("%+v: %d of %d, want %d of %d", e, count.Hi, amount.Hi, n, worth)
		}
		if n, worth = sum(e.Beat+int64(beatAtMost), e.Asked); e.Asked >= 0 && (count.Lo != n || amount.Lo != worth) {
			t.Fatalf("%+v: at least %d of %d, want %d of %d", e, count.Lo, amount.Lo, n, worth)
		}
	}
}

// What nobody can judge within the memory there is, is said to be so, and never judged in part.
func TestTooMuchIsRefused(t *testing.T) {
	for want, spoil := range map[string]func(w *world, d *dataset){
		"more samples than can be judged": func(_ *world, d *dataset) { d.bits = 1000 },
		"names 65 cohorts":                func(w *world, _ *dataset) { w.rec.Streams[0].Cohorts = make([]string, maxCohorts+1) },
		"a cohort with 65 bytes":          func(w *world, _ *dataset) { w.rec.Streams[0].Cohorts[0] = strings.Repeat("x", maxName+1) },
	} {
		w := build(usual())
		w.rec.Streams[0].Cohorts = slices.Clone(w.rec.Streams[0].Cohorts)
		d := readDataset(w.rec, w)
		spoil(w, d)
		if s := d.readSeries(w.rec.Streams[0], w); s.Err == nil || !strings.Contains(s.Err.Error(), want) {
			t.Errorf("%v, want %q", s.Err, want)
		}
	}
	w := build(usual())
	for _, n := range []int{0, maxAnswers + 1} {
		w.answers["replication.heartbeat west.db"] = make([]harness.Observation, n)
		if a := readAnswers(w.rec.Probes[0], w); (a.Err != nil) != (n > maxAnswers) {
			t.Errorf("%d answers: %v", n, a.Err)
		}
	}
	w.answers["replication.heartbeat west.db"] = []harness.Observation{{At: harness.Interval{Lo: 2}}, {At: harness.Interval{Lo: 1}}}
	if a := readAnswers(w.rec.Probes[0], w); a.Err == nil || !strings.Contains(a.Err.Error(), "comes after") {
		t.Errorf("answers out of order: %v", a.Err)
	}
}

// A sample that cannot be read a second time is no sample: the cohort is not judged.
func TestASampleThatIsGoneIsAnError(t *testing.T) {
	w := build(usual())
	d := readDataset(w.rec, w)
	gone := errors.New("gone")
	for i := range d.series {
		d.series[i].samples.record = func(int) (loadgen.Sample, error) { return loadgen.Sample{}, gone }
	}
	if s := d.cohortOutage(fileQueries, "fresh", d.tf); !errors.Is(s.err, gone) {
		t.Errorf("%v", s.err)
	}
	if _, err := sampleAt(w, idQueries, 1<<30); err == nil {
		t.Error("a sample beyond the end was found")
	}
}
