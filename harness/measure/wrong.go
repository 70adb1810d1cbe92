package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
)

// MeasureWrong counts the wrong answers that clients were given.
const MeasureWrong = "answers.wrong"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureWrong, Title: "wrong answers", Doc: "wrong, stale and foreign answers that clients were given", Unit: harness.UnitCount,
		Load: true, Questions: true, Fault: true, Probes: []string{probeAnswers},
	},
	Formula: "wrong answers",
	Find: func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.wrong(o.Load, int64(o.StaleAfter), d.windowOf(o))
	},
	Files: func(d *Dataset, o harness.Objective) []string {
		all := d.probeFiles(probeAnswers)
		for _, s := range d.series {
			if s.Stream.Traits().Questions && (o.Load == "" || s.Stream.Load == o.Load) {
				all = append(all, s.Stream.File)
			}
		}
		return all
	},
	Titled: true, Explained: true,
	Asking: func(o harness.Objective) string {
		text := "wrong answers: at most " + o.AtMost
		if o.StaleAfter > 0 {
			text += ", those older than " + Length(int64(o.StaleAfter)) + " among them"
		}
		return text
	},
	Missed: func(f harness.Finding) string { return Value(f.Measured) + " wrong answers" },
	Impact: func(m harness.Measurement, _ []harness.Measurement) string {
		if !m.Known {
			return ""
		}
		return "wrong answers " + Value(m)
	},
})

// answerCount is how many answers were given, and how many of each kind.
type answerCount struct {
	all, wrong, stale, foreign int64
	questions, markers         int64 // answers to known questions, and to the marker's, that the probe recorded
	first                      string
}

// wrong counts the wrong, stale and foreign answers that clients were given while any fault was in force or had been: those
// of a load ("": of every load that asks questions) and those of the probe answers.known.
func (d *dataset) wrong(load string, staleAfter int64, window int) harness.Measurement {
	m := harness.Measurement{Name: MeasureWrong, Load: load, Unit: harness.UnitCount,
		Method: "answers from the first fault to the end of observation, held against the known right ones"}
	if len(d.clocks) > 1 {
		m.Method = "answers in the window of the clock, held against the known right ones"
	}
	if window < 0 {
		m.Detail = "answers are counted in the window of a clock, and the fault starts none"
		return m
	}
	first, end := d.answersIn(window)
	observations, _, probeErr := d.observations(probeAnswers)
	probed := slices.ContainsFunc(d.probes, func(p Answers) bool { return p.Series.Probe == probeAnswers })
	var c answerCount
	written := acknowledged(observations)
	for j := range judgedAnswers(observations, written, harness.Interval{Lo: first, Hi: end}, staleAfter) {
		c.take(j)
	}
	sampled, err := d.sampled(&c, load, first, window)
	switch {
	case first == 0:
		m.Detail = d.noFault().Error()
	case probed && probeErr != nil:
		m.Detail = probeErr.Error()
	case err != nil:
		m.Detail = err.Error()
	case c.questions == 0 && (sampled == 0 || len(d.rec.Target.Questions) == 0):
		m.Detail = "no answer to a question whose right answer is known was given after the first fault"
	case staleAfter > 0 && len(written) == 0:
		m.Detail = "no write of the marker was acknowledged, so no answer can be called stale"
	case staleAfter > 0 && c.markers == 0:
		m.Detail = "the marker was never shown after the first fault, so no answer can be called stale"
	default:
		n := c.wrong + c.stale + c.foreign
		m.Known, m.Lo, m.Hi = true, n, n
		m.Detail = fmt.Sprintf("wrong %s, stale %s, foreign %s", Count(c.wrong), Count(c.stale), Count(c.foreign))
		if c.first != "" {
			m.Detail += "; first: " + c.first
		}
		m.Detail += fmt.Sprintf("; of %s answers", Count(c.all))
		if staleAfter == 0 {
			m.Detail += ", whose age was not asked for"
		}
	}
	return m
}

// windowOf is the number of the clock in whose window an objective counts answers, -1 if it counts from a fault that starts none
// while several start one.
func (d *dataset) windowOf(o TimedObjective) int {
	if len(d.clocks) < 2 {
		return 0
	}
	return d.number(o.InForce)
}

// answersIn is when answers are counted for a clock; the first counts from the first fault on, whether that starts a clock or not.
func (d *dataset) answersIn(window int) (first, end harness.Stamp) {
	tf := d.clocks[window].tf
	if window == 0 {
		return firstFault(d.rec), d.end(tf)
	}
	return tf.Lo, d.end(tf)
}

// take counts one answer of the probe.
func (c *answerCount) take(j JudgedAnswer) {
	c.all++
	if j.Answer.Question == MarkerQuestion {
		c.markers++
	} else {
		c.questions++
	}
	switch j.Kind {
	case AnswerWrong:
		c.wrong++
	case AnswerStale:
		c.stale++
	case AnswerForeign:
		c.foreign++
	default:
		return
	}
	if c.first == "" {
		c.first = j.String()
	}
}

// sampled counts the answers that the requests of a load were given, and tells how many there were.
func (d *dataset) sampled(c *answerCount, load string, first harness.Stamp, window int) (int64, error) {
	found, answers := false, int64(0)
	for _, s := range d.series {
		if !s.Stream.Traits().Questions || load != "" && s.Stream.Load != load {
			continue
		}
		if found = true; s.Err != nil {
			return 0, s.Err
		}
		in := s.in(window)
		strange := int64(in.answers.wrong + in.answers.alien)
		c.wrong, c.foreign = c.wrong+int64(in.answers.wrong), c.foreign+int64(in.answers.alien)
		answers += int64(in.answers.ok) + strange
		if at := in.strange - s.ahead.Lo - d.sinceAnchor(first); strange > 0 && c.first == "" {
			c.first = "a request of load " + s.Stream.Load + " due " + Span(at, at) + " after the first fault"
		}
	}
	c.all += answers
	if load != "" && !found {
		return 0, fmt.Errorf("there is no load %q that asks questions", load)
	}
	return answers, nil
}

// wrongAnswers gives the wrong answers of every drill in which answers were held against known ones.
func (d *dataset) wrongAnswers(c clock) []harness.Measurement {
	probed := slices.ContainsFunc(d.probes, func(p Answers) bool { return p.Series.Probe == probeAnswers })
	if d.null() || !probed && len(d.rec.Target.Questions) == 0 {
		return nil
	}
	return []harness.Measurement{d.wrong("", StaleAfter(d.rec), max(0, d.number(c.tf)))}
}

// decisions gives what the target decided, where its log can tell.
func (d *dataset) decisions(c clock) []harness.Measurement {
	log := d.rec.Target.Decisions
	if d.null() || log == nil || log.Promoted == "" && log.Switched == "" && log.Done == "" {
		return nil
	}
	fault, err := d.moment(c.origin)
	return []harness.Measurement{d.decision("", fault, err)}
}
