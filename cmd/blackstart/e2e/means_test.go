package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

const byMeans = "../../../testdata/estates/finrag/dc-loss.means.yaml"

// described is an estate that runs, and its target file with the means by which the harness breaks it.
func described(t *testing.T, b box) (e estate, file string) {
	t.Helper()
	e, file = admitted(t, b)
	e.env = append(e.env, "MEANS=yes")
	must(t, os.WriteFile(file, []byte(e.does("", "describe.sh")), 0o600))
	return e, file
}

// rules are the firewall rules of the estate's router, without counters.
func rules(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ip", "netns", "exec", "finrag-router", "iptables-save", "-t", "filter").Output()
	must(t, err)
	return regexp.MustCompile(`(?m)^#.*\n|\[\d+:\d+\]`).ReplaceAllString(string(out), "")
}

// TestDrillByMeans: the estate's links are cut by the harness on a host of the estate, under a lease. The verdict is that of the drill by
// hands, the old primary is fenced before anything heals, and the router is as it was.
func TestDrillByMeans(t *testing.T) {
	b := newBox(t)
	_, file := described(t, b)
	before := rules(t)
	if o := b.run(t, "run", byMeans, "--target", file, "--out", b.out); o.exit != harness.ExitUsage || !strings.Contains(o.stderr, "--confirm finrag-estate") {
		t.Errorf("without --confirm: exit %d\n%s", o.exit, o.stderr)
	}
	o := b.run(t, "run", byMeans, "--target", file, "--confirm", "finrag-estate", "--leave-redundancy-lost", "--out", b.out)
	if o.exit != harness.ExitPass {
		t.Fatalf("exit %d: %s\n%s", o.exit, o.firstLine(), o.stderr)
	}
	const name = "dc-loss.means"
	rec := readRecord(t, b, name)
	if f := rec.Faults[0]; !f.Confirmed || !f.Restored || len(rec.Released) > 0 || !rec.Undo.Complete || rec.Undo.FencedBy != "harness" {
		t.Errorf("fault %+v, undo %+v, released %v", f, rec.Undo, rec.Released)
	}
	if !rec.Ledger.OldRead || len(rec.Target.Means) == 0 {
		t.Errorf("old side read %t (%s), means %+v", rec.Ledger.OldRead, rec.Ledger.OldDetail, rec.Target.Means)
	}
	if after := rules(t); after != before {
		t.Errorf("the router's rules were\n%s\nand are\n%s", before, after)
	}
	v := b.run(t, "verify", b.pack(name), "--recompute", "--root", filepath.Join(b.out, name+".root.pem"))
	if !strings.Contains(v.stdout, "integrity   ok") || v.exit != exitUnproven {
		t.Errorf("verify: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	stranger(t, b, name)
}

// begun starts a drill by means and waits until its fault is in force.
func (b box) begun(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	cmd := b.command(t.Context(), "run", byMeans, "--target", file, "--confirm", "finrag-estate", "--leave-redundancy-lost", "--out", b.out)
	watch := newWatcher("region.partition is in force")
	cmd.Stderr = watch
	must(t, cmd.Start())
	select {
	case <-watch.seen:
	case <-time.After(2 * time.Minute):
		t.Fatalf("it was not seen in force:\n%s", watch.text())
	}
	return cmd
}

// shortLease has the hosts wait for as short a time as their acts allow.
func shortLease(t *testing.T, file string) time.Duration {
	t.Helper()
	const lease = 45 * time.Second
	text, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append(text, []byte("limits: {lease: "+lease.String()+"}\n")...), 0o600))
	return lease
}

// TestKillNineHoldingALease: when the harness is killed and nobody comes, the host fences the old primary and heals by itself, no later
// than two seconds after its lease has run out; the next command finds that, and says so.
func TestKillNineHoldingALease(t *testing.T) {
	b := newBox(t)
	e, file := described(t, b)
	lease := shortLease(t, file)
	before := rules(t)
	cmd := b.begun(t, file)
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	killed := time.Now()
	if rules(t) == before {
		t.Fatal("nothing is cut")
	}
	for rules(t) != before {
		if time.Since(killed) > lease+20*time.Second {
			t.Fatalf("still cut %v after the kill:\n%s", time.Since(killed), rules(t))
		}
		time.Sleep(100 * time.Millisecond)
	}
	if took := time.Since(killed); took > lease+5*time.Second { // to fence and to heal three links takes its time, too
		t.Errorf("healed %v after the kill, by a lease of %v", took, lease)
	}
	e.refuses(t, "east", "refuses writes")
	o := b.run(t, "undo")
	if o.exit != harness.ExitPass {
		t.Fatalf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
	if rec := readRecord(t, b, "dc-loss.means"); rec.Status != harness.Interrupted || !rec.Undo.Complete || !rec.Faults[0].Restored {
		t.Errorf("status %s, undo %+v, restored %t", rec.Status, rec.Undo, rec.Faults[0].Restored)
	}
}

// TestAbortWithoutUs: after a kill, with the program gone, the commands that it wrote before it began take everything back.
func TestAbortWithoutUs(t *testing.T) {
	byMeansAlone(t)
	b := newBox(t)
	_, file := described(t, b)
	before := rules(t)
	cmd := b.begun(t, file)
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	text, err := os.ReadFile(filepath.Join(b.out, "dc-loss.means.abort.md"))
	must(t, err)
	_, first, _ := strings.Cut(string(text), "```sh\n")
	command, _, ok := strings.Cut(first, "\n```")
	if !ok || !strings.Contains(command, "lease.sh abort") {
		t.Fatalf("no command in\n%s", text)
	}
	out, err := exec.Command("ip", "netns", "exec", "finrag-router", "sh", "-c", command).CombinedOutput()
	if after := rules(t); err != nil || after != before {
		t.Errorf("%v: %s\nthe router's rules are\n%s", err, out, after)
	}
	if o := b.run(t, "undo"); o.exit != harness.ExitPass {
		t.Errorf("undo: exit %d\n%s%s", o.exit, o.stdout, o.stderr)
	}
}

// TestSuspendedBeyondItsLease: a harness that slept longer than its lease finds that the host has undone everything, does nothing more
// there, and ends.
func TestSuspendedBeyondItsLease(t *testing.T) {
	byMeansAlone(t)
	b := newBox(t)
	_, file := described(t, b)
	lease := shortLease(t, file)
	before := rules(t)
	cmd := b.begun(t, file)
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(lease + 5*time.Second)
	if after := rules(t); after != before {
		t.Errorf("after its lease the router's rules are\n%s", after)
	}
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != harness.ExitStopped && code != harness.ExitInconclusive {
		t.Errorf("exit %d", code)
	}
	if rec := readRecord(t, b, "dc-loss.means"); !rec.Undo.Complete || rec.Status == harness.Broken {
		t.Errorf("status %s (%s), undo %+v", rec.Status, rec.StatusReason, rec.Undo)
	}
}

// TestDrillsOfComponents: processes are killed and frozen on hosts of the estate. What led is not started again beside the one that leads
// by now: the drill says that it has left it, and what people must do.
func TestDrillsOfComponents(t *testing.T) {
	byMeansAlone(t)
	b := newBox(t)
	e, file := described(t, b)
	run := func(name string, exit int) harness.Record {
		o := b.run(t, "run", filepath.Join(filepath.Dir(byMeans), name+".yaml"), "--target", file, "--confirm", "finrag-estate", "--out", b.out)
		if o.exit != exit {
			t.Fatalf("%s: exit %d: %s\n%s", name, o.exit, o.firstLine(), o.stderr)
		}
		rec := readRecord(t, b, name)
		if f := rec.Faults[0]; !f.Confirmed || !f.Restored || !rec.Undo.Complete || len(rec.Released) > 0 {
			t.Errorf("%s: fault %+v, undo %+v, released %v", name, f, rec.Undo, rec.Released)
		}
		return rec
	}
	if rec := run("api-pause.means", harness.ExitInconclusive); len(rec.Undo.Left) != 0 || rec.Faults[0].Undone.Never() {
		t.Errorf("left %v, undone %v", rec.Undo.Left, rec.Faults[0].Undone)
	}
	rec := run("db-kill.means", harness.ExitPass)
	if len(rec.Undo.Left) != 1 || !strings.Contains(rec.Undo.Left[0], "east.db was left as it is: west.db leads by now") {
		t.Errorf("left by the drill: %q", rec.Undo.Left)
	}
	if len(rec.Restores) != 1 || rec.Restores[0].Shown.Never() || rec.Restores[0].Detail != "" {
		t.Errorf("rebuilt: %+v", rec.Restores)
	}
	e.refuses(t, "east", "refuses writes") // a copy by now
	stranger(t, b, "db-kill.means")
}

// refuses has the estate's people try a write on a region's database: it must be refused, in these words.
func (e estate) refuses(t *testing.T, region, words string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(e.dir, "refuses.sh"), region)
	cmd.Env = e.env
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), words) {
		t.Errorf("the database of %s: %v: %s", region, err, out)
	}
}

// byMeansAlone leaves a test to make drills-means where BLACKSTART_SOME is set: one that takes more than a minute, and of which what the harness
// does is tested without a drill, too.
func byMeansAlone(t *testing.T) {
	t.Helper()
	if os.Getenv("BLACKSTART_SOME") != "" {
		t.Skip("make drills-means runs it")
	}
}
