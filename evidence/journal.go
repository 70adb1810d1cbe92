package evidence

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"blackstart/evidence/seal"
	"blackstart/harness"
)

// Journal is the event log of a pack under construction: hash-chained lines with checkpoints signed by the run's key.
type Journal struct {
	dir    string // root of the bag
	key    *seal.RunKey
	redact *Redactor

	mu    sync.Mutex // guards what follows
	chain *seal.ChainWriter
	kept  []harness.Event
	done  map[string]bool
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
	j := &Journal{dir: dir, key: key, redact: redact, chain: chain, done: map[string]bool{}}
	now := clock.Now()
	first := harness.Event{Kind: "log.opened", At: harness.Interval{Lo: now, Hi: now}, Phase: "setup", Text: harness.Format,
		Detail: map[string]string{"format": harness.Format}}
	if err := j.Append(first); err != nil {
		return nil, errors.Join(err, chain.Abandon())
	}
	return j, nil
}

// Append adds an event, redacted. It survives the death of the process; Checkpoint and Close make it survive the machine's.
func (j *Journal) Append(e harness.Event) error {
	e.Text = j.redact.Text(e.Text)
	if e.Detail == nil {
		e.Detail = map[string]string{}
	}
	for k, v := range e.Detail {
		e.Detail[k] = j.redact.Text(v)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept = append(j.kept, e)
	if _, err := j.chain.Append(e); err != nil {
		return fmt.Errorf("append event: %w", err)
	}
	return nil
}

// Events lists what was appended.
func (j *Journal) Events() []harness.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]harness.Event(nil), j.kept...)
}

// Checkpoint signs the head of the log. Of several faults the first has the checkpoint.
func (j *Journal) Checkpoint(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.done[name] {
		return nil
	}
	if err := j.chain.Sync(); err != nil {
		return fmt.Errorf("sync event log: %w", err)
	}
	if name == "end" {
		return nil // signed over the closed log, by Close
	}
	return j.sign(name, j.chain.Head())
}

func (j *Journal) sign(name string, head seal.ChainHead) error {
	note, err := j.key.Sign(head, name)
	if err != nil {
		return fmt.Errorf("sign checkpoint %s: %w", name, err)
	}
	j.done[name] = true
	path := filepath.Join(j.dir, filepath.FromSlash(seal.CheckpointDir), name+seal.CheckpointExt)
	if err := os.WriteFile(path, note, 0o644); err != nil {
		return fmt.Errorf("write checkpoint %s: %w", name, err)
	}
	return nil
}

// Phases lists the checkpoints that were signed.
func (j *Journal) Phases() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var names []string
	for _, n := range []string{"start", "fault", "end"} {
		if j.done[n] {
			names = append(names, n)
		}
	}
	return names
}

// Close appends log.closed and signs the end.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	head, err := j.chain.Close(nil)
	if err != nil {
		return fmt.Errorf("close event log: %w", err)
	}
	return j.sign("end", head)
}
