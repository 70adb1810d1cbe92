package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// TestStopEndsADrillFromAnotherShell: the red button, also where the process of the drill is suspended, and pressed twice: it undoes, seals, and ends as
// stopped; the button says so once nothing is in force.
func TestStopEndsADrillFromAnotherShell(t *testing.T) {
	b := newBox(t)
	cmd := b.command(t.Context(), "run", scenarioDir+"region-kill.yaml", "--out", b.out)
	watch := newWatcher("region.kill is in force")
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-watch.seen:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it was not seen in force:\n%s", watch.text())
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	b.run(t, "stop", "--wait", "1ms") // somebody who does not wait, and presses again
	o := b.run(t, "stop", "--wait", "2m")
	if o.exit != harness.ExitPass || !strings.Contains(o.stdout, "nothing is in force") {
		t.Errorf("stop: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	var exit *exec.ExitError
	if err := <-ended; !errors.As(err, &exit) || exit.ExitCode() != harness.ExitStopped {
		t.Errorf("the drill: %v\n%s", err, watch.text())
	}
	b.nothingLeft(t)
	if rec := readRecord(t, b, "region-kill"); rec.Status != harness.Stopped || !rec.Undo.Complete {
		t.Errorf("status %s, undo %+v", rec.Status, rec.Undo)
	}
}
