package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// Names of files in a pack that only this package reads.
const (
	RecordFile   = "data/record.json"
	FindingsFile = "data/findings.json"
	controlsFile = "data/controls.json"
	verifyFile   = "data/VERIFY.md"
	scenarioFile = "data/as-run/scenario.yaml"
	extendsDir   = "data/as-run/extends/"
	targetFile   = "data/as-run/target.json"
	planFile     = "data/as-run/plan.json"

	// describedFile is the target file of a target that the tool did not start.
	describedFile = "data/as-run/target.yaml"
	formatsFile   = "data/as-run/formats.md"
	undoFile      = "data/as-run/undo.jsonl"
	tornFile      = "data/events.torn" // what a crash left of the event that was being written
)

// Sealing is what Seal needs besides the bag under construction.
type Sealing struct {
	Dir      string // root of the bag, bound: data/ holds inputs, events, raw files, as-run and the record
	Base     string // name of the directory inside the zip
	Path     string // where the pack is written
	Redact   *Redactor
	Identity *seal.Identity
	Progress func(string)

	record *harness.Record // as it stands in the bag
}

// Seal judges a bag that is bound, adds everything that is derived, in the order in which each may name the ones before it,
// and writes the pack.
func Seal(ctx context.Context, s Sealing) (harness.Findings, seal.Sealed, error) {
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	var findings harness.Findings
	var sealed seal.Sealed
	err := func() (err error) {
		var recordSHA string
		s.Progress("judging from the record alone")
		if findings, recordSHA, err = s.judge(); err != nil {
			return err
		}
		if err := s.write(ctx, findings, recordSHA); err != nil {
			return err
		}
		s.Progress("sealing")
		if sealed, err = seal.Seal(ctx, s.Dir, BagInfo(s.record), s.Identity); err != nil {
			return err
		}
		return seal.WritePack(ctx, s.Dir, s.Base, s.Path)
	}()
	if err != nil {
		return findings, sealed, fmt.Errorf("seal pack: %w", err)
	}
	return findings, sealed, nil
}

// judge reads the record from disk, so that what is judged is what was bound.
func (s *Sealing) judge() (harness.Findings, string, error) {
	data, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(RecordFile)))
	if err != nil {
		return harness.Findings{}, "", err
	}
	s.record = &harness.Record{}
	if err := seal.StrictDecode(data, s.record); err != nil {
		return harness.Findings{}, "", err
	}
	f, err := measure.Judge(s.record, measure.Files(os.DirFS(s.Dir), s.record))
	if err != nil {
		return harness.Findings{}, "", err
	}
	f.Record = seal.Digest(data)
	return f, f.Record, nil
}

// write writes everything that is derived from the findings.
func (s *Sealing) write(ctx context.Context, f harness.Findings, recordSHA string) error {
	if _, err := writeJSON(s.Dir, FindingsFile, f, s.Redact); err != nil {
		return err
	}
	// The reports say what the pack holds, which is redacted, and can be laid out again from it alone.
	f, err := readFindings(os.DirFS(s.Dir))
	if err != nil {
		return err
	}
	specs, err := readSpecs(os.DirFS(s.Dir))
	if err != nil {
		return fmt.Errorf("list the reports: %w", err)
	}
	if err := writeFile(s.Dir, verifyFile, []byte(verifyText(s.record, specs))); err != nil {
		return err
	}
	s.Progress("drawing plots and reports")
	return errors.Join(ctx.Err(), s.writeReports(f, specs, recordSHA))
}

// readFindings reads the findings of a bag.
func readFindings(source fs.FS) (f harness.Findings, err error) {
	data, err := fs.ReadFile(source, FindingsFile)
	if err == nil {
		err = seal.StrictDecode(data, &f)
	}
	return f, err
}

// Unseal removes what an earlier, unfinished seal of the bag at dir left, so that it can be sealed again. What is bound to the
// run stays as it is, and a pack that was written is never touched: it is another file.
func Unseal(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at the bag: %w", err)
	}
	remove := []string{"data/plots", FindingsFile, controlsFile, verifyFile}
	for _, e := range entries {
		if e.Name() != seal.PayloadDir {
			remove = append(remove, e.Name())
		}
	}
	reports, err := fs.Glob(os.DirFS(dir), "data/report-*.pdf")
	if err != nil {
		return fmt.Errorf("look at the bag: %w", err)
	}
	for _, name := range append(remove, reports...) {
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("remove what an unfinished seal left: %w", err)
		}
	}
	return nil
}
