package facts

import (
	"io/fs"
	"math"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// Limits of what a chart shows.
const (
	maxPoints = 20_000 // of one series of observations
	maxBars   = 400    // of one chart: more could not be told apart
)

// barWidths are the widths that a bar may have, in ns.
var barWidths = []int64{250e6, 500e6, 1e9, 2e9, 5e9, 10e9, 30e9, 60e9, 300e9, 900e9}

// Curve is one line over time: T in seconds since moment 0, ascending; V the values, NaN where there is none.
type Curve struct {
	Of   string // load or component, "" if there is none
	T, V []float64
}

// Curves are the numbers behind the charts of a drill. They are made without anything being judged.
type Curves struct {
	P50, P99 Curve   // latency from the due time, in ms, of the first load that asks questions
	Success  []Curve // percent of what was due, by load
	Age      []Curve // of the heartbeat row, in seconds, by standby
	Outcomes Stacks
}

// Stacks counts the requests of one load by how they ended, over when they were due.
type Stacks struct {
	Known           bool
	Load            string
	FromNS, WidthNS int64 // of the first bar, ns since moment 0; of each, ns
	Counts          [loadgen.NumOutcomes][]float64
}

// CurvesOf finds the numbers behind the charts, of loads as Loads gives them.
func CurvesOf(rec *harness.Record, loads []Load, fsys fs.FS) Curves {
	src := measure.Files(fsys, rec)
	c := Curves{Age: ages(rec, src), Outcomes: stacksOf(rec, src, loads)}
	found := false
	for _, l := range loads {
		success, p50, p99 := Curve{Of: l.Stream.Load}, Curve{Of: l.Stream.Load}, Curve{Of: l.Stream.Load}
		whole := l.Err == nil && l.halvesErr == nil // of a torn file the report says so, the chart shows no data
		if whole {
			for _, h := range l.halves {
				at := (float64(h.number) + 0.5) * halfNS / 1e9
				success.T, success.V = append(success.T, at), append(success.V, 100*float64(h.ok)/float64(h.due))
				p50.V, p99.V = append(p50.V, h.p50), append(p99.V, h.p99)
			}
			c.Success = append(c.Success, success)
		}
		if l.Stream.Traits().Questions && !found {
			if found = true; whole {
				p50.T, p99.T = success.T, success.T
				c.P50, c.P99 = p50, p99
			}
		}
	}
	return c
}

// ages follows the age of the heartbeat row as each standby has it.
func ages(rec *harness.Record, src measure.Source) []Curve {
	var all []Curve
	zero, s := Zero(rec), seriesOf(rec, src, harness.ProbeHeartbeat)
	for k, p := range s.of {
		c, i, step := Curve{Of: p.On}, 0, s.counts[k]/maxPoints+1
		for o, err := range src.Observations(p) {
			if err != nil {
				break
			}
			if i++; (i-1)%step != 0 {
				continue
			}
			v := math.NaN()
			if ageKnown(o) {
				v = float64(o.Value) / 1e9
			}
			c.T, c.V = append(c.T, o.At.Hi.Sub(zero).Seconds()), append(c.V, v)
		}
		all = append(all, c)
	}
	return all
}

// usersOf finds the load that objectives on users speak of, else the first of people's queries, else the first of all.
func usersOf(rec *harness.Record, loads []Load) (best Load) {
	rank := 0
	for _, l := range loads {
		r := 1
		if l.Stream.Traits().Questions {
			r = 2
		}
		for _, o := range rec.Scenario.Objectives {
			if of := measure.RowOf(o.Measure); o.Load == l.Stream.Load && of.Load && !of.Ledger {
				r = 3
			}
		}
		if r > rank {
			best, rank = l, r
		}
	}
	return best
}

// stacksOf counts the users' samples in bars of due time.
func stacksOf(rec *harness.Record, src measure.Source, loads []Load) Stacks {
	l := usersOf(rec, loads)
	if l.Err != nil || l.All == 0 {
		return Stacks{}
	}
	s := Stacks{Known: true, Load: l.Stream.Load, WidthNS: barWidths[len(barWidths)-1]}
	offset := int64(rec.Anchor - Zero(rec))
	first, last := l.first+offset, l.last+offset
	for _, w := range barWidths {
		if (last-first)/w < maxBars {
			s.WidthNS = w
			break
		}
	}
	s.FromNS = int64(math.Floor(float64(first)/float64(s.WidthNS))) * s.WidthNS
	n := (last-s.FromNS)/s.WidthNS + 1
	if last-first < 0 || s.FromNS > first || n > maxBars+1 {
		return s // due times that no schedule gives: validity says so
	}
	for one, err := range src.Samples(l.Stream.ID, 0) {
		if err != nil {
			continue
		}
		if s.Counts[one.Outcome] == nil {
			s.Counts[one.Outcome] = make([]float64, n)
		}
		s.Counts[one.Outcome][(one.Due+offset-s.FromNS)/s.WidthNS]++
	}
	return s
}
