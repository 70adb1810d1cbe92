package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// beginUntil starts a run, and waits until it has said something.
func (b box) beginUntil(t *testing.T, until string, args ...string) begun {
	t.Helper()
	d := b.begin(t, until, nil, args...)
	select {
	case <-d.said.seen:
	case <-time.After(2 * time.Minute):
		t.Fatalf("%q was not said:\n%s", until, d.said.text())
	}
	return d
}

// ends waits for its end, which must be inconclusive and say why.
func (r begun) ends(t *testing.T, why string) {
	t.Helper()
	if o := r.ended(t); o.exit != harness.ExitInconclusive || !strings.Contains(o.stdout, why) {
		t.Errorf("exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
}

// suspend stops a process for a time, as a laptop's lid or a debugger does, and lets it go on.
func (r begun) suspend(t *testing.T, length time.Duration) {
	t.Helper()
	must(t, syscall.Kill(r.pid, syscall.SIGSTOP))
	time.Sleep(length)
	must(t, syscall.Kill(r.pid, syscall.SIGCONT))
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
	d := b.beginUntil(t, "region.kill is in force", scenarioDir+"region-kill.yaml")
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
	d := b.beginUntil(t, "fault.manual is in force", byHands, "--target", file, "--people", "dir:"+hands)
	shut("link set fr-desk down")
	time.Sleep(5 * time.Second)
	shut("link set fr-desk up")
	for _, net := range []string{"1", "2", "9"} {
		shut("route add 10.77." + net + ".0/24 via 10.77.0.254")
	}
	d.ends(t, "harness.present: the harness had no network of its own for ")
	rec := b.gapIn(t, "dc-loss.hands", harness.GapNetwork, 5*time.Second)
	if !strings.Contains(rec.Gaps[0].Detail, "fr-desk") || strings.Contains(d.said.text(), "guard") {
		t.Errorf("gap %+v\n%s", rec.Gaps[0], d.said.text())
	}
}

// TestADrillThatIsSuspendedWhilePeopleHoldAFault: they are asked to take it back once it goes on, and it says why it ended.
func TestADrillThatIsSuspendedWhilePeopleHoldAFault(t *testing.T) {
	b := newBox(t)
	e, file := admitted(t, b)
	d := b.beginUntil(t, "fault.manual is in force", byHands, "--target", file, "--people", "dir:"+e.hands())
	d.suspend(t, 3*time.Second)
	d.ends(t, "harness.present: the harness was suspended for 3")
	if rec := b.gapIn(t, "dc-loss.hands", harness.GapSuspended, 3*time.Second); len(rec.People) != 2 || rec.People[1].Done == 0 {
		t.Errorf("people %+v", rec.People)
	}
}
