package procs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A Record is one process as written in procs.json.
type Record struct {
	Name string `json:"name"`
	Identity
	Home string   `json:"home,omitempty"` // every process of this program that works here belongs to it
	Argv []string `json:"argv"`
}

// recordList is the content of procs.json.
type recordList struct {
	Boot  string   `json:"boot"` // of the machine: start times count from it
	Procs []Record `json:"procs"`
}

// A Table is the set of processes of one state directory.
type Table struct {
	dir string

	mu    sync.Mutex // guards below
	procs map[string]*Process
	list  recordList
}

// NewTable makes the table of a state directory, which exists. What an earlier
// run left there is the business of Reap, which comes first.
func NewTable(dir string) (*Table, error) {
	t := &Table{dir: dir, procs: map[string]*Process{}, list: recordList{Boot: bootID(), Procs: []Record{}}}
	if err := t.list.write(dir); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) add(p *Process) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.procs[p.Record.Name]; old != nil && old.Alive() {
		return fmt.Errorf("start %s: it runs already, as process %d", p.Record.Name, old.Record.PID)
	}
	t.procs[p.Record.Name] = p
	t.list.Procs = slices.DeleteFunc(t.list.Procs, func(r Record) bool { return r.Name == p.Record.Name })
	t.list.Procs = append(t.list.Procs, p.Record)
	return t.list.write(t.dir)
}

// Get returns the process last started under this name, or nil.
func (t *Table) Get(name string) *Process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.procs[name]
}

// StopAll stops what still runs, the last started first, and clears procs.json.
func (t *Table) StopAll() error {
	t.mu.Lock()
	order := slices.Clone(t.list.Procs)
	t.mu.Unlock()
	slices.Reverse(order)
	var errs []error
	for _, r := range order {
		if p := t.Get(r.Name); p != nil {
			errs = append(errs, p.Stop())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err // the list stays, for Reap
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list.Procs = []Record{}
	return t.list.write(t.dir)
}

func (l recordList) write(dir string) error {
	b, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return fmt.Errorf("write the process list: %w", err)
	}
	if err := WriteFile(filepath.Join(dir, recordFile), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the process list: %w", err)
	}
	return nil
}

// WriteFile replaces a file as a whole: after a crash it is the old one or the
// new one, and the new one has reached the disk.
func WriteFile(path string, b []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when the rename succeeded
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Reap ends whatever an earlier run has left of the processes written down in
// dir: each one whose pid and start time both match, its children, and every
// process of the same program that works in its home. It returns what it ended, and leaves an empty
// list. No list: nothing to do.
func Reap(dir string) ([]Record, error) {
	path := filepath.Join(dir, recordFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the process list: %w", err)
	}
	var l recordList
	if err := json.Unmarshal(b, &l); err != nil {
		return nil, fmt.Errorf("read the process list %s: %w", path, err)
	}
	var ended []Record
	var errs []error
	if l.Boot == bootID() { // after a boot every start time means something else
		for _, r := range slices.Backward(l.Procs) {
			did, err := r.reap()
			if did {
				ended = append(ended, r)
			}
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return ended, err
	}
	l.Procs = []Record{}
	return ended, l.write(dir)
}

func (r Record) reap() (did bool, err error) {
	victims, err := r.victims()
	if err != nil {
		return false, err
	}
	var errs []error
	for _, v := range victims {
		did = did || v.Alive()
		errs = append(errs, v.kill())
	}
	return did, errors.Join(errs...)
}

// victims returns the process itself, its children, and the inhabitants of its
// home that run the same program, as far as they live. Somebody's shell that
// happens to stand there is left alone.
func (r Record) victims() ([]Identity, error) {
	var list []Identity
	if r.Alive() {
		children, err := Children(r.PID)
		if err != nil {
			return nil, err
		}
		list = append(append(list, r.Identity), children...)
	}
	if r.Home != "" {
		more, err := Inhabitants(r.Home)
		if err != nil {
			return nil, err
		}
		for _, id := range more {
			if !slices.Contains(list, id) && runsProgram(id.PID, r.Argv[0]) {
				list = append(list, id)
			}
		}
	}
	return list, nil
}
