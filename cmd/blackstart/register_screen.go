package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"blackstart/evidence/register"
	"blackstart/harness"
)

// page is what a command prints: at most 80 columns, nothing of a register's that a terminal would obey.
type page struct{ strings.Builder }

// put writes text; lines after the first are indented.
func (p *page) put(indent int, text string) {
	for _, line := range wrap(breakLongWords(text, screenWidth-indent), screenWidth, indent) {
		p.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// row writes text behind a prefix that stays as it is.
func (p *page) row(prefix, text string) {
	width := screenWidth - utf8.RuneCountInString(prefix)
	for _, line := range wrap(breakLongWords(text, width), width, 0) {
		p.WriteString(strings.TrimRight(prefix+line, " ") + "\n")
		prefix = strings.Repeat(" ", utf8.RuneCountInString(prefix))
	}
}

// head says of which register, and of which state of it, something is told.
func (p *page) head(origin, key string, size int64, root string) {
	p.row("  register  ", origin)
	p.row("  key       ", "")
	p.put(0, key) // on a line of its own, so that it can be copied
	p.row("  head      ", fmt.Sprintf("%d entries, root %s", size, root))
}

// print writes v as JSON, or as a page.
func (f *registerFlags) print(out io.Writer, v any, show func(*page)) error {
	err := error(nil)
	if f.asJSON {
		err = printJSON(out, v)
	} else {
		var p page
		show(&p)
		_, err = io.WriteString(out, p.String())
	}
	if err != nil {
		return harnessError(err, "")
	}
	return nil
}

// contradicted ends a command that has shown what it was asked for, of a register whose entries contradict each other.
func (f *registerFlags) contradicted(err error, misfits []string) error {
	if err != nil || len(misfits) == 0 {
		return err
	}
	return &exitError{code: harness.ExitAltered, err: fmt.Errorf("entries of the register contradict each other: %s", strings.Join(misfits, "; ")),
		hint: "the first of them was counted; blackstart register verify --store " + f.asArgument()}
}

// minute is an entry's time as tables have it.
func minute(at string) string {
	if len(at) < len("2006-01-02T15:04") {
		return at
	}
	return at[:10] + " " + at[11:16] + "Z"
}

func short(digest string) string { return digest[:min(12, len(digest))] }

func (p *page) population(pop register.Population) {
	period := "all runs"
	if pop.From != "" || pop.To != "" {
		period = "runs opened from " + orWord(pop.From, "the first") + " up to " + orWord(pop.To, "the last")
	}
	p.put(2, fmt.Sprintf("%s: %d, of which %d passed and %d did not", period, len(pop.Runs), pop.Passed, pop.NotPassed))
	p.head(pop.Origin, pop.Key, pop.Head, pop.Root)
	p.row("  gaps      ", "none among the entries: each carries the digest of the one before it, or nothing would be listed")
	p.exceptions(pop.Exceptions)
	p.row("  worth     ", pop.Keeping+"; "+pop.Completeness)
	if pop.Reconciled != nil {
		p.reconciled(*pop.Reconciled)
	}
	if len(pop.Totals) > 0 {
		fmt.Fprintf(p, "\n  %-12s %-16s %s\n", "class", "outcome", "runs")
	}
	for _, t := range pop.Totals {
		p.row(fmt.Sprintf("  %-12s %-16s ", truncate(strings.Map(escapeControl, t.Class), 12), t.Outcome), fmt.Sprint(t.Runs))
	}
	if len(pop.Misdated) > 0 {
		p.WriteString("\n")
		p.put(2, fmt.Sprintf("note: %d more runs are dated outside the period and were entered between entries that are dated in it: a clock was wrong. "+
			"They are not counted above", len(pop.Misdated)))
	}
	for _, r := range pop.Misdated {
		p.run(r)
	}
	for _, r := range pop.Runs {
		p.WriteString("\n")
		p.run(r)
		for _, d := range [][2]string{{"scenario", r.ScenarioSHA256}, {"objectives", r.ObjectivesSHA256}, {"faults", r.FaultsSHA256}, {"target", r.TargetSHA256},
			{"tool", r.ToolSHA256}} {
			fmt.Fprintf(p, "        %-10s %s\n", d[0], short(d[1]))
		}
		for _, c := range r.Changes {
			p.row("        ", "changed: "+c)
		}
	}
}

// exceptions lists the entries that contradict those before them.
func (p *page) exceptions(all []string) {
	for _, e := range all {
		p.row("  exception ", e+"; the first of them was counted")
	}
}

// run tells of one run in two lines or three.
func (p *page) run(r register.Run) {
	p.row(fmt.Sprintf("%6d  ", r.Index), fmt.Sprintf("%s %s, %s, %s: %s", minute(r.Opened), r.Scenario, r.Class, r.Profile, r.Outcome))
	p.row("        ", fmt.Sprintf("run %s by %s", r.Run, r.By))
	if r.Outcome != register.Passed && r.Reason != "" {
		p.row("        ", fmt.Sprintf("%s (entered by %s)", r.Reason, r.EndedBy))
	}
	if r.Amendments > 0 {
		p.row("        ", fmt.Sprintf("amended %d times", r.Amendments))
	}
}

func orWord(text, word string) string {
	if text == "" {
		return word
	}
	return text
}

func (p *page) sample(s register.Sample) {
	if s.Seed == "" {
		p.put(2, "nothing is drawn: no seed is given")
		p.head(s.Origin, s.Key, s.Head, s.Root)
		p.row("  next      ", fmt.Sprintf("give these lines to the auditor, who answers with a seed; then: blackstart register sample --head %d --seed SEED", s.Head))
		return
	}
	p.put(2, fmt.Sprintf("%d of %d runs that passed, drawn by seed %s; all %d that did not", len(s.Drawn), s.Of, s.Seed, len(s.Apart)))
	p.head(s.Origin, s.Key, s.Head, s.Root)
	p.exceptions(s.Exceptions)
	for _, part := range []struct {
		title string
		runs  []register.Run
	}{{"drawn", s.Drawn}, {"apart: failed, inconclusive, stopped, interrupted, parked or never closed", s.Apart}} {
		p.WriteString("\n")
		p.put(2, part.title)
		for _, r := range part.runs {
			p.run(r)
		}
		if len(part.runs) == 0 {
			p.put(2, "  none")
		}
	}
}
