package controller

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

const (
	envConfig = "FINRAG_TEST_CONTROLLER"
	envKillAt = "FINRAG_TEST_KILL_AT"
)

// TestMain is also a controller that kills itself with SIGKILL at a given mark, for TestRestartInTheMiddle.
func TestMain(m *testing.M) {
	path := os.Getenv(envConfig)
	if path == "" {
		os.Exit(m.Run())
	}
	c, err := config.LoadController(path)
	if err != nil {
		panic(err)
	}
	k, err := New(c, "test", quiet())
	if err != nil {
		panic(err)
	}
	k.onMark = func(mark string) {
		if mark == os.Getenv(envKillAt) {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if err := k.Run(context.Background()); err != nil {
		panic(err)
	}
}

// TestRestartInTheMiddle kills the controller after each thing it wrote down in one failover, and starts it again.
func TestRestartInTheMiddle(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t)
	file := filepath.Join(filepath.Dir(c.State), "controller.yaml")
	stopped := false
	marks := []string{string(PhaseDetected), eventDeclared, string(PhaseDeclared), eventPreflightPassed, string(PhaseFencing), eventFenceDone,
		string(PhasePromoting), eventPromoted, string(PhaseSwitching), eventSwitched, string(PhaseVerifying), eventVerified, eventDone}
	for _, mark := range marks {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), envConfig+"="+file, envKillAt+"="+mark)
		child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out := &strings.Builder{}
		child.Stdout, child.Stderr = out, out
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if !stopped { // the first one must see a healthy system before
			awaitReadiness(t, c)
			r.east.stop() // the region's API is gone, its database can be reached
			stopped = true
		}
		err := child.Wait()
		if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("controller was not killed at %s: %v\n%s", mark, err, out)
		}
	}
	k, _ := r.startController(t, c)
	pgtest.Eventually(t, "the failover ends", func() bool { return k.shown.Load().Phase == PhaseFailedOver })

	told := strings.Fields(story(t, c.Audit))
	want := "failure.detected failover.declared preflight.passed fence.done promote.done dns.switched verify.passed failover.done"
	if got := strings.Join(slices.Compact(slices.DeleteFunc(told, func(e string) bool { return e == "" })), " "); !inOrder(got, want) {
		t.Errorf("audit tells\n%s, want in this order, repeats allowed,\n%s", got, want)
	}
	if got := r.standby.Ask(t, "select pg_is_in_recovery()"); got != "false" {
		t.Error("the standby was not promoted")
	}
	if got := r.primary.Ask(t, "show default_transaction_read_only"); got != "on" {
		t.Error("the old primary was not fenced")
	}
	names, _ := events(t, c.Audit)
	if n := count(names, eventStarted); n != len(marks)+1 {
		t.Errorf("audit tells of %d starts, want %d", n, len(marks)+1)
	}
	if keys := r.inbox.values("/v2/enqueue", "dedup_key"); len(slices.Compact(keys)) > 1 {
		t.Errorf("the incident has the keys %v, want one", keys)
	}
}

// inOrder reports whether the events of want first appear in got in that order, and no others do.
func inOrder(got, want string) bool {
	seen := map[string]bool{}
	var first []string
	for _, e := range strings.Fields(got) {
		if !seen[e] {
			seen[e] = true
			first = append(first, e)
		}
	}
	return strings.Join(first, " ") == want
}

func count(list []string, item string) int {
	n := 0
	for _, s := range list {
		if s == item {
			n++
		}
	}
	return n
}
