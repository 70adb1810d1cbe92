package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// What the Record calls the kinds of stream.
const (
	kindSamples = "samples"
	kindLedger  = "ledger"
	cohortFresh = "fresh" // the cohort that a metronome without cohorts stands for
)

const (
	// maxStreams and maxProbes bound what a record may name of each.
	maxStreams, maxProbes = 64, 256
)

// dataset is a Record with all its files read once.
type dataset struct {
	rec    *harness.Record
	src    Source
	series []Series
	writes []Writes
	probes []Answers
	tf     harness.Interval // T_f of the first clock; never if there is none, or it was not confirmed
	clocks []clock          // in order of time; one at least
	cuts   []cut            // between the losses of several clocks
	wall   harness.Interval // bounds of the target's wall clock minus the drill's, as an interval of ns
	faults []Bounds         // when the faults came into force that losses are counted from; at 0 the zero value
	bits   int              // of memory that samples may still take

	codes       *outcomeNames
	exponent    uint8                      // of all amounts
	commits     forkedLog                  // the old primary's log after the fork
	fork        *forkComparison            // that log against the clients' attempts; nil until it was asked for
	outagesSeen map[outageKey]cohortOutage // what was already worked out
	ledgers     map[string]loadLedger      // by load
	ackCounts   map[exposureKey]ackCounts
}

func readDataset(rec *harness.Record, src Source) *dataset {
	d := &dataset{rec: rec, src: src, codes: namesOf(rec), exponent: exponentOf(rec), bits: maxBits, outagesSeen: map[outageKey]cohortOutage{}, ledgers: map[string]loadLedger{}, ackCounts: map[exposureKey]ackCounts{}}
	for i, c := range rec.Clock {
		w := harness.Stamp(c.WallMinusNS)
		if i == 0 {
			d.wall = harness.Interval{Lo: w, Hi: w}
		}
		d.wall.Lo, d.wall.Hi = min(d.wall.Lo, w), max(d.wall.Hi, w)
	}
	d.clocks = clocksOf(rec)
	d.tf = d.clocks[0].tf
	for i, p := range rec.Probes {
		if i >= maxProbes {
			d.probes = append(d.probes, Answers{Series: p, Err: fmt.Errorf("the record names more than %d probes", maxProbes), Each: none})
			break
		}
		d.probes = append(d.probes, readAnswers(p, src))
	}
	d.faults, d.cuts = d.lossFaults(), d.lossCuts()
	for i, s := range rec.Streams {
		if i >= maxStreams {
			d.series = append(d.series, Series{Stream: s, samples: newColumn(s, 0, nil), Err: fmt.Errorf("the record names more than %d streams", maxStreams)})
			break
		}
		switch s.Kind {
		case kindSamples:
			d.series = append(d.series, d.readSeries(s, src))
		case kindLedger:
			d.writes = append(d.writes, d.readWrites(s, src))
		}
	}
	d.commits = readCommits(rec, src)
	return d
}

func none(func(harness.Observation) bool) {}

// lossFaults lists when the faults came into force that a loss can be counted from.
func (d *dataset) lossFaults() []Bounds {
	all := []Bounds{{}}
	var from []origin
	for _, c := range d.clocks {
		from = append(from, c.origin)
	}
	for _, o := range d.rec.Scenario.Objectives {
		from = append(from, originOf(o))
	}
	for _, origin := range from {
		if b, err := d.faultBounds(origin); err == nil && !slices.Contains(all, b) && len(all) < maxStreams {
			all = append(all, b)
		}
	}
	return all
}

// InForce finds T_f, the interval in which the first fault that starts a clock came into force. It is an error if there is no
// such fault, or if it was not confirmed.
func InForce(rec *harness.Record) (harness.Interval, error) {
	f, err := faultOf(rec, origin{})
	return f.InForce, err
}

// null tells whether nothing was to be broken.
func (d *dataset) null() bool { return len(d.rec.Scenario.Faults) == 0 }

// sinceAnchor gives a moment in ns since the anchor.
func (d *dataset) sinceAnchor(s harness.Stamp) int64 { return int64(s - d.rec.Anchor) }

// seriesOf finds the sample stream of a load.
func (d *dataset) seriesOf(load string) (Series, bool) {
	i := slices.IndexFunc(d.series, func(s Series) bool { return s.Stream.Load == load })
	if i < 0 {
		return Series{}, false
	}
	return d.series[i], true
}

// Cohort is what one population of clients saw, all in order of due.
type Cohort struct {
	Load, Name string
	All        cohortSamples // every due request of the load, all cohorts
	Own        cohortSamples // those of this cohort
	Edges      cohortSamples // the samples that time the edges: the metronome's, or Own
	Ahead      Bounds        // of the drill's clock, in ns: the clock of all these samples
	EdgeEvery  int64         // ns between two of Edges, on average
	Metronome  bool          // Edges are a metronome's
	Files      []string      // where all this is in the pack
}

// cohort collects what cohort name of a load saw. A load without cohorts has one, named "".
func (d *dataset) cohort(load, name string) (Cohort, error) {
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
	own := s.samples.all()
	if len(names) > 0 {
		index := slices.Index(names, name)
		if index < 0 {
			return Cohort{}, fmt.Errorf("load %q has no cohort %q, only %v", load, name, names)
		}
		own = s.samples.of(index)
	}
	c := Cohort{
		Load: load, Name: name, All: s.samples.all(), Own: own, Ahead: d.ahead(s.Stream), Files: []string{s.Stream.File},
	}
	d.setEdges(&c, s.Stream)
	return c, nil
}

// setEdges chooses the samples that time the edges: those of a metronome at the same place, by the same clock, that stands for
// the cohort, else the cohort's own.
func (d *dataset) setEdges(c *Cohort, of harness.Stream) {
	c.Edges, c.EdgeEvery = c.Own, c.Own.every()
	if t := of.Traits(); t.Edges || t.Ledger || !slices.Contains(t.Cohorts, c.Name) {
		return // of a load whose clients come in no such cohort nobody else times the edges
	}
	for _, m := range d.series {
		if !m.Stream.Traits().Edges || m.Stream.Place != of.Place || m.Stream.Host != of.Host || m.Err != nil || m.n() == 0 {
			continue
		}
		edges := m.samples.all()
		index := slices.Index(m.Stream.Cohorts, c.Name)
		if len(m.Stream.Cohorts) == 0 && c.Name != cohortFresh || len(m.Stream.Cohorts) > 0 && index < 0 {
			continue
		}
		if len(m.Stream.Cohorts) > 1 {
			edges = m.samples.of(index)
		}
		c.Edges, c.EdgeEvery, c.Metronome = edges, edges.every(), true
		c.Files = append(c.Files, m.Stream.File)
		return
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "no reason was recorded"
	}
	return s
}
