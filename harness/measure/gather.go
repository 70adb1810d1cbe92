package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/loadgen"
)

// What the Record calls the kinds of stream, and the workloads that mean something here.
const (
	kindSamples       = "samples"
	kindLedger        = "ledger"
	workloadMetronome = "metronome"
	workloadLedger    = "postgres.ledger"
	cohortFresh       = "fresh" // the cohort that a metronome without cohorts stands for
)

// Series is what a load's sample stream holds. Samples are in order of seq, which is the order of due.
type Series struct {
	Stream  harness.Stream
	Samples []loadgen.Sample
	Err     error // why it could not be read
}

// Writes is what a ledger stream holds, in order of id.
type Writes struct {
	Stream   harness.Stream
	Attempts []Attempt
	Err      error
}

// Answers is what a probe found, in order of time.
type Answers struct {
	Series       harness.ProbeSeries
	Observations []harness.Observation
	Err          error
}

// drill is a Record with all its files read.
type drill struct {
	rec    *harness.Record
	series []Series
	writes []Writes
	probes []Answers
	tf     harness.Interval // T_f; never if there is none, or it was not confirmed
	wall   harness.Interval // bounds of the target's wall clock minus the drill's, as an interval of ns

	seenBy  map[view]seen       // what was already worked out
	ledgers map[string]ledgerOf // by load
}

func gather(rec *harness.Record, src Source) *drill {
	d := &drill{rec: rec, seenBy: map[view]seen{}, ledgers: map[string]ledgerOf{}}
	for _, s := range rec.Streams {
		switch s.Kind {
		case kindSamples:
			all, err := src.Samples(s.ID)
			d.series = append(d.series, Series{s, all, err})
		case kindLedger:
			all, err := src.Attempts(s.ID)
			d.writes = append(d.writes, Writes{s, all, err})
		}
	}
	for _, p := range rec.Probes {
		all, err := src.Observations(p.Probe, p.On)
		d.probes = append(d.probes, Answers{p, all, err})
	}
	for i, c := range rec.Clock {
		w := harness.Stamp(c.WallMinusNS)
		if i == 0 {
			d.wall = harness.Interval{Lo: w, Hi: w}
		}
		d.wall.Lo, d.wall.Hi = min(d.wall.Lo, w), max(d.wall.Hi, w)
	}
	d.tf, _ = InForce(rec)
	return d
}

// InForce finds T_f, the interval in which the fault that starts the clock came into force. It is an error if there is not
// exactly one such fault, or if it was not confirmed.
func InForce(rec *harness.Record) (harness.Interval, error) {
	f, err := faultOf(rec, "")
	return f.InForce, err
}

// null tells whether nothing was to be broken.
func (d *drill) null() bool { return len(d.rec.Scenario.Faults) == 0 }

// rel gives a moment in ns since the anchor.
func (d *drill) rel(s harness.Stamp) int64 { return int64(s - d.rec.Anchor) }

// seriesOf finds the sample stream of a load.
func (d *drill) seriesOf(load string) (Series, bool) {
	i := slices.IndexFunc(d.series, func(s Series) bool { return s.Stream.Load == load })
	if i < 0 {
		return Series{}, false
	}
	return d.series[i], true
}

// Cohort is what one population of clients saw, all in order of due.
type Cohort struct {
	Load, Name  string
	All         []loadgen.Sample // every due request of the load, all cohorts
	Own         []loadgen.Sample // those of this cohort
	Edges       []loadgen.Sample // the samples that time the edges: the metronome's, or Own
	Timeout     int64            // ns; of Own
	EdgeTimeout int64            // ns; of Edges
	EdgeEvery   int64            // ns between two of Edges, on average
	Metronome   bool             // Edges are a metronome's
	Files       []string         // where all this is in the pack
}

// cohort collects what cohort name of a load saw. A load without cohorts has one, named "".
func (d *drill) cohort(load, name string) (Cohort, error) {
	s, ok := d.seriesOf(load)
	if !ok {
		return Cohort{}, fmt.Errorf("there is no stream of load %q", load)
	}
	if s.Err != nil {
		return Cohort{}, s.Err
	}
	names := s.Stream.Cohorts
	if name == "" && len(names) > 1 {
		return Cohort{}, fmt.Errorf("load %q has the cohorts %v and the objective names none of them", load, names)
	}
	if name == "" && len(names) == 1 {
		name = names[0]
	}
	own := s.Samples
	if len(names) > 0 {
		index := slices.Index(names, name)
		if index < 0 {
			return Cohort{}, fmt.Errorf("load %q has no cohort %q, only %v", load, name, names)
		}
		own = ofCohort(s.Samples, index)
	}
	c := Cohort{
		Load: load, Name: name, All: s.Samples, Own: own, Timeout: s.Stream.TimeoutNS,
		Files: []string{s.Stream.File},
	}
	d.setEdges(&c, s.Stream)
	return c, nil
}

// setEdges chooses the samples that time the edges: those of a metronome at the same place that stands for the cohort,
// else the cohort's own.
func (d *drill) setEdges(c *Cohort, of harness.Stream) {
	c.Edges, c.EdgeTimeout, c.EdgeEvery = c.Own, c.Timeout, every(c.Own)
	if of.Workload == workloadMetronome || of.Workload == workloadLedger {
		return
	}
	for _, m := range d.series {
		if m.Stream.Workload != workloadMetronome || m.Stream.Place != of.Place || m.Err != nil || len(m.Samples) == 0 {
			continue
		}
		edges := m.Samples
		index := slices.Index(m.Stream.Cohorts, c.Name)
		if len(m.Stream.Cohorts) == 0 && c.Name != cohortFresh || len(m.Stream.Cohorts) > 0 && index < 0 {
			continue
		}
		if len(m.Stream.Cohorts) > 1 {
			edges = ofCohort(edges, index)
		}
		c.Edges, c.EdgeTimeout, c.Metronome = edges, m.Stream.TimeoutNS, true
		c.EdgeEvery = every(edges)
		c.Files = append(c.Files, m.Stream.File)
		return
	}
}

func ofCohort(samples []loadgen.Sample, index int) []loadgen.Sample {
	var own []loadgen.Sample
	for _, s := range samples {
		if int(s.Cohort) == index {
			own = append(own, s)
		}
	}
	return own
}

// every is the mean time between the due times of two samples, in ns.
func every(samples []loadgen.Sample) int64 {
	n := int64(len(samples)) - 1
	if n < 1 {
		return 0
	}
	return (samples[n].Due - samples[0].Due) / n
}

func orUnknown(s string) string {
	if s == "" {
		return "no reason was recorded"
	}
	return s
}
