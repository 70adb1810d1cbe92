package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
)

// disturbed is a drill in containers that is under way while somebody else removes some of them.
type disturbed struct {
	box      box
	scenario string
	runID    string // by which its containers are known, so that nobody else's are touched
	cmd      *exec.Cmd
	stdout   bytes.Buffer
	stderr   *watcher
	ended    chan struct{} // closed when the command has ended
}

// disturb begins a drill and waits until its fault is in force. One that never breaks anything, for the machine had other work, is
// begun once more.
func disturb(t *testing.T, scenario string) *disturbed {
	t.Helper()
	needEngine(t)
	for range 2 {
		if d := beginDisturbed(t, scenario); d != nil {
			return d
		}
	}
	t.Fatal("the drill broke nothing, twice")
	return nil
}

func beginDisturbed(t *testing.T, scenario string) *disturbed {
	t.Helper()
	d := &disturbed{box: newBox(t), scenario: scenario, stderr: newWatcher("in force"), ended: make(chan struct{})}
	// Told to take images from elsewhere, the drill still makes its containers of those that were found.
	d.box.env = append(d.box.env, "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX=mirror.invalid/hub")
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	t.Cleanup(cancel)
	d.cmd = d.box.command(ctx, "run", scenarioDir+scenario+".yaml", "--on", "containers", "--out", d.box.out)
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait() // the exit code tells
		close(d.ended)
	}()
	select {
	case <-d.stderr.seen:
	case <-d.ended:
		t.Logf("no fault was seen in force:\n%s", d.stdout.String()+d.stderr.text())
		return nil
	}
	notes, err := filepath.Glob(filepath.Join(d.box.state, "runs", "*", "*", "containers"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("the run's note of its label: %v, %v", notes, err)
	}
	id, err := os.ReadFile(notes[0])
	if err != nil {
		t.Fatal(err)
	}
	d.runID = strings.TrimSpace(string(id))
	return d
}

// prune removes the killed containers of the drill, as somebody's cleaning up does, and says how many there were.
func (d *disturbed) prune(t *testing.T) int {
	t.Helper()
	out, err := exec.Command("docker", "container", "prune", "-f", "--filter", "label=blackstart.run="+d.runID).CombinedOutput()
	removed := len(regexp.MustCompile(`(?m)^[0-9a-f]{64}$`).FindAll(out, -1))
	if err != nil || removed == 0 {
		t.Errorf("prune: %v\n%s", err, out)
	}
	return removed
}

// remove removes containers of the drill that run.
func (d *disturbed) remove(t *testing.T, things ...string) {
	t.Helper()
	for _, thing := range things {
		if out, err := exec.Command("docker", "rm", "-f", "blackstart-"+d.runID+"-"+thing).CombinedOutput(); err != nil {
			t.Errorf("remove %s: %v\n%s", thing, err, out)
		}
	}
}

// record reads what the drill's pack says, once its containers are seen to have left nothing.
func (d *disturbed) record(t *testing.T) harness.Record {
	t.Helper()
	d.box.accepted(t, d.scenario)
	rec := readRecord(t, d.box, d.scenario)
	if left, err := containers.Left(t.Context(), d.runID); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %v, %v", left, err)
	}
	d.box.nothingLeft(t)
	return rec
}

// TestPrunedContainersAreGoneNotBroken removes the killed containers of a drill during its outage: the undo says what it found, and
// nobody is alarmed.
func TestPrunedContainersAreGoneNotBroken(t *testing.T) {
	d := disturb(t, "region-kill")
	removed := d.prune(t)
	<-d.ended
	if code := d.cmd.ProcessState.ExitCode(); code == harness.ExitUndo || code == harness.ExitHarness {
		t.Errorf("exit %d\n%s%s", code, d.stdout.String(), d.stderr.text())
	}
	t.Logf("exit %d\n%s", d.cmd.ProcessState.ExitCode(), d.stdout.String())
	rec := d.record(t)
	said := strings.Join(rec.Undo.Gone, "\n")
	if !rec.Undo.Complete || rec.Undo.Fenced || len(rec.Undo.Gone) != removed || !strings.Contains(said, "east.db is gone: its container was removed by somebody else") {
		t.Errorf("removed %d, undo %+v", removed, rec.Undo)
	}
	t.Logf("old ledger read %v (%s)", rec.Ledger.OldRead, rec.Ledger.OldDetail)
}

// TestRemovedContainersAreGoneNotBroken removes containers that run: a database that is to be fenced, the network of an API, which
// only the undo's proof asks for, and the controller. The drill cannot be judged; nobody is alarmed.
func TestRemovedContainersAreGoneNotBroken(t *testing.T) {
	d := disturb(t, "region-partition")
	d.remove(t, "outside.controller", "east.db", "east.api.gate")
	<-d.ended
	if code := d.cmd.ProcessState.ExitCode(); code != harness.ExitInconclusive || !strings.Contains(d.stdout.String(), "target.undisturbed") {
		t.Errorf("exit %d\n%s%s", code, d.stdout.String(), d.stderr.text())
	}
	t.Logf("exit %d\n%s", d.cmd.ProcessState.ExitCode(), d.stdout.String())
	rec := d.record(t)
	var gone []string
	for _, text := range rec.Undo.Gone {
		gone = append(gone, harness.GoneComponent(text))
	}
	slices.Sort(gone)
	if !rec.Undo.Complete || !rec.Faults[0].Restored || !slices.Equal(gone, []string{"east.api", "east.db", "outside.controller"}) {
		t.Errorf("undo %+v, fault %+v", rec.Undo, rec.Faults[0])
	}
	t.Logf("%s", strings.Join(rec.Undo.Gone, "\n"))
}

// TestGoneAfterAKillIsSaid kills the tool besides: the next command finds what is left, says what is gone, and seals.
func TestGoneAfterAKillIsSaid(t *testing.T) {
	for _, c := range []struct {
		scenario string
		disturb  func(*disturbed)
		said     string   // on the screen
		events   []string // in the pack
	}{
		{"region-kill", func(d *disturbed) { d.prune(t) }, "gone, removed by somebody else: east.api, east.db", []string{"undo.complete"}},
		{"replication-pause", func(d *disturbed) { d.remove(t, "west.db") }, "gone, removed by somebody else: west.db",
			[]string{"component.gone", "fault.undone", "fault.restored", "undo.complete"}},
	} {
		t.Run(c.scenario, func(t *testing.T) {
			d := disturb(t, c.scenario)
			c.disturb(d)
			_ = d.cmd.Process.Signal(syscall.SIGKILL)
			<-d.ended
			o := d.box.run(t, "undo")
			if said := strings.Join(strings.Fields(o.stdout), " "); o.exit != harness.ExitPass || !strings.Contains(said, c.said) {
				t.Errorf("undo: exit %d, it does not say %q\n%s%s", o.exit, c.said, o.stdout, o.stderr)
			}
			t.Log(o.stdout)
			rec := d.record(t)
			if rec.Status != harness.Interrupted || !rec.Undo.Complete || !rec.Faults[0].Restored || !strings.Contains(rec.Undo.Detail, c.said) {
				t.Errorf("status %s, undo %+v, fault %+v", rec.Status, rec.Undo, rec.Faults[0])
			}
			told := lastEvents(t, d.box, c.scenario, 80)
			for _, want := range c.events {
				if !strings.Contains(told, `"kind":"`+want+`"`) {
					t.Errorf("no %s in the last events:\n%s", want, told)
				}
			}
			if strings.Contains(told, `"kind":"undo.failed"`) {
				t.Errorf("an undo failed:\n%s", told)
			}
		})
	}
}
