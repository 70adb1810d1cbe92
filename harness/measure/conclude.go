package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/loadgen"
)

// conclude sets verdict, exit code and reason: what must be acted on first, then what kept the drill from its end, then
// whether it can be judged, then the objectives.
func (d *dataset) conclude(f *harness.Findings) {
	invalid := firstFailing(f.Validity)
	switch undo := d.undoIncomplete(); {
	case undo != "":
		f.Exit, f.Reason = harness.ExitUndo, "UNDO INCOMPLETE: act now: "+undo
	case d.rec.Status == harness.Stopped:
		d.judgeStopped(f)
		return
	case d.rec.Status == harness.Unsteady:
		why := orUnknown(d.rec.StatusReason)
		f.Exit, f.Reason = harness.ExitInconclusive, "INCONCLUSIVE: the steady state did not hold, nothing was broken: "+why
	case d.rec.Status != harness.Completed:
		f.Exit, f.Reason = harness.ExitHarness, "ERROR: the drill did not end: "+orUnknown(d.rec.StatusReason)
	case invalid != "":
		f.Exit, f.Reason = harness.ExitInconclusive, "INCONCLUSIVE: "+invalid
	default:
		d.judgeObjectives(f)
		return
	}
	unjudged(f, strings.TrimPrefix(f.Reason, "INCONCLUSIVE: "))
}

func firstFailing(checks []harness.ValidityCheck) string {
	for _, c := range checks {
		if !c.OK {
			return c.Name + ": " + c.Detail
		}
	}
	return ""
}

// undoIncomplete tells what may still be broken, or "".
func (d *dataset) undoIncomplete() string {
	for _, f := range d.rec.Faults {
		switch {
		case f.Do.Never() && f.InForce.Never():
			continue // it was planned, and never done
		case !d.rec.Undo.Complete:
			return "the undo is not complete: " + orUnknown(d.rec.Undo.Detail)
		case !f.Restored:
			return fmt.Sprintf("the restoration after %s was not proved: %s", f.Plan.Fault.Kind, orUnknown(d.rec.Undo.Detail))
		}
	}
	return ""
}

// judgeObjectives judges a valid drill by its objectives.
func (d *dataset) judgeObjectives(f *harness.Findings) {
	var failed, met, aside []string
	open := d.unspoken()
	stays := refusalObjectiveMet(f.Objectives)
	for _, o := range f.Objectives {
		switch {
		case o.Verdict != harness.Inconclusive:
		case d.null() && !RowOf(o.Objective.Measure).Losses && !nullMeasure(o.Objective.Measure):
			continue // not applicable
		case (d.null() || stays) && strings.HasPrefix(o.Measured.Detail, notExercisedWord):
			aside = append(aside, o.Objective.ID)
			continue
		}
		switch o.Verdict {
		case harness.Pass:
			met = append(met, short(o))
		case harness.Fail:
			failed = append(failed, o.Reason)
		default:
			open = append(open, o.Reason)
		}
	}
	switch {
	case len(failed) > 0:
		f.Verdict, f.Exit, f.Reason = harness.Fail, harness.ExitFail, "FAIL: "+strings.Join(failed, "; ")
	case len(open) > 0:
		f.Exit, f.Reason = harness.ExitInconclusive, "INCONCLUSIVE: "+strings.Join(open, "; ")
	case len(met) == 0:
		f.Exit, f.Reason = harness.ExitInconclusive, "INCONCLUSIVE: the scenario has no objective that could be judged"
	case d.null():
		f.Verdict, f.Exit = harness.Pass, harness.ExitPass
		f.Reason = "PASS: null drill: " + detailNoFault + ", no impact and no loss was seen: " + strings.Join(met, ", ") +
			"; no recovery was exercised"
	default:
		f.Verdict, f.Exit = harness.Pass, harness.ExitPass
		f.Reason = "PASS: every objective met: " + strings.Join(met, ", ")
		if len(aside) > 0 {
			f.Reason = "PASS: every objective that applies met: " + strings.Join(met, ", ") + "; not exercised: " + strings.Join(aside, ", ")
		}
	}
	if split := d.splitBrain(); split != "" {
		f.Reason += "; " + split
	}
}

func nullMeasure(measure string) bool { return measure == MeasureImpact || measure == MeasureLoss }

// short prints an objective that was met: "RTO 4.01–4.13 s (≤ 20 s)".
func short(f harness.Finding) string {
	bound, err := Bound(f.Objective, f.Measured)
	if err != nil { // those of a null drill
		return f.Objective.Measure + " " + Value(f.Measured)
	}
	of := RowOf(f.Objective.Measure)
	if of.Unit == harness.UnitWord {
		return of.titled(f.Measured) + " " + Value(f.Measured)
	}
	return fmt.Sprintf("%s %s (≤ %s)", of.titled(f.Measured), Value(f.Measured), boundText(f.Measured, bound))
}

// exceptions lists what the target did that it must not do, whatever the objectives ask.
func (d *dataset) exceptions() []string {
	all := []string{}
	if l := d.ledger(""); l.err == nil {
		classes := l.classes(d.rec.Ledger.BusinessTwice, d.exponent)
		if n := countOf(classes, ContractBreak); n > 0 {
			all = append(all, fmt.Sprintf("%s writes were refused for certain and are there all the same", Count(int64(n))))
		}
		if n := countOf(classes, Duplicate); n > 0 {
			all = append(all, fmt.Sprintf("%s business keys have two rows or more", Count(int64(n))))
		}
	}
	if split := d.splitBrain(); split != "" {
		all = append(all, split)
	}
	for _, s := range d.series {
		if n := s.outcomes[loadgen.WrongAnswer]; n > 0 {
			all = append(all, fmt.Sprintf("load %s got %s wrong answers", s.Stream.Load, Count(n)))
		}
		if n := s.outcomes[loadgen.NotReplicated]; n > 0 {
			all = append(all, fmt.Sprintf("load %s: %s commits were not replicated, and their client was warned", s.Stream.Load, Count(n)))
		}
		if n := s.outcomes[loadgen.ForeignAnswer]; n > 0 {
			all = append(all, fmt.Sprintf("load %s got %s answers of another namespace than it asked", s.Stream.Load, Count(n)))
		}
	}
	for _, c := range d.clocks {
		for _, m := range d.decisions(c) {
			if m.Known && m.Lo > 0 {
				all = append(all, m.Detail)
			}
		}
	}
	for _, p := range d.rec.People {
		if p.Task.Again != "" {
			all = append(all, truncate("somebody said that it was done, and it was not ("+p.Task.What+"): "+p.Task.Again))
		}
	}
	all = append(all, d.unspoken()...)
	if d.rec.DecisionsErr != "" {
		all = append(all, "the target's own log was not read: "+d.rec.DecisionsErr)
	}
	if d.rec.Undo.Fenced && !d.rec.Undo.FenceChecked {
		all = append(all, "the old primary was fenced, but was not seen to refuse a write")
	}
	for _, r := range d.rec.Restores {
		if r.Detail != "" {
			all = append(all, truncate("redundancy was not brought back ("+r.Name+"): "+r.Detail))
		}
	}
	for _, text := range d.rec.Undo.TwoLed {
		all = append(all, "two led: "+text)
	}
	for _, text := range d.rec.Undo.Left {
		all = append(all, truncate("left by the drill: "+text))
	}
	all = append(all, d.rec.Undo.Gone...)
	all = append(all, d.undoHurt()...)
	if n := d.unsynchronised(); n > 0 {
		all = append(all, fmt.Sprintf("the machine's clock was not synchronised in %d of %d readings: times of day are its own",
			n, len(d.rec.Clock)))
	}
	return append(all, d.downAtEnd()...)
}

// downAtEnd names the components that were down at the end though nothing of the drill took them down.
func (d *dataset) downAtEnd() []string {
	var all []string
	for _, c := range d.rec.Components {
		ours := d.rec.Undo.Fenced && (c.Name == d.rec.Ledger.OldPrimary)
		for _, f := range d.rec.Faults {
			for _, s := range f.Plan.Steps {
				down := s.Do.Kind == harness.ComponentKill || s.Do.Kind == harness.ComponentStop || s.Do.Kind == harness.ComponentFence
				ours = ours || down && slices.Contains(s.Do.Components, c.Name)
			}
		}
		switch {
		case c.Running || ours:
		case c.Unknown != "":
			all = append(all, c.Name+" could not be seen at the end: "+c.Unknown)
		default:
			all = append(all, c.Name+" was not running at the end")
		}
	}
	return all
}
