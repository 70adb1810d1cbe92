package evidence

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// Journal is the event log of a pack under construction: hash-chained lines with checkpoints signed by the run's key.
type Journal struct {
	dir    string       // root of the bag
	key    *seal.RunKey // nil where the process that held it is gone: nothing more is signed
	redact *Redactor
	clock  *harness.Clock

	mu       sync.Mutex // guards what follows
	chain    *seal.ChainWriter
	done     map[string]bool         // checkpoints that were signed, by name
	prefixes map[string]*seal.Prefix // of the files that loads write
	bound    int                     // checkpoints of the loads so far
}

// NewJournal starts the log of the bag at dir, whose data/inputs.json has been written, and writes event 0.
func NewJournal(dir string, inputsSHA string, key *seal.RunKey, redact *Redactor, clock *harness.Clock) (*Journal, error) {
	chain, err := seal.NewChain(filepath.Join(dir, seal.EventsFile), inputsSHA)
	if err != nil {
		return nil, fmt.Errorf("start event log: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(seal.CheckpointDir)), 0o755); err != nil {
		return nil, errors.Join(fmt.Errorf("start event log: %w", err), chain.Abandon())
	}
	j := &Journal{dir: dir, key: key, redact: redact, clock: clock, chain: chain, done: map[string]bool{}, prefixes: map[string]*seal.Prefix{}}
	first := j.now(openedKind, harness.Format, map[string]string{"format": harness.Format})
	first.Phase = "setup"
	if err := j.Append(first); err != nil {
		return nil, errors.Join(err, chain.Abandon())
	}
	return j, nil
}

// Bound tells whether the log of the bag at dir has ended and its record is the one that it tells of: then nothing is to be
// added, only to be sealed. An end that was signed and not yet named gets its name.
func Bound(dir string) (bool, error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(RecordFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the bag: %w", err)
	}
	log, err := os.Open(filepath.Join(dir, filepath.FromSlash(seal.EventsFile)))
	if err != nil {
		return false, fmt.Errorf("look at the bag: %w", err)
	}
	defer log.Close()
	told, last := "", ""
	err = eachLine(log, func(_ int64, e harness.Event) error {
		if last = e.Kind; e.Kind == recordClosedKind {
			told = e.Detail["sha256"]
		}
		return nil
	})
	if err != nil || last != seal.ClosedKind || told != seal.Digest(data) {
		return false, nil // torn or open: what resumes it says why
	}
	return true, finishEnd(dir)
}

// ResumeJournal goes on with the log of a process that is gone. Its key is gone too: nothing that is added can be signed.
func ResumeJournal(dir, inputsSHA string, redact *Redactor) (*Journal, error) {
	end := filepath.Join(dir, filepath.FromSlash(seal.CheckpointDir), "end"+seal.CheckpointExt)
	if err := os.Remove(end + unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("resume event log: %w", err) // it speaks of a log that ended otherwise
	}
	chain, err := seal.ResumeChain(filepath.Join(dir, seal.EventsFile), inputsSHA)
	if err != nil {
		return nil, err
	}
	return &Journal{dir: dir, redact: redact, clock: harness.NewClock(), chain: chain, done: map[string]bool{}}, nil
}

// now is an event of this moment.
func (j *Journal) now(kind, text string, detail map[string]string) harness.Event {
	now := j.clock.Now()
	return harness.Event{Kind: kind, At: harness.Interval{Lo: now, Hi: now}, Text: text, Detail: detail}
}

// Append adds an event, redacted. It survives the death of the process; a checkpoint and the end make it survive the machine's.
func (j *Journal) Append(e harness.Event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.append(e)
}

func (j *Journal) append(e harness.Event) error {
	e.Text = j.redact.Text(e.Text)
	clean := map[string]string{}
	for k, v := range e.Detail {
		clean[k] = j.redact.Text(v)
	}
	e.Detail = clean
	if _, err := j.chain.Append(e); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// each reads the events of the log. None is added meanwhile: half a line would be no event.
func (j *Journal) each(do func(seq int64, e harness.Event) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.Open(filepath.Join(j.dir, filepath.FromSlash(seal.EventsFile)))
	if err != nil {
		return err
	}
	defer f.Close()
	return eachEvent(f, do)
}

// Checkpoint signs the head of the log. Of several faults the first has the checkpoint.
func (j *Journal) Checkpoint(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.done[name] {
		return nil
	}
	return j.sign(name)
}

// sign makes the log durable and signs its head.
func (j *Journal) sign(name string) error {
	if err := j.chain.Sync(); err != nil {
		return fmt.Errorf("sync event log: %w", err)
	}
	path := filepath.Join(j.dir, filepath.FromSlash(seal.CheckpointDir), name+seal.CheckpointExt)
	return j.signTo(path, name, j.chain.Head())
}

func (j *Journal) signTo(path, name string, head seal.ChainHead) error {
	if j.key == nil {
		return nil
	}
	note, err := j.key.Sign(head, name)
	if err != nil {
		return fmt.Errorf("sign checkpoint %s: %w", name, err)
	}
	j.done[name] = true
	if err := os.WriteFile(path, note, 0o644); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", name, err)
	}
	return nil
}

// LoadCheckpoint tells the root over the records that each file of a load holds by now, and signs the head behind it.
func (j *Journal) LoadCheckpoint(written []harness.Written) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	detail := map[string]string{}
	for _, w := range written {
		root, err := j.prefix(w)
		if err != nil {
			return fmt.Errorf("checkpoint of %s: %w", w.File, err)
		}
		detail[w.File] = prefixText(w, root)
	}
	if err := j.append(j.now(loadCheckpointKind, "records written so far", detail)); err != nil {
		return err
	}
	j.bound++
	return j.sign(loadCheckpointName(j.bound))
}

// prefix computes the root over a file's first records, and makes them durable before anything vouches for them.
func (j *Journal) prefix(w harness.Written) (seal.Hash, error) {
	f, err := os.Open(filepath.Join(j.dir, filepath.FromSlash(w.File)))
	if err != nil {
		return seal.Hash{}, err
	}
	defer f.Close()
	p, ok := j.prefixes[w.File]
	if !ok {
		p = seal.NewPrefix(recordLen(w.Kind))
		j.prefixes[w.File] = p
	}
	root, err := p.Root(f, headerLen, int64(w.Records)) //nolint:gosec // far below 2^63
	return root, errors.Join(err, f.Sync())
}

// close ends the log: the digest of the record, then log.closed, then the end signed by the run's key, where it is still there.
func (j *Journal) close(recordSHA string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(j.now(recordClosedKind, "everything that was measured is on record", map[string]string{"file": RecordFile, "sha256": recordSHA})); err != nil {
		return err
	}
	end := filepath.Join(j.dir, filepath.FromSlash(seal.CheckpointDir), "end"+seal.CheckpointExt)
	if _, err := j.chain.Close(nil, func(head seal.ChainHead) error { return j.signTo(end+unfinished, "end", head) }); err != nil {
		return fmt.Errorf("close event log: %w", err)
	}
	if j.key == nil {
		return nil
	}
	return finishEnd(j.dir)
}

// unfinished marks an end that was signed for a log which may not have ended.
const unfinished = ".unfinished"

// finishEnd gives the end of a log its name. It is signed before the log ends and named after: a crash in between leaves what
// the next command finishes.
func finishEnd(dir string) error {
	end := filepath.Join(dir, filepath.FromSlash(seal.CheckpointDir), "end"+seal.CheckpointExt)
	if err := os.Rename(end+unfinished, end); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("close event log: %w", err)
	}
	return nil
}
