package words

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

const (
	maxWhy      = 420 // runes of what is said of one objective on the first page
	maxUnjudged = 4   // conditions that did not hold
)

// failures says of each objective that was not met, or not judged, what was asked, what was found, and what shows why. Of a
// drill that cannot be judged it says what it lacks.
func failures(d facts.Drill, z zero) []Failure {
	var rows []Failure
	f := d.Findings
	if f.Exit != harness.ExitPass && f.Exit != harness.ExitFail && f.Verdict == harness.Inconclusive {
		rows = unjudged(d.Record, f)
	}
	if len(rows) > 0 || len(d.Record.Scenario.Faults) == 0 && f.Verdict == harness.Pass {
		return rows // in a null drill, what does not apply to it is no failure
	}
	for _, o := range f.Objectives {
		if o.Verdict == harness.Pass {
			continue
		}
		row := Failure{Objective: o.Objective.ID, Verdict: "not met", Asked: measure.ObjectiveWords(o.Objective), Found: NotMeasured, Why: clip(sentences(why(d, z, o)), maxWhy)}
		if o.Measured.Known {
			row.Found = measure.FindingWords(o) // else the detail says why
		}
		if o.Verdict == harness.Inconclusive {
			row.Verdict = o.Verdict.String()
		}
		if i := slices.IndexFunc(rows, func(r Failure) bool { return r.Why == row.Why }); i >= 0 {
			row.Why = "The same as for " + rows[i].Objective + "."
		}
		rows = append(rows, row)
	}
	return rows
}

// unjudged lists what kept a drill from being judged at all.
func unjudged(rec *harness.Record, f harness.Findings) []Failure {
	var rows []Failure
	if rec.Status != harness.Completed {
		rows = append(rows, Failure{Objective: "the drill", Verdict: "not judged", Asked: "a drill that runs to its end", Found: string(rec.Status), Why: rec.StatusReason})
	}
	for _, c := range f.Validity {
		if !c.OK && len(rows) < maxUnjudged {
			rows = append(rows, Failure{Objective: c.Name, Verdict: "not judged", Asked: "a condition without which nothing can be judged", Found: "it did not hold",
				Why: clip(c.Detail, maxWhy)})
		}
	}
	return rows
}

// why collects what lies behind a finding.
func why(d facts.Drill, z zero, f harness.Finding) []string {
	o, m := f.Objective, f.Measured
	switch of := measure.RowOf(o.Measure); {
	case of.Outage:
		return whyNotBack(d.Log, z, m)
	case of.Channel:
		return whyNotNotified(d, z, o, m)
	case of.Questions:
		var all []string
		if len(d.Answers.Contrasts) > 0 {
			c := d.Answers.Contrasts[0]
			all = []string{"at " + z.since(c.Wrong.At.Lo) + " question " + contrastWords(c, z)}
		}
		return append(all, withoutFirst(m.Detail))
	case of.Losses:
		lost := whyLost(d.Findings, o.Load, d.Record.Ledger.Primary)
		if r := d.Replication; r.Known {
			lost = append(lost, fmt.Sprintf("the target decided at %s to fail over with data that was %.1f s old", z.since(r.At), float64(r.AgeNS)/1e9))
		}
		return append(lost, skipped(d.Log), m.Detail)
	case of.Unit == harness.UnitWord:
		return []string{m.Detail, skipped(d.Log)}
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
func whyNotBack(log facts.Log, z zero, m harness.Measurement) []string {
	var all []string
	if m.Text != "" {
		all = append(all, "clients saw in the last window: "+m.Text)
	}
	for _, meaning := range []facts.Meaning{facts.Done, facts.Switched, facts.Refused} {
		if e, ok := log.First(meaning); ok {
			all = append(all, joined("the target's own log says "+e.Event+" at "+z.since(e.At), ": ", e.Reason()))
			break
		}
	}
	if _, ok := log.First(facts.Declared); !ok && log.Events[facts.Declared] != "" {
		all = append(all, "its own log declares no failover")
	}
	return append(all, m.Detail)
}

// whyLost says what is missing where.
func whyLost(f harness.Findings, load, on string) []string {
	lost, value := facts.FindOf(f, measure.MeasureRPOLost, load), facts.FindOf(f, measure.MeasureRPOValue, load)
	if !lost.Known || lost.Lo <= 0 {
		return nil
	}
	text := measure.Value(lost) + " acknowledged writes"
	if load != "" {
		text += " of " + load
	}
	if value.Known {
		text += ", worth " + measure.Value(value)
	}
	text += ", are missing"
	if on != "" {
		text += " on " + on
	}
	return []string{text}
}

// skipped tells which of its own checks the target says it left out.
func skipped(log facts.Log) string {
	i := slices.IndexFunc(log.Entries, harness.Decision.Skips)
	if i < 0 {
		return ""
	}
	return joined("its own log says "+log.Entries[i].Event, ": ", log.Entries[i].Reason())
}
