package evidence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

const headerLen = loadgen.HeaderSize

func recordLen(kind string) int {
	if kind == "ledger" {
		return loadgen.AttemptSize
	}
	return loadgen.SampleSize
}

// Sealing is what Seal needs besides the bag under construction.
type Sealing struct {
	Dir      string // root of the bag; data/ holds inputs, events, samples, ledger, observations, as-run
	Base     string // name of the directory inside the zip
	Path     string // where the pack is written
	Record   *harness.Record
	Redact   *Redactor
	Identity *seal.Identity
	Formats  []byte // docs/formats.md, for data/as-run/formats.md
	Progress func(string)
}

// Seal finishes the bag in the order in which each file may name the ones before it, and writes the pack.
func Seal(ctx context.Context, s Sealing) (harness.Findings, seal.Sealed, error) {
	if s.Progress == nil {
		s.Progress = func(string) {}
	}
	var findings harness.Findings
	var sealed seal.Sealed
	err := func() error {
		if err := s.hashStreams(ctx); err != nil {
			return err
		}
		if err := errors.Join(s.redactObservations(), s.closeRecord()); err != nil {
			return err
		}
		recordSHA, err := writeJSON(s.Dir, RecordFile, s.Record, s.Redact)
		if err != nil {
			return err
		}
		s.Progress("record written, judging from the record alone")
		if findings, err = s.judge(recordSHA); err != nil {
			return err
		}
		if err := s.write(ctx, findings, recordSHA); err != nil {
			return err
		}
		s.Progress("sealing")
		if sealed, err = seal.Seal(ctx, s.Dir, BagInfo(s.Record), s.Identity); err != nil {
			return err
		}
		return seal.WritePack(ctx, s.Dir, s.Base, s.Path)
	}()
	if err != nil {
		return findings, sealed, fmt.Errorf("seal pack: %w", err)
	}
	return findings, sealed, nil
}

// hashStreams writes the tree beside each binary file and its root into the record. A file that was torn by a crash has
// none; the manifest vouches for it as a whole.
func (s *Sealing) hashStreams(ctx context.Context) error {
	for i := range s.Record.Streams {
		st := &s.Record.Streams[i]
		if !st.Closed {
			continue
		}
		tree, err := seal.WriteTree(ctx, filepath.Join(s.Dir, filepath.FromSlash(st.File)), headerLen, recordLen(st.Kind))
		if err != nil {
			return err
		}
		st.Root = fmt.Sprintf("%x", tree.Root[:])
	}
	return nil
}

// closeRecord fills in what the record says of files that are complete by now.
func (s *Sealing) closeRecord() error {
	events, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(seal.EventsFile)))
	if err != nil {
		return err
	}
	s.Record.EventsHead = seal.Digest(events)
	s.Record.EventsCount = strings.Count(string(events), "\n")
	for i := range s.Record.Components {
		name := "data/as-run/logs/" + s.Record.Components[i].Name + ".log"
		if _, err := os.Stat(filepath.Join(s.Dir, filepath.FromSlash(name))); err == nil {
			s.Record.Components[i].LogFile = name
		}
	}
	return nil
}

// judge reads the record back from disk, so that what is judged is what is sealed.
func (s *Sealing) judge(recordSHA string) (harness.Findings, error) {
	data, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(RecordFile)))
	if err != nil {
		return harness.Findings{}, err
	}
	var rec harness.Record
	if err := seal.StrictDecode(data, &rec); err != nil {
		return harness.Findings{}, err
	}
	f, err := measure.Judge(&rec, measure.Files(os.DirFS(s.Dir), &rec))
	if err != nil {
		return harness.Findings{}, err
	}
	f.Record = recordSHA
	return f, nil
}

// write writes everything that is derived from the findings.
func (s *Sealing) write(ctx context.Context, f harness.Findings, recordSHA string) error {
	if _, err := writeJSON(s.Dir, FindingsFile, f, s.Redact); err != nil {
		return err
	}
	if err := writeFile(s.Dir, "data/as-run/formats.md", s.Formats); err != nil {
		return err
	}
	if err := writeFile(s.Dir, "data/VERIFY.md", []byte(verifyText(s.Record))); err != nil {
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

// Unseal removes what an earlier, unfinished seal of the bag at dir left, so that it can be sealed again. A pack that was
// written is never touched: it is another file.
func Unseal(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look at the bag: %w", err)
	}
	for _, e := range entries {
		if e.Name() == seal.PayloadDir {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("remove what an unfinished seal left: %w", err)
		}
	}
	trees, err := filepath.Glob(filepath.Join(dir, "data", "*", "*"+seal.TreeExt))
	if err != nil {
		return err
	}
	for _, t := range trees {
		if err := os.Remove(t); err != nil {
			return fmt.Errorf("remove what an unfinished seal left: %w", err)
		}
	}
	return nil
}
