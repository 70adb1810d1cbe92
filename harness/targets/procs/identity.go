package procs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// An Identity is one process and no other: a pid is used again, a pid together
// with its start time is not, until the next boot.
type Identity struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat
}

// A status is what /proc/PID/stat says that matters here.
type status struct {
	state byte // R, S, D, T, Z, …
	ppid  int
	start uint64
}

// Identify returns the identity of the living process with this pid.
func Identify(pid int) (Identity, error) {
	s, err := readStatus(pid)
	if err != nil {
		return Identity{}, err
	}
	return Identity{pid, s.start}, nil
}

func readStatus(pid int) (status, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return status{}, fmt.Errorf("read the status of process %d: %w", pid, err)
	}
	return parseStatus(b)
}

// parseStatus reads "pid (comm) state ppid …"; comm may hold spaces and ")".
func parseStatus(b []byte) (status, error) {
	end := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[end+1:]))
	const startField = 22 - 3 // fields holds the third and what follows
	if end < 0 || len(fields) <= startField || len(fields[0]) != 1 {
		return status{}, fmt.Errorf("parse process status %q: not the format of /proc/PID/stat", b)
	}
	ppid, err1 := strconv.Atoi(fields[1])
	start, err2 := strconv.ParseUint(fields[startField], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return status{}, fmt.Errorf("parse process status: %w", err)
	}
	return status{state: fields[0][0], ppid: ppid, start: start}, nil
}

// Runs tells whether the process still runs. A zombie does not. An error says that it cannot be told, as where we are out of file
// descriptors: that is neither.
func (id Identity) Runs() (bool, error) {
	s, err := readStatus(id.PID)
	if ended(err) {
		return false, nil
	}
	return err == nil && s.start == id.Start && s.state != 'Z' && s.state != 'X', err
}

// ended tells whether a process could not be read because it is not there.
func ended(err error) bool { return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) }

// Alive is Runs for those who wait for an end: one that cannot be told has not come.
func (id Identity) Alive() bool {
	runs, err := id.Runs()
	return runs || err != nil
}

// Signal sends sig, unless the process is gone or its pid belongs to another:
// then it returns os.ErrProcessDone.
func (id Identity) Signal(sig syscall.Signal) error {
	runs, err := id.Runs()
	if err != nil {
		return fmt.Errorf("send %v to process %d: %w", sig, id.PID, err)
	}
	if id.PID <= 1 || !runs {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(id.PID, sig); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return fmt.Errorf("send %v to process %d: %w", sig, id.PID, err)
	}
	return nil
}

// kill sends SIGKILL and waits until the process is gone.
func (id Identity) kill() error {
	if err := id.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	for end := time.Now().Add(KillWait); id.Alive(); time.Sleep(pollEvery) {
		if time.Now().After(end) {
			return fmt.Errorf("kill process %d: still there after %v", id.PID, KillWait)
		}
	}
	return nil
}

// everyProcess calls f with each pid of the process table.
func everyProcess(f func(pid int)) error {
	dir, err := os.Open("/proc")
	if err != nil {
		return fmt.Errorf("read the process table: %w", err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return fmt.Errorf("read the process table: %w", err)
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			f(pid)
		}
	}
	return nil
}

// Children returns the living children of pid, in no order.
func Children(pid int) ([]Identity, error) {
	var list []Identity
	var errs []error
	err := everyProcess(func(p int) {
		s, err := readStatus(p)
		if err == nil && s.ppid == pid && s.state != 'Z' {
			list = append(list, Identity{p, s.start})
		}
		errs = append(errs, unread(err))
	})
	return list, errors.Join(append(errs, err)...)
}

// unread is the error of a process that may be there and could not be looked at. One of another account, which we may not look at, is
// none of ours.
func unread(err error) error {
	if ended(err) || errors.Is(err, os.ErrPermission) {
		return nil
	}
	return err
}

// Inhabitants returns the living processes whose working directory is dir.
// PostgreSQL's processes work in their data directory, and no other does: this
// finds backends whose postmaster is gone.
func Inhabitants(dir string) ([]Identity, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("look for processes in %s: %w", dir, err)
	}
	var list []Identity
	var errs []error
	err = everyProcess(func(p int) {
		if p == os.Getpid() {
			return
		}
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p)); err != nil || cwd != real {
			errs = append(errs, unread(err))
			return
		}
		s, err := readStatus(p)
		if err == nil && s.state != 'Z' {
			list = append(list, Identity{p, s.start})
		}
		errs = append(errs, unread(err))
	})
	return list, errors.Join(append(errs, err)...)
}

// runsProgram reports whether the process runs this program file, which may have
// been replaced or removed meanwhile.
func runsProgram(pid int, program string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(program); err == nil {
		program = real
	}
	return strings.TrimSuffix(exe, " (deleted)") == program
}

// bootID tells one boot of the machine from another.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
