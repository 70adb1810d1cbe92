package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"blackstart/evidence/controls"
	"blackstart/evidence/facts"
	"blackstart/evidence/pades"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/evidence/words"
	"blackstart/harness"
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
	docs, all, err := render(s.record, f, specs, events, os.DirFS(s.Dir), recordSHA)
	if err != nil {
		return err
	}
	if err := writeCharts(s.Dir, all); err != nil {
		return err
	}
	mapped, err := controlsJSON(s.record.Format, specs, facts.Coverage(s.record, f))
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
func render(rec *harness.Record, f harness.Findings, specs []ReportSpec, events []harness.Event, source fs.FS, recordSHA string) (
	map[string]reports.Document, []chart, error,
) {
	drill := facts.Of(rec, f, events, source)
	r, all, err := compose(drill, specs, source, recordSHA)
	if err != nil {
		return nil, nil, err
	}
	docs := map[string]reports.Document{}
	for _, spec := range specs {
		of, err := controls.Load(spec.Framework)
		if err != nil {
			return nil, nil, fmt.Errorf("lay out %s: %w", spec.Path, err)
		}
		r.Block, r.Requirements = FactLines(rec, f, recordSHA, spec.Framework), words.RequirementsOf(of, drill.Coverage)
		if docs[spec.Path], err = reports.Render(r); err != nil {
			return nil, nil, err
		}
	}
	return docs, all, nil
}

// compose says what all reports of a drill have in common, and draws the plots.
func compose(d facts.Drill, specs []ReportSpec, source fs.FS, recordSHA string) (reports.Report, []chart, error) {
	all := charts(d.Record, d.Loads, d.Events, source)
	if err := draw(all); err != nil {
		return reports.Report{}, nil, err
	}
	r := reports.Report{Report: words.Of(d, AuditCommands(d.Record, specs)), RecordDigest: recordSHA, Sealed: d.Record.Ended.Time()}
	for _, c := range all {
		if d.Record.Status != harness.Interrupted { // a picture would read like a result
			r.Plots = append(r.Plots, reports.Plot{Title: c.name, Caption: c.caption, PNG: c.images.PNG})
		}
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
