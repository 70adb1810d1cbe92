package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"blackstart/harness/targets/procs"
)

// minFree is the free space a drill asks for before it starts: both clusters, their logs and the pack.
const minFree = 512 << 20

// state is the one directory in which running drills keep what survives a crash.
//
//	lock            held while a drill runs
//	cache/          the PostgreSQL bundle
//	runs/RUN-ID/    run.json, undo.jsonl, record.json, target/, bag/
type state struct {
	dir  string
	lock *os.File
}

// runInfo says enough about a run to finish it after a crash.
type runInfo struct {
	RunID    string    `json:"run_id"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Scenario string    `json:"scenario"`
	Name     string    `json:"name"`
	Target   string    `json:"target"`
	Out      string    `json:"out"`

	// The store that it is opened and closed in, "" if none, and the file with the key of its register.
	Store       string `json:"store,omitempty"`
	RegisterKey string `json:"register_key,omitempty"`

	Kept bool `json:"kept"` // it ended; somebody asked to keep its state
}

// stateDir is where state lives: BLACKSTART_STATE, or a place that PostgreSQL's account can reach.
func stateDir() (string, error) {
	if dir := os.Getenv("BLACKSTART_STATE"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/lib/blackstart", nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "blackstart"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find a state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "blackstart"), nil
}

// anyRuns tells whether there may be runs of earlier commands, without making anything.
func anyRuns() bool {
	dir, err := stateDir()
	if err != nil {
		return false
	}
	entries, err := os.ReadDir(filepath.Join(dir, "runs"))
	return len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// openState makes the state directory and takes its lock.
func openState() (*state, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, harnessError(err, "set BLACKSTART_STATE to a directory of your own")
	}
	if err := makeState(dir); err != nil {
		return nil, harnessError(fmt.Errorf("make state directory: %w", err), "set BLACKSTART_STATE to a directory you may write to")
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, harnessError(fmt.Errorf("open lock: %w", err), "set BLACKSTART_STATE to a directory you may write to")
	}
	if err := lockWithin(lock, lockPatience); err != nil {
		holder, _ := os.ReadFile(lock.Name())
		_ = lock.Close()
		if len(holder) == 0 {
			holder = []byte("process unknown")
		}
		return nil, harnessError(fmt.Errorf("another drill is running here (%s)", strings.TrimSpace(string(holder))),
			"wait for it, interrupt it with Ctrl-C (it undoes what it did), or set BLACKSTART_STATE for a second one")
	}
	if err := lock.Truncate(0); err == nil {
		_, _ = lock.WriteAt(fmt.Appendf(nil, "pid %d since %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339)), 0)
	}
	return &state{dir: dir, lock: lock}, nil
}

// lockPatience is how long the lock is tried for: whoever only looks whether it is free (see `blackstart stop`) has it for a moment.
const lockPatience = 500 * time.Millisecond

// lockWithin takes a lock, trying again for a time.
func lockWithin(lock *os.File, patience time.Duration) (err error) {
	for end := time.Now().Add(patience); ; time.Sleep(patience / 50) {
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// makeState makes the state directory so that PostgreSQL's account can walk through, whatever the umask. One that was made
// under a narrow umask before is opened; a directory in which we have not worked yet stays as it is.
func makeState(dir string) error {
	runs := filepath.Join(dir, "runs")
	if os.Geteuid() == 0 {
		if _, err := os.Stat(runs); err == nil {
			for _, ours := range []string{dir, runs, filepath.Join(dir, "cache")} {
				if info, err := os.Stat(ours); err == nil && info.Mode().Perm()&0o011 != 0o011 {
					if err := os.Chmod(ours, info.Mode().Perm()|0o011); err != nil {
						return err
					}
				}
			}
		}
	}
	return procs.MkdirAll(runs, 0o755)
}

// enoughSpace refuses a file system on which a drill would run out of space halfway.
func enoughSpace(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return harnessError(fmt.Errorf("look at the free space of %s: %w", dir, err), "")
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < minFree {
		return harnessError(fmt.Errorf("only %d MiB are free in %s, a drill needs %d MiB", free>>20, dir, uint64(minFree)>>20),
			"free some space, or go to a larger disk: BLACKSTART_STATE for the state, --out for the pack")
	}
	return nil
}

// close gives the lock back.
func (s *state) close() { _ = s.lock.Close() }

// begin makes the directory of a run.
func (s *state) begin(info runInfo) (string, error) {
	dir := filepath.Join(s.dir, "runs", info.RunID)
	if err := procs.MkdirAll(dir, 0o755); err != nil {
		return "", harnessError(fmt.Errorf("make the run's directory: %w", err), "")
	}
	if err := writeAtomic(filepath.Join(dir, endedFile), bytes.Repeat([]byte(" "), endedBytes)); err != nil {
		return "", harnessError(err, "")
	}
	return dir, saveInfo(dir, info)
}

// endedFile is where a run says why it ended without a pack. It is as long as it may be from the start, so that a full disk
// does not keep anybody from saying so.
const (
	endedFile  = "ended"
	endedBytes = 4 << 10
)

// writeEndReason writes the reason over the room that is kept for it.
func writeEndReason(dir, why string) error {
	f, err := os.OpenFile(filepath.Join(dir, endedFile), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	why = strings.ToValidUTF8(why[:min(len(why), endedBytes)], "")
	_, err = f.WriteAt([]byte(why), 0)
	return errors.Join(err, f.Sync(), f.Close())
}

// readEndReason reads the reason; "" where none was said.
func readEndReason(dir string) string {
	data, err := os.ReadFile(filepath.Join(dir, endedFile))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// finish removes the state of a run that ended, or marks it, so that nobody takes it for one that was interrupted.
func (d *drillRun) finish() error {
	if !d.flags.keepState {
		if err := os.RemoveAll(d.dir); err != nil {
			return fmt.Errorf("remove the run's state: %w", err)
		}
		return nil
	}
	d.info.Kept = true
	return saveInfo(d.dir, d.info)
}

func saveInfo(dir string, info runInfo) error {
	data, err := json.MarshalIndent(info, "", " ")
	if err != nil {
		return err
	}
	return writeAtomic(filepath.Join(dir, "run.json"), data)
}

// writeAtomic replaces a file so that a crash leaves the old or the new one, never half of either.
func writeAtomic(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(tmp))
	}
	return nil
}

// unfinishedRun is a run that never finished.
type unfinishedRun struct {
	dir    string
	info   runInfo
	store  storeFlags   // where its register may be now, if it is not where it was
	people string       // how people are asked for what they are to undo
	notify func(string) // tells where they are asked

	givenUp string // by whom and why, where nothing has shown that its faults are over; "": not
}

// unfinishedRuns lists runs whose process is gone; we hold the lock, so none of them is alive. Those that ended and were kept on
// request are none.
func (s *state) unfinishedRuns() ([]unfinishedRun, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "runs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, harnessError(fmt.Errorf("list runs: %w", err), "")
	}
	var found []unfinishedRun
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		l := unfinishedRun{dir: filepath.Join(s.dir, "runs", e.Name())}
		if data, err := os.ReadFile(filepath.Join(l.dir, "run.json")); err == nil {
			_ = json.Unmarshal(data, &l.info) // an unreadable one is still an unfinished run, with less to say
		}
		if l.info.Kept {
			continue
		}
		if l.info.RunID == "" {
			l.info.RunID = e.Name()
		}
		found = append(found, l)
	}
	return found, nil
}

// describe says which run it is, as far as is known.
func (l unfinishedRun) describe() string {
	if l.info.Name == "" {
		return "run " + l.info.RunID + ", which had hardly begun"
	}
	return fmt.Sprintf("%s, started %s, run %s", l.info.Name, l.info.Started.Format("2006-01-02 15:04:05Z"), l.info.RunID)
}
