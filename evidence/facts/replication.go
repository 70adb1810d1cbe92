package facts

import (
	"iter"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// Replication tells with data of which age the target failed over.
type Replication struct {
	Known bool // it decided to, and somebody could tell
	AgeNS int64
	At    harness.Stamp // when it decided
}

func replicationOf(log Log, beats series) (r Replication) {
	promoted, did := log.First(Promoted)
	if !did {
		return r
	}
	r.At = promoted.At
	if declared, ok := log.First(Declared); ok {
		r.At = declared.At
	}
	r.AgeNS, r.Known = ageAt(beats, r.At)
	return r
}

// ageAt is how old the standby's data was at a moment, in ns, by the last heartbeat that was read before it.
func ageAt(beats series, at harness.Stamp) (age int64, ok bool) {
	for o := range beats.all() {
		if o.At.Hi > at {
			break
		}
		if ageKnown(o) {
			age, ok = o.Value+int64(at-o.At.Hi), true
		}
	}
	return age, ok
}

// ageKnown tells whether an answer of the heartbeat says how old the data of a standby is. A node that was promoted is none.
func ageKnown(o harness.Observation) bool {
	return o.Reached && o.OK && o.Unit == harness.UnitNS && o.Value >= 0 && !strings.HasPrefix(o.Detail, "role=promoted")
}

// OfReplication tells whether a drill is about replication: a fault was to let the standby's data get old, or an objective asks
// how old it was.
func OfReplication(rec *harness.Record) bool {
	return slices.ContainsFunc(rec.Faults, func(f harness.FaultRecord) bool { return f.Plan.Ages() }) ||
		slices.ContainsFunc(rec.Scenario.Objectives, func(o harness.Objective) bool { return measure.RowOf(o.Measure).Standby })
}

// series are the answers that one probe recorded, wherever it asked. A file that is not whole is left out.
type series struct {
	src    measure.Source
	of     []harness.ProbeSeries
	counts []int // of answers, of each
}

func seriesOf(rec *harness.Record, src measure.Source, probe string) series {
	s := series{src: src}
	for _, p := range rec.Probes {
		if p.Probe != probe {
			continue
		}
		n, whole := 0, true
		for _, err := range src.Observations(p) {
			if err != nil {
				whole = false
				break
			}
			n++
		}
		if whole {
			s.of, s.counts = append(s.of, p), append(s.counts, n)
		}
	}
	return s
}

func (s series) all() iter.Seq[harness.Observation] {
	return func(yield func(harness.Observation) bool) {
		for _, p := range s.of {
			for o, err := range s.src.Observations(p) {
				if err != nil || !yield(o) {
					return
				}
			}
		}
	}
}
