package e2e

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/containers"
)

// named is a scenario of each named fault, and of the trap beside the second. A fault that fences is not healed on what is
// left: the target is removed behind its cut, and is over with it. The others are taken back, and seen to be over, before that.
var named = []struct {
	scenario, fault string
	fences          bool
}{
	{"region-partition", "region.partition", true},
	{"replication-break", "replication.break", false},
	{"replication-pause", "replication.pause", false},
	{"certificate-expiry", "certificate.expire", false},
	{"stale-code", "code.stale", false},
}

// TestKillNineInEachFault kills the tool while each named fault is in force, on both targets: undo must take it back, prove
// that in the last events of the pack, and leave nothing.
func TestKillNineInEachFault(t *testing.T) {
	for _, on := range []string{"processes", "containers"} {
		t.Run(on, func(t *testing.T) {
			if on == "containers" {
				needEngine(t)
			}
			for i, n := range named {
				if os.Getenv("BLACKSTART_SOME") != "" && (i%2 == 0) != (on == "processes") {
					continue // each fault on one of the two
				}
				t.Run(n.fault, func(t *testing.T) { killInside(t, on, n.scenario, n.fault, n.fences) })
			}
		})
	}
}

func killInside(t *testing.T, on, scenario, fault string, fences bool) {
	b := newBox(t)
	cmd := b.command(t.Context(), "run", scenarioDir+scenario+".yaml", "--on", on, "--out", b.out)
	watch := newWatcher(fault + " is in force")
	cmd.Stderr = watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.seen:
	case <-time.After(2 * time.Minute):
		t.Errorf("%s was not seen in force:\n%s", fault, watch.text())
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	o := b.run(t, "undo")
	if o.exit != harness.ExitPass || !strings.Contains(o.stdout, "interrupted") {
		t.Fatalf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	b.nothingLeft(t)
	b.accepted(t, scenario)
	rec := readRecord(t, b, scenario)
	if rec.Status != harness.Interrupted || !rec.Undo.Complete || !rec.Faults[0].Restored {
		t.Errorf("status %s, undo %+v, fault undone %+v, restored %v", rec.Status, rec.Undo, rec.Faults[0].Undone, rec.Faults[0].Restored)
	}
	events := lastEvents(t, b, scenario, 80) // behind them, one for each file
	wanted := []string{"drill.interrupted", "undo.complete"}
	if !fences {
		wanted = append(wanted, "fault.restored")
	}
	for _, want := range wanted {
		if !strings.Contains(events, `"kind":"`+want+`"`) {
			t.Errorf("no %s in the last events:\n%s", want, events)
		}
	}
	t.Logf("%s\n%s", strings.TrimSpace(o.stdout), events)
	if on != "containers" {
		return
	}
	if left, err := containers.Left(t.Context(), rec.RunID); err != nil || len(left) > 0 {
		t.Errorf("left on the engine: %v, %v", left, err)
	}
}

// lastEvents gives the last lines of a pack's event log, read with unzip as anybody would.
func lastEvents(t *testing.T, b box, name string, n int) string {
	t.Helper()
	out, err := exec.Command("unzip", "-p", b.pack(name), "*/data/events.jsonl").Output()
	if err != nil {
		t.Fatalf("read the events of %s: %v", name, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
