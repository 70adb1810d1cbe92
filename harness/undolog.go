package harness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// maxUndoLine bounds one line of an undo log: a step with every link of a large target.
const maxUndoLine = 1 << 20

// UndoEntry is one step in the undo log.
type UndoEntry struct {
	N     int    `json:"n"`     // number of the step, from 0
	State string `json:"state"` // put: about to be done; done: was done; undone: taken back
	Fault string `json:"fault,omitempty"`
	Step  *Step  `json:"step,omitempty"` // with put
	At    Stamp  `json:"at"`
}

// UndoLog is the list of what is in force and how to take it back, on disk before it happens. One goroutine uses it.
//
// Its guarantee: when Put has returned, the step survives the death of the process and of the machine. Between Put and the
// Do that follows, a crash leaves a step in the log that was never done; every undo action must therefore be harmless when
// there is nothing to undo.
type UndoLog struct {
	f     *os.File
	clock *Clock
	next  int
}

// CreateUndoLog makes an empty log and makes its directory entry durable.
func CreateUndoLog(path string, clock *Clock) (*UndoLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create undo log: %w", err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err == nil {
		err = errors.Join(dir.Sync(), dir.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create undo log: %w", err), f.Close())
	}
	return &UndoLog{f: f, clock: clock}, nil
}

// Put writes a step that is about to be done and returns its number once it is on disk.
func (u *UndoLog) Put(fault string, s Step) (int, error) {
	n := u.next
	u.next++
	return n, u.write(UndoEntry{N: n, State: "put", Fault: fault, Step: &s, At: u.clock.Now()})
}

// Done notes that a step was done.
func (u *UndoLog) Done(n int) error {
	return u.write(UndoEntry{N: n, State: "done", At: u.clock.Now()})
}

// Undone notes that a step was taken back.
func (u *UndoLog) Undone(n int) error {
	return u.write(UndoEntry{N: n, State: "undone", At: u.clock.Now()})
}

func (u *UndoLog) write(e UndoEntry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write undo log: %w", err)
	}
	if _, err := u.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write undo log: %w", err)
	}
	if err := u.f.Sync(); err != nil {
		return fmt.Errorf("write undo log: %w", err)
	}
	return nil
}

// Close closes the file; the log stays on disk.
func (u *UndoLog) Close() error { return u.f.Close() }

// ReadUndoLog lists the steps of a log that may still be in force, latest first: the order in which they are taken back.
// A torn last line is ignored: its write never returned, so its Do never happened. A missing file is an empty log.
func ReadUndoLog(path string) ([]UndoEntry, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read undo log: %w", err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	open := map[int]UndoEntry{}
	var order []int
	lines := bufio.NewScanner(bytes.NewReader(whole))
	lines.Buffer(nil, maxUndoLine)
	for lines.Scan() {
		var e UndoEntry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("read undo log %s: line %q: %w", path, lines.Text(), err)
		}
		switch {
		case e.State == "put" && e.Step != nil:
			open[e.N] = e
			order = append(order, e.N)
		case e.State == "undone":
			delete(open, e.N)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read undo log %s: %w", path, err)
	}
	var entries []UndoEntry
	for i := len(order) - 1; i >= 0; i-- {
		if e, ok := open[order[i]]; ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
