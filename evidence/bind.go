package evidence

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// Kinds of the events that bind files to the run.
const (
	openedKind         = "log.opened"        // event 0: the format
	loadCheckpointKind = "load.checkpoint"   // detail: file → how far it has come, and the root over that
	streamClosedKind   = "stream.closed"     // a binary file, complete
	fileClosedKind     = "file.closed"       // any other file, complete
	interruptedKind    = "drill.interrupted" // another process took over; the key of the run is gone
	recordClosedKind   = "record.closed"     // record.json, complete: the last event but log.closed
)

const headerLen = loadgen.HeaderSize

// recordLens are the lengths of the records of each kind of binary file.
var recordLens = map[string]int{"samples": loadgen.SampleSize, "ledger": loadgen.AttemptSize, "copies": 1}

func recordLen(kind string) int { return recordLens[kind] }

// loadCheckpointName is the name of the n-th checkpoint of the loads, from 1.
func loadCheckpointName(n int) string { return fmt.Sprintf("load-%04d", n) }

// prefixText is how a checkpoint's event tells how far a file has come.
func prefixText(w harness.Written, root seal.Hash) string {
	return fmt.Sprintf("records=%d waiting=%d root=%x", w.Records, w.Waiting, root[:])
}

// parsePrefix reads what prefixText writes and nothing else.
func parsePrefix(text string) (records int64, root seal.Hash, err error) {
	var waiting int
	var digits string
	if _, err := fmt.Sscanf(text, "records=%d waiting=%d root=%s", &records, &waiting, &digits); err != nil || records < 0 ||
		fmt.Sprintf("records=%d waiting=%d root=%s", records, waiting, digits) != text {
		return 0, root, fmt.Errorf("%.200q does not say how far a file has come", text)
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(root) || hex.EncodeToString(raw) != digits {
		return 0, root, fmt.Errorf("%.200q has no root", text)
	}
	return records, seal.Hash(raw), nil
}

// Binding is what Bind needs: everything that a drill has left.
type Binding struct {
	Dir     string // root of the bag
	Journal *Journal
	Record  *harness.Record // its Merkle roots are filled in
	Redact  *Redactor
	Logs    string // directory with the target's logs, "" for none
	UndoLog string // file, "" for none
	Formats []byte // docs/formats.md, for data/as-run/formats.md

	recorded map[string]bool // files that have their event
}

// Bind ties everything that was measured to the run, while its key lives: logs and undo log are brought into the bag,
// redacted; each file gets an event with its digest or root; then the record is written, and the event log ends with the
// digest of the record and is signed. No byte of these files changes afterwards: what follows is derived.
//
// A Bind that was cut short can be made again: files that have their event are left as they are.
func Bind(ctx context.Context, b Binding) error {
	if err := b.copyFiles(); err != nil {
		return fmt.Errorf("bind evidence: %w", err)
	}
	if err := b.findRecorded(); err != nil {
		return fmt.Errorf("bind evidence: %w", err)
	}
	for _, f := range b.binaries() {
		if err := b.bindStream(ctx, f); err != nil {
			return fmt.Errorf("bind %s: %w", f.file, err)
		}
	}
	if err := b.bindFiles(); err != nil {
		return fmt.Errorf("bind evidence: %w", err)
	}
	sha, err := writeJSON(b.Dir, RecordFile, b.Record, b.Redact)
	if err != nil {
		return fmt.Errorf("bind evidence: %w", err)
	}
	if err := b.Journal.close(sha); err != nil {
		return fmt.Errorf("bind evidence: %w", err)
	}
	return nil
}

// copyFiles copies what stands beside the record into the bag, unless an earlier Bind has.
func (b *Binding) copyFiles() error {
	asRun := filepath.Join(b.Dir, "data", "as-run")
	if err := os.MkdirAll(asRun, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(b.Dir, filepath.FromSlash(formatsFile))); err == nil {
		return nil // written last: the others are there
	}
	if b.Logs != "" {
		if _, err := b.Redact.CopyLogs(b.Logs, filepath.Join(asRun, "logs")); err != nil {
			return err
		}
	}
	if b.UndoLog != "" {
		data, err := os.ReadFile(b.UndoLog)
		if err == nil {
			err = writeFile(b.Dir, undoFile, b.Redact.Bytes(data))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return writeFile(b.Dir, formatsFile, b.Formats)
}

// binaryFile is one binary file that the record names.
type binaryFile struct {
	file, kind, load string
	closed           bool
	count            int
	root             *string // where the record keeps the root
}

func (b *Binding) binaries() []binaryFile {
	var all []binaryFile
	for i := range b.Record.Streams {
		s := &b.Record.Streams[i]
		all = append(all, binaryFile{s.File, s.Kind, s.Load, s.Closed, s.Count, &s.Root})
	}
	for i := range b.Record.Ledger.Copies {
		c := &b.Record.Ledger.Copies[i]
		all = append(all, binaryFile{c.File, "copies", c.Load, true, c.Count, &c.Root})
	}
	return all
}

// bindStream writes the tree beside a closed binary file and tells its ends and root. One that a crash left open has no tree.
func (b *Binding) bindStream(ctx context.Context, s binaryFile) error {
	path := filepath.Join(b.Dir, filepath.FromSlash(s.file))
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	w, err := seal.Walk(ctx, f, headerLen, recordLen(s.kind), nil)
	if err = errors.Join(err, f.Close()); err != nil {
		var torn *seal.Refusal
		if errors.As(err, &torn) && !s.closed {
			return nil // it died before its header was written: bindFiles tells it as it is
		}
		return err
	}
	if s.closed && w.Tail > 0 {
		return fmt.Errorf("it ends inside a record")
	}
	if s.closed {
		if err := os.WriteFile(path+seal.TreeExt, w.Bytes(), 0o644); err != nil {
			return err
		}
		*s.root = fmt.Sprintf("%x", w.Root[:])
	}
	return b.appendFileEvent(streamClosedKind, fmt.Sprintf("%s: %d records", s.file, w.Records), streamDetail(s.file, s.closed, w))
}

// appendFileEvent adds the event of one file, once.
func (b *Binding) appendFileEvent(kind, text string, detail map[string]string) error {
	if b.recorded[detail["file"]] {
		return nil
	}
	b.recorded[detail["file"]] = true
	return b.Journal.Append(b.Journal.now(kind, text, detail))
}

// streamDetail is what the event of a binary file tells.
func streamDetail(file string, closed bool, w seal.FileDigests) map[string]string {
	d := map[string]string{"file": file, "records": strconv.FormatInt(w.Records, 10), "first": w.First, "last": w.Last, "root": fmt.Sprintf("%x", w.Root[:])}
	if !closed {
		d["tail"] = strconv.Itoa(w.Tail) // its root covers header and whole records
	}
	return d
}

// bindFiles tells the digest of every other file of the bag that is not derived later and that the inputs do not name.
func (b *Binding) bindFiles() error {
	return filepath.WalkDir(filepath.Join(b.Dir, seal.PayloadDir), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(b.Dir, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if b.recorded[name] || !bindable(name) {
			return nil
		}
		d, err := fileDetail(os.DirFS(b.Dir), name)
		if err != nil {
			return err
		}
		return b.appendFileEvent(fileClosedKind, name+" is complete", d)
	})
}

// bindable tells whether a file has an event: all but those that follow from others, and those that the inputs or the log
// itself vouch for.
func bindable(name string) bool {
	for _, prefix := range []string{seal.CheckpointDir, "data/plots/", "data/report-", extendsDir} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	if strings.HasSuffix(name, seal.TreeExt) {
		return false
	}
	return !slices.Contains([]string{seal.InputsFile, seal.EventsFile, tornFile, RecordFile, FindingsFile, controlsFile, verifyFile,
		scenarioFile, targetFile, planFile, describedFile}, name)
}

// fileDetail is what the event of any other file tells. A file of lines tells its first and last.
func fileDetail(fsys fs.FS, name string) (map[string]string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seeker, ok := f.(io.ReadSeeker)
	if !ok {
		return nil, fmt.Errorf("%s cannot be read twice", name)
	}
	e, err := findEnds(seeker)
	if err != nil {
		return nil, err
	}
	d := map[string]string{"file": name, "size": strconv.FormatInt(e.size, 10), "sha256": e.sum}
	if strings.HasSuffix(name, ".jsonl") {
		d["records"], d["first"], d["last"] = strconv.FormatInt(e.lines, 10), e.first, e.last
	}
	return d, nil
}

// findRecorded lists the files that have their event in the log already.
func (b *Binding) findRecorded() error {
	b.recorded = map[string]bool{}
	return b.Journal.each(func(_ int64, e harness.Event) error {
		if e.Kind == streamClosedKind || e.Kind == fileClosedKind {
			b.recorded[e.Detail["file"]] = true
		}
		return nil
	})
}
