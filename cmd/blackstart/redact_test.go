package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/evidence"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

// Nothing that is printed tells a secret: not an event as it happens, not the error at the end.
func TestWhatIsPrintedTellsNoSecret(t *testing.T) {
	var out bytes.Buffer
	d := &drillRun{drillRequest: drillRequest{screen: newScreen(&out, false)}, redact: evidence.NewRedactor("hunter-2")}
	e := harness.Event{Kind: "undo.failed", Text: "connect with hunter-2: refused"}
	d.show(harness.Progress{Event: &e})
	if strings.Contains(out.String(), "hunter-2") || !strings.Contains(out.String(), "connect with "+evidence.Redacted) {
		t.Errorf("shown as %q", out.String())
	}
	if !strings.Contains(e.Text, "hunter-2") {
		t.Error("the event itself was changed")
	}
	cause := errors.New("dial hunter-2")
	err := d.redactError(harnessError(cause, ""))
	var exit *exitError
	if strings.Contains(err.Error(), "hunter-2") || !errors.Is(err, cause) || !errors.As(err, &exit) || exit.code != harness.ExitHarness {
		t.Errorf("told as %v", err)
	}
}

// A run whose secrets cannot be read is not sealed: they would not be taken out.
func TestWithoutItsSecretsNothingIsSealed(t *testing.T) {
	state := t.TempDir()
	dir := filepath.Join(state, "runs", "run")
	if err := os.MkdirAll(filepath.Join(finrag.TargetDir(dir), "secrets", finrag.CallToken), 0o755); err != nil { // no file
		t.Fatal(err)
	}
	undone := false
	e := unfinishedRun{dir: dir, info: runInfo{RunID: "run"}}.finish(t.Context(), func(string) {}, func() { undone = true })
	if e == nil || e.code != harness.ExitHarness || !strings.Contains(e.Error(), "its secrets") || !undone {
		t.Errorf("%v, undone %v", e, undone)
	}
}

// A run that has undone everything and could not say so on a full disk is no alarm; one that has not is.
func TestOnlyWhatMayBeInForceIsAnAlarm(t *testing.T) {
	for _, done := range []bool{true, false} {
		dir := t.TempDir()
		st := state{dir: dir}
		run, err := st.begin(runInfo{RunID: "run"})
		if err != nil {
			t.Fatal(err)
		}
		log, err := harness.CreateUndoLog(filepath.Join(run, "undo.jsonl"), harness.NewClock())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Put("region.partition", harness.Step{}); err != nil {
			t.Fatal(err)
		}
		d := &drillRun{dir: run, unsealed: true, redact: evidence.NewRedactor(), shutdown: newGracefulShutdown()}
		want := harness.ExitUndo
		if done {
			d.shutdown.markUndone()
			want = harness.ExitHarness
		}
		var exit *exitError
		if err := d.abandon(syscall.ENOSPC); !errors.As(err, &exit) || exit.code != want || strings.Contains(exit.hint, "act now") == done {
			t.Errorf("everything undone %v: %+v", done, exit)
		}
		if got := readEndReason(run); done && !strings.Contains(got, "no space left") {
			t.Errorf("it says of its end: %q", got)
		}
	}
}

// The first signal is told, the second ends; once the work is done neither does anything.
func TestTheSecondSignalEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan struct{}), make(chan struct{})
	stop := onSignals(ctx, func() { close(told) }, func() { close(ended) })
	cancel()
	for name, c := range map[string]chan struct{}{"told": told, "ended": ended} {
		if name == "ended" {
			<-told
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		}
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Errorf("the signal was not %s", name)
		}
	}
	stop()
	onSignals(t.Context(), func() { t.Error("told without a signal") }, func() { t.Error("ended without a signal") })()
}

// An undo is left with an alarm while something may be in force, and without one after that.
func TestAnUndoIsLeftInAKnownState(t *testing.T) {
	for waiting, want := range map[int32]int{0: harness.ExitStopped, 1: harness.ExitUndo, 2: harness.ExitUndo} {
		var out bytes.Buffer
		if got := undoExitCode(&out, waiting); got != want || strings.Contains(out.String(), "may be incomplete") != (waiting > 0) || !strings.Contains(out.String(), "blackstart undo") {
			t.Errorf("%d runs wait: exit %d, %q", waiting, got, out.String())
		}
	}
}
