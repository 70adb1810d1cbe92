package facts

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxContrasts bounds how many wrong answers are shown; all of them stand in the observations.
const maxContrasts = 6

// Answers are those to the questions whose right answers are known, from the first fault to the end of the observation.
type Answers struct {
	File            string // where every answer stands, "" if nobody asked
	Asked, Answered int
	Counts          map[string]int // by kind
	// Contrasts are the first that were not right, one of each kind to each question, each with the right one that came nearest
	// before it, or else after it.
	Contrasts []measure.Contrast
}

func answers(rec *harness.Record, src measure.Source, from harness.Stamp) Answers {
	i := slices.IndexFunc(rec.Probes, func(p harness.ProbeSeries) bool { return p.Probe == harness.ProbeAnswers })
	if i < 0 {
		return Answers{}
	}
	a := Answers{File: rec.Probes[i].File, Counts: map[string]int{}}
	all, end, stale := seriesOf(rec, src, harness.ProbeAnswers).all(), rec.Observation.Hi, measure.StaleAfter(rec)
	for o := range all {
		if o.Answer != nil && !o.Answer.Wrote && o.At.Lo >= from && o.At.Lo <= end {
			a.Asked++
		}
	}
	type subject struct{ kind, question string }
	seen := map[subject]bool{}
	for j := range measure.JudgeAnswers(all, harness.Interval{Lo: from, Hi: end}, stale) {
		a.Counts[j.Kind]++
		a.Answered++
		of := subject{j.Kind, j.Answer.Question}
		if j.Kind != measure.AnswerRight && !seen[of] && len(a.Contrasts) < maxContrasts {
			seen[of] = true
			a.Contrasts = append(a.Contrasts, measure.Contrast{Wrong: j})
		}
	}
	for i := range a.Contrasts {
		c := &a.Contrasts[i]
		for r := range measure.JudgeAnswers(all, harness.Interval{Lo: 1, Hi: end}, stale) {
			if r.Kind != measure.AnswerRight || r.Answer.Question != c.Wrong.Answer.Question {
				continue
			}
			if r.At.Lo > c.Wrong.At.Lo && c.Right.Kind != "" {
				break
			}
			c.Right = r
		}
	}
	return a
}
