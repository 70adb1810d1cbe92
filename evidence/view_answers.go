package evidence

import (
	"fmt"
	"iter"
	"slices"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxContrasts bounds how many answers a report shows; all of them stand in the observations.
const maxContrasts = 6

// judged are the answers that the probe was given from the first fault to the end of the observation, each with its kind.
func (v *view) judged() iter.Seq[measure.Judged] {
	return measure.JudgeAnswers(v.observations(harness.ProbeAnswers), harness.Interval{Lo: v.firstFault(), Hi: v.rec.Observation.Hi}, measure.StaleAfter(v.rec))
}

// known tells how the questions were answered whose answers are known.
func (v *view) known() reports.Known {
	i := slices.IndexFunc(v.rec.Probes, func(p harness.ProbeSeries) bool { return p.Probe == harness.ProbeAnswers })
	if i < 0 {
		return reports.Known{}
	}
	k := reports.Known{File: v.rec.Probes[i].File}
	if m, ok := v.found(measure.MeasureWrong); ok {
		k.Note = "Probe and clients together, which is what is judged: " + m.Detail + "."
		if !m.Known {
			k.Note = "Not judged: " + m.Detail + "."
		}
	}
	counts, all := map[string]int{}, 0
	for j := range v.judged() {
		counts[j.Kind]++
		all++
	}
	asked := 0
	for o := range v.observations(harness.ProbeAnswers) {
		if o.Answer != nil && !o.Answer.Wrote && o.At.Lo >= v.firstFault() && o.At.Lo <= v.rec.Observation.Hi {
			asked++
		}
	}
	count := func(kind string) string { return measure.Count(int64(counts[kind])) }
	k.Asked = fmt.Sprintf("asked %s, answered %s", measure.Count(int64(asked)), measure.Count(int64(all)))
	k.Right, k.Wrong, k.Stale, k.Foreign = count(measure.AnswerRight), count(measure.AnswerWrong), count(measure.AnswerStale), count(measure.AnswerForeign)
	for _, c := range v.contrasts() {
		k.First = append(k.First, v.contrast(c))
	}
	return k
}

// contrasts are the first wrong answers, one of each kind to each question, each with the right one that came nearest before
// it, or else after it.
func (v *view) contrasts() []measure.Contrast {
	var out []measure.Contrast
	ever := measure.JudgeAnswers(v.observations(harness.ProbeAnswers), harness.Interval{Lo: 1, Hi: v.rec.Observation.Hi}, measure.StaleAfter(v.rec))
	seen := map[string]bool{}
	for j := range v.judged() {
		key := j.Kind + " " + j.Answer.Question
		if len(out) == maxContrasts {
			break
		}
		if j.Kind == measure.AnswerRight || seen[key] {
			continue
		}
		seen[key] = true
		c := measure.Contrast{Wrong: j}
		for r := range ever {
			if r.Kind != measure.AnswerRight || r.Answer.Question != j.Answer.Question {
				continue
			}
			if r.At.Lo > j.At.Lo && c.Right.Kind != "" {
				break
			}
			c.Right = r
		}
		out = append(out, c)
	}
	return out
}

func (v *view) contrast(c measure.Contrast) reports.Answer {
	a := c.Wrong.Answer
	row := reports.Answer{At: v.since(c.Wrong.At.Lo), Question: a.Question + " (" + a.Namespace + "): " + a.Text, Kind: c.Wrong.Kind, Got: a.First, By: by(a), Right: a.Right}
	switch c.Wrong.Kind {
	case measure.AnswerStale:
		row.Got, row.Right = fmt.Sprintf("version %d", a.Version), fmt.Sprintf("version %d or newer", c.Wrong.Newest)
	case measure.AnswerForeign:
		row.Got += "; of another namespace: " + a.Foreign[0]
	}
	if c.Right.Kind != "" {
		row.RightBy = by(c.Right.Answer) + " gave at " + v.since(c.Right.At.Lo)
	}
	row.Got, row.By, row.RightBy = v.redact.Text(row.Got), v.redact.Text(row.By), v.redact.Text(row.RightBy)
	return row
}

// by says who answered.
func by(a harness.Answer) string {
	if a.Build == "" && a.Region == "" {
		return ""
	}
	return fmt.Sprintf("build %s in %s", orWord(a.Build, "without a name"), orWord(a.Region, "a region without a name"))
}
