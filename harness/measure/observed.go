package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// observedOnly begins what is said of a run that broke nothing.
const observedOnly = "observed only"

// observed tells of a run in which nothing was to be broken: whether the steady state held in its baseline and for as long as was
// watched after it, by what was asked. It proves nothing, so that no objective is judged and no value of any is measured.
func observed(rec *harness.Record, src Source) harness.Findings {
	watched := *rec
	watched.Scenario = rec.Played()
	d := readDataset(&watched, src)
	f := harness.Findings{Format: harness.Format, RunID: rec.RunID, Exit: harness.ExitInconclusive, Objectives: []harness.Finding{},
		Ledger: []harness.Class{}, Validity: d.observedValidity(rec), LedgerNote: d.ledgerNotes(), Exceptions: d.exceptions()}
	if l := d.ledger(""); l.err == nil {
		f.Ledger = l.classes(rec.Ledger.BusinessTwice, d.exponent)
		if n := countOf(f.Ledger, Lost); n > 0 {
			f.Exceptions = append(f.Exceptions, fmt.Sprintf("%s acknowledged writes are missing, and %s", Count(int64(n)), detailNoFault))
		}
	}
	f.Measurements = append(append([]harness.Measurement{}, d.latencies()...), d.wallTime(harness.Measurement{})...)
	for i := range f.Measurements {
		f.Measurements[i].Detail = truncate(f.Measurements[i].Detail)
	}
	for _, l := range rec.ObserveOnly.LeftOut {
		f.Exceptions = append(f.Exceptions, truncate("left out: "+l.String()))
	}
	for _, o := range rec.Scenario.Objectives {
		f.Objectives = append(f.Objectives, harness.Finding{Objective: o, Reason: o.ID + ": not put to the test: " + observedOnly + ", " + detailNoFault,
			Measured: harness.Measurement{Name: o.Measure, Load: o.Load, Cohort: o.Cohort, Channel: o.Channel, Unit: RowOf(o.Measure).Unit, Detail: observedOnly},
			Pointers: []string{recordFile}})
	}
	d.concludeObserved(&f)
	return f
}

// observedValidity lists what must hold of an observation: what does of a drill, but for its faults and objectives, and the steady
// state for as long as was watched.
func (d *dataset) observedValidity(rec *harness.Record) []harness.ValidityCheck {
	checks := []harness.ValidityCheck{d.checkRecord(), d.checkNothingBroken(rec), d.checkObserved(), d.checkShortage()}
	if len(d.rec.Scenario.Load) > 0 {
		checks = append(checks, d.checkStreams(), d.checkOffered())
	}
	for _, r := range rec.Scenario.SteadyState.Require {
		if l := r.LeftOut(rec.ObserveOnly.LeftOut); l != nil {
			name := "baseline.load." + r.Load
			if r.Load == "" {
				name = "baseline.probe." + r.Probe
			}
			checks = append(checks, verdict(name, "left out: "+l.Why, ""))
		}
	}
	require := d.rec.Scenario.SteadyState.Require
	if len(require) == 0 && len(rec.Scenario.SteadyState.Require) > 0 {
		checks = append(checks, verdict("baseline.length", "all that the steady state requires was left out", ""))
	} else {
		checks = append(checks, d.checkBaseline())
	}
	checks = append(checks, Steady(require, d.series, d.probes, rec.Anchor, rec.Baseline)...)
	long := *d.rec
	long.Baseline = rec.Observation // what loads are counted over
	after := readDataset(&long, d.src)
	for _, c := range Steady(require, after.series, after.probes, rec.Anchor, rec.Observation) {
		c.Name = "watched" + strings.TrimPrefix(c.Name, "baseline")
		checks = append(checks, c)
	}
	checks = append(checks, d.checkProbes(), d.checkClock(), d.checkLedger(), d.checkOracle())
	for i := range checks {
		checks[i].Detail = truncate(checks[i].Detail)
	}
	return checks
}

// checkNothingBroken demands that nothing was broken or asked of anybody, and that no load ran that was left out.
func (d *dataset) checkNothingBroken(rec *harness.Record) harness.ValidityCheck {
	why := ""
	switch {
	case len(rec.Faults) > 0:
		why = fmt.Sprintf("the record has %d faults", len(rec.Faults))
	case len(rec.People) > 0:
		why = fmt.Sprintf("people were asked for %d things", len(rec.People))
	}
	for _, s := range rec.Streams {
		if !slices.ContainsFunc(d.rec.Scenario.Load, func(l harness.LoadSpec) bool { return l.ID == s.Load }) {
			why = fmt.Sprintf("load %s was left out, and has a stream", s.Load)
		}
	}
	return verdict("nothing.broken", why, detailNoFault+", and nobody was asked for anything")
}

// concludeObserved says how an observation ended: never as a pass.
func (d *dataset) concludeObserved(f *harness.Findings) {
	invalid := firstFailing(f.Validity)
	switch {
	case d.rec.Status == harness.Stopped:
		f.Exit, f.Reason = harness.ExitStopped, "STOPPED: "+orUnknown(d.rec.StatusReason)+"; "+observedOnly+": "+detailNoFault
	case d.rec.Status == harness.Unsteady:
		f.Reason = "INCONCLUSIVE: " + observedOnly + ": the steady state did not hold: " + strings.TrimPrefix(orUnknown(d.rec.StatusReason), "the steady state did not hold: ")
	case d.rec.Status != harness.Completed:
		f.Exit, f.Reason = harness.ExitHarness, "ERROR: the observation did not end: "+orUnknown(d.rec.StatusReason)
	case invalid != "":
		f.Reason = "INCONCLUSIVE: " + observedOnly + ": " + invalid
	default:
		f.Reason = fmt.Sprintf("INCONCLUSIVE: %s: %s, so this is no drill and passes nothing; the steady state held, in its window of %s and for %s after it",
			observedOnly, detailNoFault, Length(int64(d.rec.Baseline.Hi-d.rec.Baseline.Lo)), Length(d.watched()))
	}
}
