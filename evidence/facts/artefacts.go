package facts

import (
	"io/fs"

	"blackstart/evidence/controls"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Artefact is one raw file of a stream or of a probe; the other of the two is nil.
type Artefact struct {
	Stream *harness.Stream
	Probe  *harness.ProbeSeries
	SHA256 string         // "" if it cannot be read
	Total  harness.Amount // of all attempts of a ledger, acknowledged or not
	Valued bool           // it is a ledger, and was read in full
}

func artefacts(rec *harness.Record, src measure.Source, source fs.FS) []Artefact {
	var all []Artefact
	for i := range rec.Streams {
		a := Artefact{Stream: &rec.Streams[i], SHA256: digest(source, rec.Streams[i].File)}
		a.Total, a.Valued = controlTotal(src, *a.Stream)
		all = append(all, a)
	}
	for i := range rec.Probes {
		all = append(all, Artefact{Probe: &rec.Probes[i], SHA256: digest(source, rec.Probes[i].File)})
	}
	return all
}

func controlTotal(src measure.Source, s harness.Stream) (sum harness.Amount, ok bool) {
	sum.Exponent = s.Traits().Exponent
	if s.Kind != "ledger" {
		return sum, false
	}
	for a, err := range src.Attempts(s.ID) {
		if err != nil {
			return sum, false
		}
		sum.Minor += a.Amount
	}
	return sum, true
}

// digest is the digest of a file's bytes, "" if it cannot be read.
func digest(source fs.FS, name string) string {
	f, err := source.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	sum, err := seal.DigestReader(f)
	if err != nil {
		return ""
	}
	return sum
}

// Coverage says what was exercised and which fields of evidence are recorded, for the control map: only what the record shows.
func Coverage(rec *harness.Record, f harness.Findings) controls.Exercised {
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
	return controls.Exercised{
		Rehearsal: rec.Environment != harness.Staging && rec.Environment != harness.Production, Observed: rec.ObserveOnly != nil, Recorded: recorded,
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
