package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/internal/shortage"
)

func loaded(t *testing.T, path string) harness.Scenario {
	t.Helper()
	s, _, err := loadScenario(t.Context(), nil, path, "fast")
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

func TestNeedsGrowWithTheLoad(t *testing.T) {
	s := harness.Scenario{Load: []harness.LoadSpec{
		{Workload: "http.query", Rate: harness.Rate{Count: 100, Per: time.Second}, Timeout: harness.Duration(2 * time.Second)},
		{Workload: "metronome", Rate: harness.Rate{Count: 50, Per: time.Second}, Timeout: harness.Duration(time.Second)},
		{Workload: "postgres.ledger", Rate: harness.Rate{Count: 500, Per: time.Second}, Timeout: harness.Duration(2 * time.Second)},
		{Workload: "http.query", Rate: harness.Rate{Count: 0, Per: time.Second}, Timeout: harness.Duration(2 * time.Second)},
	}}
	if got, want := clientsOf(s, true), (clients{connections: 201 + 51 + 64, ports: 201 + 100 + 51 + 50}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := clientsOf(s, false).ports, int64(201+6000+51+3000); got != want {
		t.Errorf("%d ports, want %d", got, want)
	}
	here, away := needs(s, "processes", true), needs(s, "containers", true)
	if here.Descriptors != ownDescriptors+3*316 || away.Descriptors != ownDescriptors+316 || here.Processes <= away.Processes {
		t.Errorf("%+v, %+v", here, away)
	}
}

// The limit is not ours to lower for the other tests, so a process of its own runs into it.
func TestTooFewDescriptorsAreRefusedBeforeAnythingStarts(t *testing.T) {
	if os.Getenv("BLACKSTART_TEST_LIMIT") != "" {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 290, Max: 290}); err != nil {
			t.Fatal(err)
		}
		var f runFlags
		err := f.resources(context.Background(), loaded(t, "../../scenarios/finrag/region-partition.yaml"))
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != harness.ExitHarness || !strings.Contains(err.Error(), "file descriptors") ||
			!strings.Contains(exit.hint, "ulimit -n 2048") {
			t.Errorf("%v, %+v", err, exit)
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestTooFewDescriptorsAreRefusedBeforeAnythingStarts$")
	cmd.Env = append(os.Environ(), "BLACKSTART_TEST_LIMIT=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var f runFlags
	if err := f.resources(t.Context(), loaded(t, "../../scenarios/finrag/region-partition.yaml")); err != nil && shortage.Free(0).Descriptors > 4096 {
		t.Errorf("a machine that has enough: %v", err)
	}
}

// A network without a loopback interface is that of a new namespace.
func TestNoLoopbackIsSaidAtOnce(t *testing.T) {
	if os.Getenv("BLACKSTART_TEST_LOOPBACK") != "" {
		began := time.Now()
		err := loopback(context.Background())
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != harness.ExitHarness || !strings.Contains(exit.hint, "ip link set lo up") || time.Since(began) > 2*time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		return
	}
	if err := loopback(t.Context()); err != nil {
		t.Error(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestNoLoopbackIsSaidAtOnce$", "-test.v")
	cmd.Env = append(os.Environ(), "BLACKSTART_TEST_LOOPBACK=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("a network namespace may not be made here")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}
