package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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
	formatsFile  = "data/as-run/formats.md"
	undoFile     = "data/as-run/undo.jsonl"
	tornFile     = "data/events.torn" // what a crash left of the event that was being written
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
	if err := writeFile(s.Dir, verifyFile, []byte(verifyText(s.record))); err != nil {
		return err
	}
	s.Progress("drawing plots and reports")
	return errors.Join(ctx.Err(), s.writeReports(f, recordSHA))
}

// verifyText tells an auditor how to check the pack without us. Nothing in it is computed after sealing.
func verifyText(rec *harness.Record) string {
	return strings.NewReplacer("{run}", rec.RunID, "{env}", rec.Environment).Replace(`# How to check this pack

Run {run}, environment class {env}. Unpack it and go into its one directory. Roots and keys reach you outside the pack: never
trust a certificate found inside it. For a rehearsal the root lies beside the pack as NAME.root.pem; it shows integrity since
sealing only, because anyone can make another.

## With tools that are not ours
sha256sum and diff (coreutils, diffutils), openssl, certutil (Debian: libnss3-tools), pdfsig (poppler-utils), qpdf. Each says OK, valid or
nothing at all when all is well.

    cp ../NAME.root.pem root.pem     # the root you were given, wherever it lies
    sha256sum --strict --quiet -c manifest-sha256.txt && diff <(find data -type f | LC_ALL=C sort) <(cut -c67- manifest-sha256.txt | LC_ALL=C sort)
    openssl cms -verify -cades -binary -inform DER -in signatures/manifest.p7s -content manifest-sha256.txt -CAfile root.pem -out /dev/null
    mkdir nss && certutil -N -d sql:nss --empty-password && certutil -A -d sql:nss -n root -t "CT,C,C" -i root.pem
    pdfsig -nssdir sql:nss data/report-finra-4370.pdf     # the LAST signature must say "Total document signed"
    qpdf --check data/report-finra-4370.pdf

openssl accepts some bytes appended to a signature; the tool below does not.

## With the tool
    blackstart verify PACK.zip --root NAME.root.pem --recompute

It checks the same and more, names the first altered file, and derives RTO, RPO and verdict again from the raw samples.

## With neither
data/as-run/formats.md gives the layout of every binary file and the definition of every number; a reader written from it alone,
with nothing but Python's standard library, reaches the same bounds.

## Time
There is no independent time stamp in this pack: the time of signing is self-asserted, and no past moment may be taken from it.
`)
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
