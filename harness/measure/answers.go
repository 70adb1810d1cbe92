package measure

import (
	"fmt"
	"iter"
	"slices"
	"sort"

	"blackstart/harness"
)

// Kinds of judged answers. An answer is of one kind: the first of foreign, stale, wrong that it is.
const (
	AnswerRight   = "right"
	AnswerForeign = "foreign" // it shows what belongs to another namespace than was asked
	AnswerStale   = "stale"   // it shows older data than was acknowledged long enough before
	AnswerWrong   = "wrong"   // another document than the right one came first
)

// MarkerQuestion is the id of the question that asks for the marker.
const MarkerQuestion = "marker"

// JudgedAnswer is one answer to a known question, or to the marker's, and what is to be said of it.
type JudgedAnswer struct {
	Kind   string
	At     harness.Interval // from before the question to after the answer
	Answer harness.Answer
	Newest int64 // of the marker: the newest version that had been acknowledged long enough before
}

// String says what is wrong with the answer.
func (j JudgedAnswer) String() string {
	a := j.Answer
	by := fmt.Sprintf("by build %s in %s", orUnnamed(a.Build), orUnnamed(a.Region))
	switch j.Kind {
	case AnswerForeign:
		return fmt.Sprintf("%s, asked in %s, answered with %s of another namespace %s", a.Question, a.Namespace, a.Foreign[0], by)
	case AnswerStale:
		return fmt.Sprintf("%s answered version %d %s, although %d had been acknowledged", a.Question, a.Version, by, j.Newest)
	}
	return fmt.Sprintf("%s answered %s %s, right is %s", a.Question, orNone(a.First), by, orNone(a.Right))
}

func orUnnamed(s string) string {
	if s == "" {
		return "that is not named"
	}
	return s
}

// answered tells whether an observation is an answer that a client was given. Nothing reached, or an error, is no answer and
// therefore not a wrong one.
func answered(o harness.Observation) bool {
	a := o.Answer
	return a != nil && !a.Wrote && o.Reached && o.At.Lo > 0 && (o.OK || a.First != "" || len(a.Foreign) > 0)
}

// JudgeAnswers judges every answer in observations that was asked for within span, in their order, the right ones too. With
// staleAfter (ns) above 0, an answer that shows an older version of the marker than one that had been acknowledged by
// staleAfter before it was asked for is stale. It goes through observations twice and keeps none of them.
func JudgeAnswers(observations iter.Seq[harness.Observation], span harness.Interval, staleAfter int64) iter.Seq[JudgedAnswer] {
	return judgedAnswers(observations, acknowledged(observations), span, staleAfter)
}

// judgedAnswers is JudgeAnswers where the versions that were acknowledged among observations are known.
func judgedAnswers(observations iter.Seq[harness.Observation], written []markerVersion, span harness.Interval, staleAfter int64) iter.Seq[JudgedAnswer] {
	return func(yield func(JudgedAnswer) bool) {
		for o := range observations {
			if answered(o) && o.At.Lo >= span.Lo && o.At.Lo <= span.Hi && !yield(judgeAnswer(o, written, staleAfter)) {
				return
			}
		}
	}
}

func judgeAnswer(o harness.Observation, written []markerVersion, staleAfter int64) JudgedAnswer {
	j := JudgedAnswer{Kind: AnswerRight, At: o.At, Answer: *o.Answer}
	marker := j.Answer.Question == MarkerQuestion
	if marker && staleAfter > 0 {
		j.Newest = newestBy(written, o.At.Lo-harness.Stamp(staleAfter))
	}
	switch {
	case len(j.Answer.Foreign) > 0:
		j.Kind = AnswerForeign
	case marker && j.Newest > j.Answer.Version:
		j.Kind = AnswerStale
	case !marker && j.Answer.First != j.Answer.Right:
		j.Kind = AnswerWrong
	}
	return j
}

// markerVersion is one version of the marker, or a newer one, acknowledged by at.
type markerVersion struct {
	at harness.Stamp
	n  int64
}

// acknowledged lists when which version of the marker had been acknowledged, in order of time and of version.
func acknowledged(observations iter.Seq[harness.Observation]) []markerVersion {
	var all []markerVersion
	for o := range observations {
		if a := o.Answer; a != nil && a.Wrote && o.Reached && o.OK {
			all = append(all, markerVersion{o.At.Hi, a.Version})
		}
	}
	slices.SortStableFunc(all, func(a, b markerVersion) int { return int(max(-1, min(1, a.at-b.at))) })
	for i := 1; i < len(all); i++ {
		all[i].n = max(all[i].n, all[i-1].n)
	}
	return all
}

func newestBy(all []markerVersion, at harness.Stamp) int64 {
	n := sort.Search(len(all), func(i int) bool { return all[i].at > at })
	if n == 0 {
		return 0
	}
	return all[n-1].n
}

// Contrast is one known question with a wrong answer and the right one, as they came.
type Contrast struct {
	Wrong JudgedAnswer
	Right JudgedAnswer // Kind "" if the question was never answered rightly
}

// StaleAfter is when an answer is stale, in ns, by the first objective that says so; 0 if none does.
func StaleAfter(rec *harness.Record) int64 {
	for _, o := range rec.Scenario.Objectives {
		if RowOf(o.Measure).Questions && o.StaleAfter > 0 {
			return int64(o.StaleAfter)
		}
	}
	return 0
}
