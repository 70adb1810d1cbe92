package facts

import (
	"blackstart/evidence/controls"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Coverage says what was exercised and which fields of evidence are recorded, for the control map: only what the record shows.
func Coverage(rec *harness.Record, f harness.Findings) controls.Drill {
	judged := rec.Status == harness.Completed && f.Verdict != harness.Inconclusive
	kept, ledgers, cohorts := len(rec.Streams) > 0, false, false
	for _, s := range rec.Streams {
		kept = kept && s.Closed
		ledgers = ledgers || s.Kind == "ledger" && s.Closed
		cohorts = cohorts || s.Kind == "samples" && s.Closed && len(s.Cohorts) > 0
	}
	known := func(name string) bool { m, ok := Find(f, name); return ok && m.Known }
	exceptions := len(Missed(f))+len(f.Exceptions) > 0
	// What is not here is recorded by no version of this tool: a plan, people, owners and severities of exceptions, storage, lessons.
	recorded := map[string]bool{
		"scenario digest": rec.Scenario.Metadata.Name != "", "digest of the record": true, "system drilled": rec.Target.Name != "",
		"scope": len(rec.Scenario.Metadata.DoesNotShow) > 0, "observations": len(f.Measurements) > 0,
		"ledger classification": len(f.Ledger) > 0,
		"oracle comparison":     rec.Ledger.OldRead, "reconciliation of acknowledged writes": rec.Ledger.Read && len(f.Ledger) > 0,
		"lost service": known(measure.NameLostService), "outcomes per client cohort": cohorts,
		"provenance of every artefact": kept, "source of each artefact": kept, "row counts": kept, "digests": kept, "raw data": kept, "raw series": kept,
		"recomputation from raw samples": kept, "control totals": ledgers, "exceptions": exceptions,
	}
	for _, m := range measure.Rows() {
		if m.Evidence != "" {
			recorded[m.Evidence] = recorded[m.Evidence] || known(m.Name)
		}
	}
	return controls.Drill{
		Rehearsal: rec.Environment != harness.Staging && rec.Environment != harness.Production, Recorded: recorded,
		Facts: map[controls.Flag]bool{
			controls.DataRecovery:     judged && rec.Ledger.Promoted && rec.Ledger.OldRead,
			controls.LedgerReconciled: rec.Ledger.Read, controls.RawSeriesKept: kept, controls.ProvenanceRecorded: kept, controls.ExceptionsRecorded: exceptions,
		},
	}
}

// Missed lists the objectives that were not met.
func Missed(f harness.Findings) []harness.Finding {
	var all []harness.Finding
	for _, o := range f.Objectives {
		if o.Verdict == harness.Fail {
			all = append(all, o)
		}
	}
	return all
}
