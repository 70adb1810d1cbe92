package facts

import (
	"iter"

	"blackstart/harness"
	"blackstart/harness/measure"
)

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
		for _, err := range src.Observations(p.Probe, p.On) {
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
			for o, err := range s.src.Observations(p.Probe, p.On) {
				if err != nil || !yield(o) {
					return
				}
			}
		}
	}
}
