package evidence

import (
	"fmt"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// ended is how many requests of a cohort ended in one way, and when the first and the last of them were due.
type ended struct {
	n           int
	first, last int64
}

// outcomeRows counts the requests of every load and cohort by how they ended, from the first to the last of the drill.
func (v *view) outcomeRows() []reports.Outcome {
	var rows []reports.Outcome
	for _, s := range v.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		counts, err := v.endings(s)
		if err != nil {
			rows = append(rows, reports.Outcome{Load: s.Load, Class: "its file is not whole: " + err.Error()})
			continue
		}
		for cohort := range counts {
			rows = append(rows, v.cohortRows(s, cohort, counts[cohort])...)
		}
	}
	return rows
}

// endings counts the samples of a stream, for each of its cohorts and outcomes.
func (v *view) endings(s harness.Stream) ([][loadgen.NumOutcomes]ended, error) {
	counts := make([][loadgen.NumOutcomes]ended, max(1, len(s.Cohorts)))
	for one, err := range v.src.Samples(s.ID, 0) {
		if err != nil {
			return nil, err
		}
		if int(one.Cohort) >= len(counts) {
			continue
		}
		c := &counts[one.Cohort][one.Outcome]
		if c.n++; c.n == 1 {
			c.first = one.Due
		}
		c.last = one.Due
	}
	return counts, nil
}

func (v *view) cohortRows(s harness.Stream, cohort int, classes [loadgen.NumOutcomes]ended) []reports.Outcome {
	all := 0
	for _, c := range classes {
		all += c.n
	}
	name := ""
	if cohort < len(s.Cohorts) {
		name = s.Cohorts[cohort]
	}
	at := func(due int64) string {
		return v.since(v.rec.Anchor + harness.Stamp(due))
	}
	var rows []reports.Outcome
	for o, c := range classes {
		if c.n == 0 {
			continue
		}
		rows = append(rows, reports.Outcome{Load: s.Load, Cohort: name, Class: classWords(v.rec, loadgen.Outcome(o)), Count: measure.Count(int64(c.n)),
			Share: share(c.n, all), First: at(c.first), Last: at(c.last)})
	}
	return rows
}

// share prints a part of a whole with one decimal; what is there is never printed as nothing, nor as all if it is not.
func share(n, of int) string {
	tenths := (n*1000 + of/2) / of
	switch {
	case n > 0 && tenths == 0:
		return "under 0.1 %"
	case n < of && tenths == 1000:
		return "over 99.9 %"
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}
