package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"blackstart/evidence/pades"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// writeReports draws the plots, maps the frameworks' rows, and writes the reports, signed inside.
func (s *Sealing) writeReports(f harness.Findings, specs []ReportSpec, recordSHA string) error {
	log, err := os.Open(filepath.Join(s.Dir, filepath.FromSlash(seal.EventsFile)))
	if err != nil {
		return err
	}
	events, err := allEvents(log)
	if err := errors.Join(err, log.Close()); err != nil {
		return err
	}
	docs, all, err := render(s.record, f, specs, events, s.Redact, os.DirFS(s.Dir), recordSHA)
	if err != nil {
		return err
	}
	if err := writeCharts(s.Dir, all); err != nil {
		return err
	}
	v := &view{rec: s.record, f: f}
	mapped, err := controlsJSON(s.record.Format, specs, v.drill())
	if err != nil {
		return err
	}
	if err := writeFile(s.Dir, controlsFile, mapped); err != nil {
		return err
	}
	for name, doc := range docs {
		signed, err := s.signPDF(doc)
		if err != nil {
			return fmt.Errorf("sign %s: %w", name, err)
		}
		if err := writeFile(s.Dir, name, signed); err != nil {
			return err
		}
	}
	return nil
}

// render lays the reports out from what is in a pack, and draws the plots. The same pack gives the same bytes.
func render(rec *harness.Record, f harness.Findings, specs []ReportSpec, events []harness.Event, redact *Redactor, source fs.FS, recordSHA string) (
	map[string]reports.Document, []chart, error,
) {
	r, all, err := compose(rec, f, specs, events, redact, source, recordSHA)
	if err != nil {
		return nil, nil, err
	}
	docs := map[string]reports.Document{}
	for _, spec := range specs {
		lay := layouts[spec.Framework]
		if lay == nil {
			return nil, nil, fmt.Errorf("lay out %s: this build has no layout for the framework %s", spec.Path, spec.Framework)
		}
		r.Block = FactLines(rec, f, recordSHA, spec.Framework)
		if docs[spec.Path], err = lay(r); err != nil {
			return nil, nil, err
		}
	}
	return docs, all, nil
}

// compose collects what the reports say, in words, and draws the plots.
func compose(rec *harness.Record, f harness.Findings, specs []ReportSpec, events []harness.Event, redact *Redactor, source fs.FS, recordSHA string) (
	reports.Report, []chart, error,
) {
	all, err := charts(rec, events, source)
	if err != nil {
		return reports.Report{}, nil, err
	}
	v := &view{rec: rec, f: f, specs: specs, events: events, redact: redact, zero: zeroOf(rec), source: source, src: measure.Files(source, rec)}
	r := v.report(recordSHA)
	for _, c := range all {
		r.Plots = append(r.Plots, reports.Plot{Title: c.name, Caption: c.caption, PNG: c.images.PNG})
	}
	if rec.Status == harness.Interrupted {
		v.interrupted(&r)
	}
	return r, all, nil
}

// signPDF signs a report inside: the executor certifies, the reviewer's field is made, empty, before that.
func (s *Sealing) signPDF(doc reports.Document) ([]byte, error) {
	rect := func(b [4]float64) pades.Rect { return pades.Rect{X1: b[0], Y1: b[1], X2: b[2], Y2: b[3]} }
	return pades.Sign(doc.PDF, pades.Options{
		Signer: s.Identity.Key, Chain: s.Identity.Chain, Time: s.record.Ended.Time(), FieldName: "Executor",
		Name: s.record.Executor, Reason: "executed the drill; " + s.record.Environment, Page: doc.SignPage, Box: rect(doc.SignBox),
		Certify: true, ReviewerField: true, ReviewerName: "Reviewer", ReviewerBox: rect(doc.Review),
	})
}

// view turns a record and its findings into the words of a report.
type view struct {
	rec    *harness.Record
	f      harness.Findings
	events []harness.Event
	redact *Redactor
	zero   harness.Stamp
	source fs.FS // root of the bag or of the pack
	src    measure.Source
	read   map[string]bool // by file: whether a probe's answers can be read in full
	specs  []ReportSpec
}

func (v *view) report(recordSHA string) reports.Report {
	rec := v.rec
	return reports.Report{
		Identity: v.identity(), RecordDigest: recordSHA, Sealed: rec.Ended.Time(), Verdict: v.verdict(), Summary: v.summary(), Limits: v.limits(), Answers: v.answers(),
		Heed: v.heed(), Failures: v.failures(), Story: v.story(), Zero: zeroWords(rec), Outcomes: v.outcomeRows(), Known: v.known(), Replication: v.replication(),
		Decisions: v.decided(), Discord: v.discord(),
		Plan: v.plan(), People: v.people(), Readiness: v.readiness(), Objectives: v.objectives(), Timeline: v.timeline(),
		NotExecuted: v.notExecuted(), Measures: v.measures(), Checks: v.checks(), Faults: v.faults(), Load: v.load(),
		Ledger: v.ledger(), Oracle: v.f.LedgerNote, Alerts: v.alerts(), Components: v.components(), Simulated: rec.Target.Simulated,
		Clock: v.clock(), Exceptions: v.exceptions(), Drill: v.drill(), Provenance: v.provenance(), Integrity: v.integrity(),
		Commands: AuditCommands(v.rec, v.specs), Population: v.population(), Retention: v.retention(),
	}
}

func (v *view) identity() reports.Identity {
	rec := v.rec
	sha := ""
	if data, err := fs.ReadFile(v.source, "data/as-run/scenario.yaml"); err == nil {
		sha = seal.Digest(data)
	}
	activity := "disaster-recovery drill"
	if rec.Environment == harness.Rehearsal {
		activity = "rehearsal of a disaster-recovery drill"
	}
	return reports.Identity{
		PackID: rec.PackID, RunID: rec.RunID, Activity: activity, Environment: rec.Environment,
		Scenario: rec.Scenario.Metadata.Name + ": " + rec.Scenario.Metadata.Title, ScenarioDigest: sha,
		Target: rec.Target.Name + " (" + rec.Target.Kind + ")", Profile: v.profile(), Started: rec.Started.String(), Ended: rec.Ended.String(),
		Tool: "blackstart " + rec.Tool.Version + " (" + rec.Tool.Go + ", " + rec.Tool.OS + ")", ToolDigest: rec.Tool.SHA256,
		Amends: rec.Amends,
	}
}

func (v *view) profile() string {
	t := v.rec.Target.Timings
	return fmt.Sprintf("%s: a check every %s, %d failures, TTL %s", v.rec.Profile, measure.Length(t.CheckIntervalNS), t.CheckFailures, measure.Length(t.TTLNS))
}

// answers are what an examiner asks first. What nobody told us is "not recorded", which is the zero value.
func (v *view) answers() reports.Answers {
	a := reports.Answers{
		Operator: v.rec.Executor + " (self-asserted)",
		Deletion: "whoever can write where the pack lies: this version locks nothing",
	}
	if v.rec.Environment == harness.Rehearsal {
		a.KeyHolders = "a throw-away key made for this run; anyone can make another"
		a.MissionCritical = "no: the bundled rehearsal system, on nobody's list; not production"
	}
	return a
}

func (v *view) plan() []reports.Field {
	var sources []string
	for _, o := range v.rec.Scenario.Objectives {
		sources = append(sources, o.ID+": "+o.Source)
	}
	return []reports.Field{
		{Name: "Objectives come from", Value: strings.Join(sources, "; ")},
		{Name: "Criteria frozen before the run", Value: "yes: inputs.json, whose digest starts the event log (" + v.rec.Inputs + ")"},
		{Name: "Change ticket", Value: ""}, {Name: "Approval before the run", Value: ""}, {Name: "BIA or BCP reference", Value: ""},
	}
}

func (v *view) people() []reports.Field {
	return []reports.Field{
		{Name: "Executor", Value: v.rec.Executor}, {Name: "Authenticated by", Value: "self-asserted: name of the operating-system account or of --executor"},
		{Name: "Approver", Value: ""}, {Name: "Reviewer", Value: "none yet: the field in this document is empty"},
		{Name: "Participants", Value: ""}, {Name: "Independence", Value: ""},
	}
}

func (v *view) population() []reports.Field {
	kept := "none: which other runs there were cannot be seen from this pack"
	if origin, _, ok := strings.Cut(v.rec.Register, "+"); ok {
		kept = "the run was opened in " + origin + " before it started; which other runs there were: blackstart register population"
	}
	return []reports.Field{
		{Name: "Register", Value: kept},
		{Name: "Reconciled to", Value: ""},
	}
}

func (v *view) retention() []reports.Field {
	customer := ""
	if v.rec.Environment == harness.Rehearsal {
		customer = "none: generated documents and ledger rows only"
	}
	return []reports.Field{
		{Name: "Keep for", Value: ""}, {Name: "Basis", Value: "a policy of the firm; this pack sets none"}, {Name: "Customer data", Value: customer},
		{Name: "Redacted", Value: "routing keys, tokens, passwords of the target, wherever they appeared"},
		{Name: "Needs verification again", Value: "once the plan or the system has changed"},
	}
}

func (v *view) integrity() []reports.Field {
	return []reports.Field{
		{Name: "Signature in this file", Value: "PAdES B-B, certifies the document; covers it to its end"},
		{Name: "Manifest signature", Value: "signatures/manifest.p7s over the bytes of manifest-sha256.txt"},
		{Name: "Event log", Value: fmt.Sprintf("%d events and %s, digest %s, order self-asserted by the run's key", len(v.events), seal.ClosedKind, v.eventsDigest())},
		{Name: "Independent time stamp", Value: "none: the time of signing is self-asserted"},
	}
}

// eventsDigest is the digest of the whole log, which is closed by now.
func (v *view) eventsDigest() string {
	d, err := fileDigest(v.source, seal.EventsFile)
	if err != nil {
		return "not read"
	}
	return d
}
