package words

import (
	"fmt"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// knownAnswers tells how the questions were answered whose answers are known.
func knownAnswers(a facts.Answers, f harness.Findings, z zero) KnownAnswers {
	if a.File == "" {
		return KnownAnswers{}
	}
	count := func(kind string) string { return measure.Count(int64(a.Counts[kind])) }
	k := KnownAnswers{
		File: a.File, Asked: fmt.Sprintf("asked %s, answered %s", measure.Count(int64(a.Asked)), measure.Count(int64(a.Answered))),
		Right: count(measure.AnswerRight), Wrong: count(measure.AnswerWrong), Stale: count(measure.AnswerStale), Foreign: count(measure.AnswerForeign),
	}
	switch m, ok := facts.Find(f, measure.MeasureWrong); {
	case ok && m.Known:
		k.Note = "Probe and clients together, which is what is judged: " + m.Detail + "."
	case ok:
		k.Note = "Not judged: " + m.Detail + "."
	}
	for _, c := range a.Contrasts {
		k.First = append(k.First, contrast(c, z))
	}
	return k
}

func contrast(c measure.Contrast, z zero) Answer {
	a := c.Wrong.Answer
	row := Answer{At: z.since(c.Wrong.At.Lo), Question: a.Question + " (" + a.Namespace + "): " + a.Text, Kind: c.Wrong.Kind, Got: a.First, By: by(a), Right: a.Right}
	switch c.Wrong.Kind {
	case measure.AnswerStale:
		row.Got, row.Right = fmt.Sprintf("version %d", a.Version), fmt.Sprintf("version %d or newer", c.Wrong.Newest)
	case measure.AnswerForeign:
		row.Got += "; of another namespace: " + a.Foreign[0]
	}
	if c.Right.Kind != "" {
		row.RightBy = by(c.Right.Answer) + " gave at " + z.since(c.Right.At.Lo)
	}
	return row
}

// contrastWords says what was wrong with an answer, and who answered rightly.
func contrastWords(c measure.Contrast, z zero) string {
	a := contrast(c, z)
	text := fmt.Sprintf("%s answered %s by %s; right is %s", c.Wrong.Answer.Question, orWord(a.Got, "nothing"), a.By, orWord(a.Right, "nothing"))
	return joined(text, ", which ", a.RightBy)
}

// by says who answered.
func by(a harness.Answer) string {
	if a.Build == "" && a.Region == "" {
		return ""
	}
	return fmt.Sprintf("build %s in %s", orWord(a.Build, "without a name"), orWord(a.Region, "a region without a name"))
}
