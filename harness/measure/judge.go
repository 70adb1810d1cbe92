package measure

import (
	"slices"

	"blackstart/harness"
)

// judgeOne judges by measure/1.
func judgeOne(rec *harness.Record, src Source) (harness.Findings, error) {
	if rec.Status == harness.Interrupted {
		return interrupted(rec), nil
	}
	if rec.ObserveOnly != nil {
		return observed(rec, src), nil
	}
	d := readDataset(rec, src)
	f := harness.Findings{
		Format: harness.Format, RunID: rec.RunID,
		Objectives: []harness.Finding{}, Ledger: []harness.Class{},
		Validity: d.validity(), LedgerNote: d.ledgerNotes(), Exceptions: d.exceptions(),
	}
	if l := d.ledger(""); l.err == nil {
		f.Ledger = l.classes(rec.Ledger.BusinessTwice, d.exponent)
	}
	for _, o := range rec.Scenario.Objectives {
		f.Objectives = append(f.Objectives, d.finding(o))
		last := &f.Objectives[len(f.Objectives)-1]
		last.Reason = truncate(last.Reason)
	}
	if d.null() {
		f.Objectives = append(f.Objectives, d.nullFindings()...)
	}
	f.Measurements = d.measurements()
	d.conclude(&f)
	return f, nil
}

// measurements lists everything that was measured, whether an objective asks for it or not.
func (d *dataset) measurements() []harness.Measurement {
	all := []harness.Measurement{}
	for i, c := range d.clocks {
		if i > 0 && c.tf.Never() {
			continue // it was never started: there is nothing after it
		}
		for _, m := range slices.Concat(d.outages(c), d.steps(c), d.losses(c), d.alerts(c), d.decisions(c), d.exposures(c), d.wrongAnswers(c), d.errorClasses(c)) {
			m = d.undated(m)
			m.After = d.id(c.origin)
			all = append(all, m)
		}
	}
	all = append(all, d.latencies()...)
	all = append(all, d.overhead()...)
	all = append(all, d.undone()...)
	all = append(all, d.wallTime(d.headline())...)
	for i := range all {
		all[i].Detail = truncate(all[i].Detail)
	}
	return all
}

// headline is the RTO of the first objective on it, or nothing known.
func (d *dataset) headline() harness.Measurement {
	for _, o := range d.rec.Scenario.Objectives {
		if o.Measure == MeasureRTO {
			tf, _ := d.moment(origin{after: o.After})
			return d.rto(d.cohortOutage(o.Load, o.Cohort, tf), MeasureRTO, tf, nil)
		}
	}
	return harness.Measurement{}
}
