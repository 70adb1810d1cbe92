package evidence

import (
	"blackstart/evidence/controls"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// drill says what was exercised and which fields of evidence are recorded, for the control map: only what the record shows.
func (v *view) drill() controls.Drill {
	judged := v.rec.Status == harness.Completed && v.f.Verdict != harness.Inconclusive
	kept := len(v.rec.Streams) > 0
	for _, s := range v.rec.Streams {
		kept = kept && s.Closed
	}
	return controls.Drill{
		Rehearsal: v.rec.Environment != harness.Staging && v.rec.Environment != harness.Production,
		Recorded:  v.recorded(kept),
		Facts: map[controls.Flag]bool{
			controls.DataRecovery:       judged && v.rec.Ledger.Promoted && v.rec.Ledger.OldRead,
			controls.LedgerReconciled:   v.rec.Ledger.Read,
			controls.RawSeriesKept:      kept,
			controls.ProvenanceRecorded: kept,
			controls.ExceptionsRecorded: len(v.exceptions()) > 0,
		},
	}
}

// recorded names the evidence of the catalogues that this record has. What is not here is recorded by no version of this tool:
// a plan, people, owners and severities of exceptions, storage, lessons.
func (v *view) recorded(kept bool) map[string]bool {
	known := func(name string) bool { m, ok := v.found(name); return ok && m.Known }
	ledgers, cohorts := false, false
	for _, s := range v.rec.Streams {
		ledgers = ledgers || s.Kind == "ledger" && s.Closed
		cohorts = cohorts || s.Kind == "samples" && s.Closed && len(s.Cohorts) > 0
	}
	all := map[string]bool{
		"scenario digest": v.rec.Scenario.Metadata.Name != "", "digest of the record": true, "system drilled": v.rec.Target.Name != "",
		"scope": len(v.rec.Scenario.Metadata.DoesNotShow) > 0, "observations": len(v.f.Measurements) > 0,
		"ledger classification": len(v.f.Ledger) > 0,
		"oracle comparison":     v.rec.Ledger.OldRead, "reconciliation of acknowledged writes": v.rec.Ledger.Read && len(v.f.Ledger) > 0,
		"lost service": known(measure.NameLostService), "outcomes per client cohort": cohorts,
		"provenance of every artefact": kept, "source of each artefact": kept, "row counts": kept, "digests": kept, "raw data": kept, "raw series": kept,
		"recomputation from raw samples": kept, "control totals": ledgers, "exceptions": len(v.exceptions()) > 0,
	}
	for _, m := range measure.Rows() {
		if m.Evidence != "" {
			all[m.Evidence] = all[m.Evidence] || known(m.Name)
		}
	}
	return all
}
