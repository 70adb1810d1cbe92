package measure

import "blackstart/harness"

// judgeOne judges by measure/1.
func judgeOne(rec *harness.Record, src Source) (harness.Findings, error) {
	if rec.Status == harness.Interrupted {
		return interrupted(rec), nil
	}
	d := gather(rec, src)
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
		last.Reason = clip(last.Reason)
	}
	if d.null() {
		f.Objectives = append(f.Objectives, d.nullFindings()...)
	}
	f.Measurements = d.measurements()
	d.conclude(&f)
	return f, nil
}

// measurements lists everything that was measured, whether an objective asks for it or not.
func (d *drill) measurements() []harness.Measurement {
	all := append([]harness.Measurement{}, d.outages()...)
	all = append(all, d.steps()...)
	all = append(all, d.losses()...)
	all = append(all, d.alerts()...)
	all = append(all, d.decisions()...)
	all = append(all, d.exposures()...)
	all = append(all, d.wrongs()...)
	all = append(all, d.errorClasses()...)
	all = append(all, d.latencies()...)
	all = append(all, d.overhead()...)
	all = append(all, d.wallTime(d.headline())...)
	for i := range all {
		all[i].Detail = clip(all[i].Detail)
	}
	return all
}

// headline is the RTO of the first objective on it, or nothing known.
func (d *drill) headline() harness.Measurement {
	for _, o := range d.rec.Scenario.Objectives {
		if o.Measure == MeasureRTO {
			return d.rto(d.see(o.Load, o.Cohort, d.tf), MeasureRTO, d.tf, nil)
		}
	}
	return harness.Measurement{}
}
