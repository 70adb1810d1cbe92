package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
)

// TestPrunedContainersAreGoneNotBroken removes the killed containers of a drill during its outage, as somebody's cleaning up
// does: the undo says what it found, and nobody is alarmed.
func TestPrunedContainersAreGoneNotBroken(t *testing.T) {
	needEngine(t)
	b := newBox(t)
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	defer cancel()
	cmd := b.command(ctx, "run", scenarioDir+"region-kill.yaml", "--on", "containers", "--out", b.out)
	watch := newWatcher("in force")
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
	case <-time.After(120 * time.Second):
		t.Errorf("no fault was seen in force:\n%s", watch.text())
		_ = cmd.Process.Kill()
	}
	notes, err := filepath.Glob(filepath.Join(b.state, "runs", "*", "*", "containers"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("the run's note of its label: %v, %v", notes, err)
	}
	runID, err := os.ReadFile(notes[0])
	if err != nil {
		t.Fatal(err)
	}
	label := "label=blackstart.run=" + strings.TrimSpace(string(runID)) // nobody else's containers
	out, err := exec.Command("docker", "container", "prune", "-f", "--filter", label).CombinedOutput()
	removed := len(regexp.MustCompile(`(?m)^[0-9a-f]{64}$`).FindAll(out, -1))
	if err != nil || removed == 0 {
		t.Errorf("prune: %v\n%s", err, out)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code == harness.ExitUndo || code == harness.ExitHarness {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), watch.text())
	}
	t.Logf("exit %d\n%s", cmd.ProcessState.ExitCode(), stdout.String())
	b.accepted(t, "region-kill")
	rec := readRecord(t, b, "region-kill")
	said := strings.Join(rec.Undo.Gone, "\n")
	if !rec.Undo.Complete || rec.Undo.Fenced || len(rec.Undo.Gone) != removed || !strings.Contains(said, "east.db is gone: its container was removed by somebody else") {
		t.Errorf("removed %d, undo %+v", removed, rec.Undo)
	}
	t.Logf("old ledger read %v (%s)", rec.Ledger.OldRead, rec.Ledger.OldDetail)
	if left, err := containers.Left(t.Context(), rec.RunID); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %v, %v", left, err)
	}
	b.nothingLeft(t)
}
