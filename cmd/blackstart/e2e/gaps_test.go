package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// begun is a drill that runs until it has said something.
type begun struct {
	cmd    *exec.Cmd
	watch  *watcher
	stdout *strings.Builder
}

func (b box) begin(t *testing.T, until string, args ...string) begun {
	t.Helper()
	d := begun{b.command(t.Context(), args...), newWatcher(until), &strings.Builder{}}
	d.cmd.Stderr, d.cmd.Stdout = d.watch, d.stdout
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.watch.seen:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%q was not said:\n%s", until, d.watch.text())
	}
	return d
}

// ends waits for its end, which must be inconclusive and say why.
func (d begun) ends(t *testing.T, why string) {
	t.Helper()
	var exit *exec.ExitError
	if err := d.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != harness.ExitInconclusive || !strings.Contains(d.stdout.String(), why) {
		t.Errorf("%v\n%s%s", err, d.stdout, d.watch.text())
	}
}

// suspend stops a process for a time, as a laptop's lid or a debugger does, and lets it go on.
func (d begun) suspend(t *testing.T, length time.Duration) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(length)
	if err := d.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// gapIn holds the pack of a drill that had one gap against what it must say of it, and against everything that reads packs.
func (b box) gapIn(t *testing.T, name, kind string, atLeast time.Duration) harness.Record {
	t.Helper()
	rec := readRecord(t, b, name)
	if len(rec.Gaps) != 1 || rec.Gaps[0].Kind != kind || time.Duration(rec.Gaps[0].LastsNS) < atLeast || time.Duration(rec.Gaps[0].LastsNS) > atLeast+10*time.Second {
		t.Errorf("gaps %+v", rec.Gaps)
	}
	if rec.Status != harness.Completed || !rec.Undo.Complete || !rec.Faults[0].Restored {
		t.Errorf("status %s, undo %+v", rec.Status, rec.Undo)
	}
	for _, m := range readFindings(t, b, name).Measurements {
		if m.Name == "rto" && m.Known {
			t.Errorf("a time was measured over the gap: %+v", m)
		}
	}
	v := b.run(t, "verify", b.pack(name), "--recompute", "--root", filepath.Join(b.out, name+".root.pem"))
	if !strings.Contains(v.stdout, "integrity   ok") || !strings.Contains(v.stdout, "recomputed") {
		t.Errorf("verify: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	stranger(t, b, name)
	return rec
}

// TestADrillThatIsSuspended: a drill whose process stood still while a fault was in force is inconclusive, and says for how long; what
// was broken is taken back at once.
func TestADrillThatIsSuspended(t *testing.T) {
	b := newBox(t)
	d := b.begin(t, "region.kill is in force", "run", scenarioDir+"region-kill.yaml", "--out", b.out)
	d.suspend(t, 4*time.Second)
	d.ends(t, "harness.present: the harness was suspended for 4")
	b.gapIn(t, "region-kill", harness.GapSuspended, 4*time.Second)
	b.nothingLeft(t)
}

// TestADrillThatLosesItsOwnNetwork: on a system that we did not start, everything falls silent at once because our own interface is
// shut. That is no outage of theirs: it dates nothing, no guard fires, and the undo is proved once we have a network again.
func TestADrillThatLosesItsOwnNetwork(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	hands := e.hands()
	shut := func(words string) {
		t.Helper()
		if out, err := exec.Command("ip", strings.Fields(words)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", words, err, out)
		}
	}
	d := b.begin(t, "fault.manual is in force", "run", byHands, "--target", file, "--people", "dir:"+hands, "--out", b.out)
	shut("link set fr-desk down")
	time.Sleep(5 * time.Second)
	shut("link set fr-desk up")
	for _, net := range []string{"1", "2", "9"} {
		shut("route add 10.77." + net + ".0/24 via 10.77.0.254")
	}
	d.ends(t, "harness.present: the harness had no network of its own for ")
	rec := b.gapIn(t, "dc-loss.hands", harness.GapNetwork, 5*time.Second)
	if !strings.Contains(rec.Gaps[0].Detail, "fr-desk") || strings.Contains(d.watch.text(), "guard") {
		t.Errorf("gap %+v\n%s", rec.Gaps[0], d.watch.text())
	}
}

// TestADrillThatIsSuspendedWhilePeopleHoldAFault: they are asked to take it back once it goes on, and it says why it ended.
func TestADrillThatIsSuspendedWhilePeopleHoldAFault(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	d := b.begin(t, "fault.manual is in force", "run", byHands, "--target", file, "--people", "dir:"+e.hands(), "--out", b.out)
	d.suspend(t, 3*time.Second)
	d.ends(t, "harness.present: the harness was suspended for 3")
	if rec := b.gapIn(t, "dc-loss.hands", harness.GapSuspended, 3*time.Second); len(rec.People) != 2 || rec.People[1].Done == 0 {
		t.Errorf("people %+v", rec.People)
	}
}
