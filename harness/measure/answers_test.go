package measure

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// asked is an answer of answers.known, asked ns after the anchor.
func asked(ns int64, change func(a *harness.Answer)) harness.Observation {
	a := &harness.Answer{Question: "q-fees", Namespace: "public", Right: "doc-2", First: "doc-2", Region: "east", Build: "1.4"}
	if change != nil {
		change(a)
	}
	return harness.Observation{Probe: probeAnswers, On: "entry", At: harness.Interval{Lo: at(ns), Hi: at(ns + 20*ms)},
		Reached: true, OK: true, Value: 1, Unit: harness.UnitCount, Answer: a}
}

func older(a *harness.Answer) { a.First, a.Region, a.Build = "doc-9", "west", "1.4-previous" }

func shows(n int64) func(a *harness.Answer) {
	return func(a *harness.Answer) {
		a.Question, a.Namespace, a.Right, a.First, a.Version, a.Region = MarkerQuestion, "public", "blackstart-marker", "blackstart-marker", n, "west"
	}
}

// wrote is an acknowledged write of the marker's version n.
func wrote(ns, n int64) harness.Observation {
	o := asked(ns, shows(n))
	o.Answer.Wrote = true
	return o
}

func unanswered(o harness.Observation) harness.Observation {
	o.OK, o.Answer.First, o.Answer.Foreign = false, "", nil
	return o
}

// knowing is a world whose probe answers.known found these, besides a right answer in the baseline.
func knowing(all ...harness.Observation) *world {
	w := build(usual())
	w.rec.Target.Questions = []harness.Question{{ID: "q-fees", Namespace: "public", Right: "doc-2", Older: "doc-9"}}
	found := append([]harness.Observation{asked(4*sec, nil)}, all...)
	slices.SortStableFunc(found, func(a, b harness.Observation) int { return cmp.Compare(a.At.Lo, b.At.Lo) })
	w.answers[probeAnswers+" entry"] = found
	w.rec.Probes = append(w.rec.Probes, harness.ProbeSeries{Probe: probeAnswers, On: "entry", File: "data/observations/answers.jsonl",
		Count: len(all) + 1, EveryNS: sec, Ran: harness.Interval{Lo: at(sec), Hi: at(watchTo + sec)}})
	return w
}

func TestWrongAnswers(t *testing.T) {
	foreign := func(a *harness.Answer) { a.Foreign, a.Build = []string{"secret-1"}, "1.4" }
	after := faultLo + 10*sec
	for name, c := range map[string]struct {
		found  []harness.Observation
		stale  int64 // StaleAfter, ns
		want   int64 // -1: not known
		detail string
	}{
		"right":                    {[]harness.Observation{asked(after, nil)}, 0, 0, "wrong 0, stale 0, foreign 0; of "},
		"wrong":                    {[]harness.Observation{asked(after, nil), asked(after+sec, older), asked(after+2*sec, older)}, 0, 2, "wrong 2, stale 0, foreign 0; first: q-fees answered doc-9 by build 1.4-previous in west, right is doc-2"},
		"no results":               {[]harness.Observation{asked(after, func(a *harness.Answer) { a.First = "" })}, 0, 1, "q-fees answered nothing by build"},
		"foreign":                  {[]harness.Observation{asked(after, foreign)}, 0, 1, "wrong 0, stale 0, foreign 1; first: q-fees, asked in public, answered with secret-1 of another namespace"},
		"foreign and wrong is one": {[]harness.Observation{asked(after, func(a *harness.Answer) { foreign(a); older(a) })}, 0, 1, "foreign 1"},
		"before the fault":         {[]harness.Observation{asked(faultLo-sec, older), asked(after, nil)}, 0, 0, ""},
		"after the end":            {[]harness.Observation{asked(after, nil), asked(watchTo+ms, older)}, 0, 0, ""},
		"no answer is not wrong":   {[]harness.Observation{asked(after, nil), unanswered(asked(after+sec, older))}, 0, 0, ""},
		"stale": {[]harness.Observation{wrote(after, 7), wrote(after+sec, 8), asked(after+6*sec+100*ms, shows(7))}, 5 * sec, 1,
			"stale 1, foreign 0; first: marker answered version 7 by build 1.4 in west, although 8 had been acknowledged"},
		"not stale yet":    {[]harness.Observation{wrote(after, 7), wrote(after+sec, 8), asked(after+5*sec+900*ms, shows(7))}, 5 * sec, 0, ""},
		"fresh":            {[]harness.Observation{wrote(after, 7), wrote(after+sec, 8), asked(after+30*sec, shows(8))}, 5 * sec, 0, ""},
		"newer than acked": {[]harness.Observation{wrote(after, 7), asked(after+30*sec, shows(9))}, 5 * sec, 0, ""},
		"not acknowledged": {[]harness.Observation{wrote(after, 7), unanswered(wrote(after+sec, 8)), asked(after+30*sec, shows(7))}, 5 * sec, 0, ""},
		"a later write acknowledged an older version": {[]harness.Observation{wrote(after, 8), wrote(after+sec, 7), asked(after+30*sec, shows(7))}, 5 * sec, 1, ""},
		"the marker is not there":                     {[]harness.Observation{wrote(after, 7), asked(after+30*sec, func(a *harness.Answer) { shows(0)(a); a.First = "doc-2" })}, 5 * sec, 1, "stale 1"},
		"age not asked for":                           {[]harness.Observation{wrote(after, 7), wrote(after+sec, 8), asked(after+30*sec, shows(7))}, 0, 0, "whose age was not asked for"},
		"no marker written":                           {[]harness.Observation{asked(after, nil)}, 5 * sec, -1, "no write of the marker was acknowledged"},
		"no marker read":                              {[]harness.Observation{wrote(after, 7)}, 5 * sec, -1, "the marker was never shown"},
	} {
		w := knowing(c.found...)
		w.objectives(harness.Objective{Measure: MeasureWrong, Load: fileQueries, AtMost: "0", StaleAfter: harness.Duration(c.stale)})
		f := readDataset(w.rec, w).finding(w.rec.Scenario.Objectives[0])
		m := f.Measured
		want := map[bool]harness.Verdict{true: harness.Pass, false: harness.Fail}[c.want == 0]
		if c.want < 0 {
			want = harness.Inconclusive
		}
		if m.Known != (c.want >= 0) || m.Known && (m.Lo != c.want || m.Hi != c.want) || f.Verdict != want || !strings.Contains(m.Detail, c.detail) {
			t.Errorf("%s: %s %+v, want %d %q", name, f.Verdict, m, c.want, c.detail)
		}
		if f.Verdict == harness.Fail && !strings.Contains(f.Reason, "it: wrong answers ") {
			t.Errorf("%s: %s", name, f.Reason)
		}
	}
}

func TestWrongAnswersOfTheLoad(t *testing.T) {
	spoiled := func(outcome loadgen.Outcome, from int64, spoil func(w *world)) harness.Measurement {
		w := knowing()
		w.rec.Probes = w.rec.Probes[:1] // the load alone
		n := 0
		for i := range w.samples[idQueries] {
			if s := &w.samples[idQueries][i]; s.Due > from && s.Outcome == loadgen.OK && n < 3 {
				s.Outcome, n = outcome, n+1
			}
		}
		if spoil != nil {
			spoil(w)
		}
		w.objectives(harness.Objective{Measure: MeasureWrong, Load: fileQueries, AtMost: "0"})
		return readDataset(w.rec, w).measured(w.rec.Scenario.Objectives[0])
	}
	after := faultLo + 10*sec
	if m := spoiled(loadgen.WrongAnswer, after, nil); m.Lo != 3 || !strings.HasPrefix(m.Detail, "wrong 3, stale 0, foreign 0; first: a request of load queries") {
		t.Errorf("wrong: %+v", m)
	}
	if m := spoiled(loadgen.ForeignAnswer, after, nil); m.Lo != 3 || !strings.HasPrefix(m.Detail, "wrong 0, stale 0, foreign 3") {
		t.Errorf("foreign: %+v", m)
	}
	if m := spoiled(loadgen.HTTP5xx, after, nil); m.Lo != 0 || !m.Known {
		t.Errorf("an error is not a wrong answer: %+v", m)
	}
	if m := spoiled(loadgen.WrongAnswer, 5*sec, nil); m.Lo != 0 || !m.Known {
		t.Errorf("before the fault: %+v", m)
	}
	// While an earlier fault was in force, T_f or not, wrong answers count.
	if m := spoiled(loadgen.WrongAnswer, 10*sec, func(w *world) { w.fault("code.stale", 9*sec, true) }); m.Lo != 3 {
		t.Errorf("during the first fault: %+v", m)
	}
	for name, spoil := range map[string]func(w *world){
		"no known question": func(w *world) { w.rec.Target.Questions = nil },
		"no such load":      func(w *world) { w.rec.Streams = w.rec.Streams[1:] },
		"not read":          func(w *world) { delete(w.samples, idQueries) },
		"probe not read":    func(w *world) { w.rec.Probes = append(w.rec.Probes, harness.ProbeSeries{Probe: probeAnswers, On: "x"}) },
		"no answer at all": func(w *world) {
			for i := range w.samples[idQueries] {
				w.samples[idQueries][i].Outcome = loadgen.Timeout
			}
		},
	} {
		if m := spoiled(loadgen.WrongAnswer, after, spoil); m.Known || m.Detail == "" {
			t.Errorf("%s: %+v", name, m)
		}
	}
}
