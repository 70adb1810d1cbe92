package procs_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"blackstart/harness/targets/procs"
)

// Where we are out of file descriptors, it cannot be told whether a process runs: it is not said to have ended, and a signal to it is
// no success.
func TestAShortageEndsNoProcess(t *testing.T) {
	dir := t.TempDir()
	table, err := procs.NewTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := table.Start(procs.Spec{Name: "sleeper", Argv: []string{"/bin/sleep", "60"}, Dir: dir, Log: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := syscall.Rlimit{Cur: 3, Max: limit.Max} // what is open stays open
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	runs, runsErr := p.Runs()
	alive, signalErr := p.Alive(), p.Signal(syscall.SIGTERM)
	_, childrenErr := procs.Children(p.PID)
	_, homeErr := procs.Inhabitants(dir)
	killErr := p.Kill()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if runs || !alive || errors.Is(signalErr, os.ErrProcessDone) {
		t.Errorf("runs %v, alive %v, signal %v", runs, alive, signalErr)
	}
	for what, err := range map[string]error{"look": runsErr, "signal": signalErr, "children": childrenErr, "inhabitants": homeErr, "kill": killErr} {
		if !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if runs, err := p.Runs(); err != nil || !runs {
		t.Errorf("with descriptors again: runs %v, %v", runs, err)
	}
}
