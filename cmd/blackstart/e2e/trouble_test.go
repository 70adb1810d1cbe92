package e2e

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
)

// kills is how many random moments are tried; BLACKSTART_KILLS sets another number.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("BLACKSTART_KILLS")); err == nil && n > 0 {
		return n
	}
	return 3
}

// TestKillNineIsUndone kills the tool at random moments of a drill; undo must find nothing running, say what it found,
// seal what was recorded and leave a machine on which the next drill passes.
func TestKillNineIsUndone(t *testing.T) { killAtRandom(t, "processes", kills()) }

// TestKillNineOnContainersIsUndone does the same where everything goes on living after the tool. It is left to whoever asks
// for it by BLACKSTART_KILLS: TestKillNineInEachFault kills at four moments of its own.
func TestKillNineOnContainersIsUndone(t *testing.T) {
	if os.Getenv("BLACKSTART_KILLS") == "" {
		t.Skip("BLACKSTART_KILLS is not set: moments inside each fault are killed at by TestKillNineInEachFault")
	}
	needEngine(t)
	killAtRandom(t, "containers", kills())
	if left, err := containers.Left(t.Context(), ""); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %v, %v", left, err)
	}
}

func killAtRandom(t *testing.T, on string, times int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newBox(t)
	for i := range times {
		after := 500*time.Millisecond + time.Duration(random.Int64N(int64(45*time.Second)))
		switch i {
		case 0:
			after = 20 * time.Second // one for certain in the middle
		case 1:
			after = 3 * time.Second // and one in the soak, when files are open that the record does not name yet
		}
		cmd := b.command(t.Context(), "run", scenarioDir+"region-partition.yaml", "--on", on, "--out", b.out)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		killed := cmd.Wait() != nil && !cmd.ProcessState.Exited()
		b.nothingLeft(t)
		o := b.run(t, "undo")
		if o.exit != harness.ExitPass || (killed && !strings.Contains(o.stdout, "interrupted")) {
			t.Errorf("killed after %s: undo exits %d\n%s%s\n%s", after, o.exit, o.stdout, o.stderr, stderr.String())
		}
		if runs, _ := filepath.Glob(filepath.Join(b.state, "runs", "*")); len(runs) > 0 {
			t.Errorf("killed after %s: %v left behind", after, runs)
		}
		if strings.Contains(o.stdout, "sealed as an interrupted drill") {
			b.accepted(t, "region-partition")
		}
		t.Logf("killed after %s: %s", after, strings.TrimSpace(o.stdout))
	}
	if o := b.drill(t, scenarioDir+"region-partition.yaml", "--on", on); o.exit != harness.ExitPass {
		t.Errorf("the drill after the kills: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
}

// TestInterruptUndoesAndSeals sends Ctrl-C in the middle of the outage, on both targets.
func TestInterruptUndoesAndSeals(t *testing.T) {
	for _, on := range []string{"processes", "containers"} {
		t.Run(on, func(t *testing.T) {
			if on == "containers" {
				needEngine(t)
			}
			interrupt(t, on)
		})
	}
}

func interrupt(t *testing.T, on string) {
	b := newBox(t)
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	defer cancel()
	cmd := b.command(ctx, "run", scenarioDir+"region-partition.yaml", "--on", on, "--out", b.out)
	watch := newWatcher("in force")
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
		_ = cmd.Process.Signal(os.Interrupt)
	case <-time.After(90 * time.Second):
		t.Errorf("no fault was seen in force:\n%s", watch.text())
		_ = cmd.Process.Kill()
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != harness.ExitStopped {
		t.Errorf("exit %d, want 4\n%s%s", code, stdout.String(), watch.text())
	}
	b.nothingLeft(t)
	b.accepted(t, "region-partition")
	rec := readRecord(t, b, "region-partition")
	if rec.Status != harness.Stopped || !rec.Undo.Complete || !rec.Undo.FenceChecked || !rec.Faults[0].Restored {
		t.Errorf("status %s, undo %+v, fault %+v", rec.Status, rec.Undo, rec.Faults)
	}
	if on != "containers" {
		return
	}
	if left, err := containers.Left(t.Context(), rec.RunID); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %v, %v", left, err)
	}
}

// TestInterruptTwicePrintsTheUndoCommand sends Ctrl-C twice in a row.
func TestInterruptTwicePrintsTheUndoCommand(t *testing.T) {
	b := newBox(t)
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	defer cancel()
	cmd := b.command(ctx, "run", scenarioDir+"region-partition.yaml", "--out", b.out)
	watch := newWatcher("in force")
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
	case <-time.After(90 * time.Second):
		t.Errorf("no fault was seen in force:\n%s", watch.text())
	}
	_ = cmd.Process.Signal(os.Interrupt)
	time.Sleep(50 * time.Millisecond) // two presses, not one signal
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != harness.ExitUndo || !strings.Contains(watch.text(), "blackstart undo") {
		t.Errorf("exit %d, want 5 and the undo command\n%s", code, watch.text())
	}
	b.nothingLeft(t)
	if o := b.run(t, "undo"); o.exit != harness.ExitPass {
		t.Errorf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
}

// TestSecondSignalAfterTheUndoIsNoAlarm does what CI systems do: INT, and TERM some seconds later, when everything is undone.
func TestSecondSignalAfterTheUndoIsNoAlarm(t *testing.T) {
	b := newBox(t)
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	defer cancel()
	cmd := b.command(ctx, "run", scenarioDir+"region-partition.yaml", "--out", b.out)
	broken, restored := newWatcher("in force"), newWatcher("everything that was broken is restored")
	cmd.Stderr = io.MultiWriter(broken, restored)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		seen <-chan struct{}
		send os.Signal
	}{{broken.seen, os.Interrupt}, {restored.seen, syscall.SIGTERM}} {
		select {
		case <-step.seen:
			_ = cmd.Process.Signal(step.send)
		case <-time.After(90 * time.Second):
			t.Errorf("the moment for %s did not come:\n%s", step.send, broken.text())
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != harness.ExitStopped || strings.Contains(broken.text(), "may be incomplete") {
		t.Errorf("exit %d, want 4 without alarm\n%s", code, broken.text())
	}
	b.nothingLeft(t)
	if o := b.run(t, "undo"); o.exit != harness.ExitPass || strings.Contains(o.stdout+o.stderr, "may have been in force") {
		t.Errorf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	b.accepted(t, "region-partition")
	if rec := readRecord(t, b, "region-partition"); rec.Status != harness.Stopped || !rec.Undo.Complete {
		t.Errorf("status %s, undo %+v", rec.Status, rec.Undo)
	}
}
