package evidence

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxWhy bounds what is said of one objective on the first page, in runes.
const maxWhy = 420

// failures says of each objective that was not met, or not judged, what was asked, what was found, and what shows why. Of a
// drill that cannot be judged it says what it lacks.
func (v *view) failures() []reports.Failure {
	var rows []reports.Failure
	if v.f.Exit != harness.ExitPass && v.f.Exit != harness.ExitFail && v.f.Verdict == harness.Inconclusive {
		rows = v.unjudged()
	}
	if len(rows) > 0 || len(v.rec.Scenario.Faults) == 0 && v.f.Verdict == harness.Pass {
		return rows // in a null drill, what does not apply to it is no failure
	}
	for _, o := range v.f.Objectives {
		if o.Verdict == harness.Pass {
			continue
		}
		row := reports.Failure{Objective: o.Objective.ID, Verdict: "not met", Asked: measure.Asks(o.Objective), Found: v.foundOut(o)}
		if o.Verdict == harness.Inconclusive {
			row.Verdict = o.Verdict.String()
		}
		row.Why = clip(v.redact.Text(sentences(v.why(o))), maxWhy)
		for _, r := range rows {
			if row.Why == r.Why {
				row.Why = "The same as for " + r.Objective + "."
				break
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// unjudged lists what kept a drill from being judged at all.
func (v *view) unjudged() []reports.Failure {
	var rows []reports.Failure
	if v.rec.Status != harness.Completed {
		rows = append(rows, reports.Failure{Objective: "the drill", Verdict: "not judged", Asked: "a drill that runs to its end", Found: string(v.rec.Status),
			Why: v.redact.Text(v.rec.StatusReason)})
	}
	const most = 4
	for _, c := range v.f.Validity {
		if !c.OK && len(rows) < most {
			rows = append(rows, reports.Failure{Objective: c.Name, Verdict: "not judged", Asked: "a condition without which nothing can be judged", Found: "it did not hold",
				Why: clip(v.redact.Text(c.Detail), maxWhy)})
		}
	}
	return rows
}

// foundOut says what was measured for an objective.
func (v *view) foundOut(f harness.Finding) string {
	if !f.Measured.Known {
		return reports.NotMeasured // the detail says why
	}
	return measure.Found(f)
}

// why collects the facts behind a finding.
func (v *view) why(f harness.Finding) []string {
	o, m := f.Objective, f.Measured
	switch of := measure.Of(o.Measure); {
	case of.Outage:
		return v.whyNotBack(m)
	case of.Channel:
		return v.whyNotTold(o, m)
	case of.Questions:
		var facts []string
		for i, c := range v.contrasts() {
			if i == 0 {
				facts = append(facts, "at "+v.since(c.Wrong.At.Lo)+" question "+v.contrastWords(c))
			}
		}
		return append(facts, withoutFirst(m.Detail))
	case of.Losses:
		return append(v.whyLost(o.Load), m.Detail)
	case of.Unit == harness.UnitWord:
		return append([]string{m.Detail}, v.skipped()...)
	}
	return []string{m.Detail}
}

// withoutFirst leaves the first wrong answer out of a detail that counts them: it is told in full beside it.
func withoutFirst(detail string) string {
	head, tail, ok := strings.Cut(detail, "; first: ")
	if i := strings.LastIndex(tail, "; of "); ok && i >= 0 {
		return head + tail[i:]
	}
	return detail
}

// whyNotBack says what clients saw, and whether the target took the failover for done.
func (v *view) whyNotBack(m harness.Measurement) []string {
	var facts []string
	if m.Text != "" {
		facts = append(facts, "clients saw in the last window: "+m.Text)
	}
	if log := v.rec.Target.Decisions; log != nil {
		for _, event := range []string{log.Done, log.Switched, log.Refused} {
			if e, ok := v.logged(event); ok {
				text := "the target's own log says " + e.Event + " at " + v.since(e.At)
				if why := e.Detail["reason"]; why != "" {
					text += ": " + why
				}
				facts = append(facts, text)
				break
			}
		}
		if _, ok := v.logged(log.Declared); !ok && log.Declared != "" {
			facts = append(facts, "its own log declares no failover")
		}
	}
	return append(facts, m.Detail)
}

// whyLost says what is missing where, and with data of which age the target failed over.
func (v *view) whyLost(load string) []string {
	var facts []string
	if lost, value := v.of(measure.MeasureRPOLost, load), v.of(measure.MeasureRPOValue, load); lost.Known && lost.Lo > 0 {
		text := measure.Value(lost) + " acknowledged writes"
		if load != "" {
			text += " of " + load
		}
		if value.Known {
			text += ", worth " + measure.Value(value)
		}
		on := ""
		if v.rec.Ledger.Primary != "" {
			on = " on " + v.rec.Ledger.Primary
		}
		facts = append(facts, text+", are missing"+on)
	}
	if age, at, ok := v.ageAtFailover(); ok {
		facts = append(facts, fmt.Sprintf("the target decided at %s to fail over with data that was %.1f s old", v.since(at), float64(age)/1e9))
	}
	return append(facts, v.skipped()...)
}

// skipped tells which of its own checks the target says it left out.
func (v *view) skipped() []string {
	var facts []string
	for _, d := range v.rec.Decisions {
		if d.At >= v.firstFault() && strings.HasSuffix(d.Event, ".skipped") && len(facts) == 0 {
			facts = append(facts, joinedWords("its own log says "+d.Event, d.Detail["reason"]))
		}
	}
	return facts
}

func joinedWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + ": " + b
}

// sentences joins facts, leaving out empty ones and those said before.
func sentences(facts []string) string {
	var kept []string
	for _, f := range facts {
		f = strings.TrimSuffix(strings.TrimSpace(f), ".")
		if f != "" && !strings.Contains(strings.ToLower(strings.Join(kept, ". ")), strings.ToLower(f)) {
			r, n := utf8.DecodeRuneInString(f)
			kept = append(kept, string(unicode.ToUpper(r))+f[n:])
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return strings.Join(kept, ". ") + "."
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + " …"
}
