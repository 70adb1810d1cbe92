package lease

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the harness of its own that tests kill and suspend.
func TestMain(m *testing.M) {
	if target, ok := os.LookupEnv("BLACKSTART_TEST_LEASE"); ok {
		os.Exit(drills(target, os.Getenv("BLACKSTART_TEST_FILE")))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil { // they wait most of the time
		panic(err)
	}
	os.Exit(m.Run())
}

// A lease of the tests is short, and still bears a machine on which others work.
const (
	shortTTL = 5 * time.Second
	renewal  = 500 * time.Millisecond
)

// drills arms a lease, breaks something, and renews until it may not; then it tries to break more.
func drills(target, file string) int {
	ctx := context.Background()
	l, err := New(dash(), target, "run-1", shortTTL, renewal)
	if err == nil {
		_, err = l.Arm(ctx)
	}
	e := (&rig{file: file}).entry("one")
	if err == nil {
		_, err = l.Do(ctx, e)
	}
	if err != nil {
		fmt.Println("failed", err)
		return 1
	}
	for fmt.Println("in force"); err == nil; time.Sleep(renewal) {
		_, err = l.Renew(ctx)
	}
	fmt.Printf("renew %v\n", errors.As(err, new(*ExpiredError)))
	e.ID = "two"
	_, err = l.Do(ctx, e)
	fmt.Printf("do %v\n", errors.As(err, new(*ExpiredError)))
	return 0
}

// harnessed starts such a harness, and waits until something is in force.
func harnessed(t *testing.T, r *rig) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BLACKSTART_TEST_LEASE="+r.target, "BLACKSTART_TEST_FILE="+r.file)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "in force" {
		t.Fatalf("it says %q", lines.Text())
	}
	return cmd, lines
}

// Whoever drills is killed: the executor undoes it in time, and leaves nothing that runs.
func TestKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	cmd, _ := harnessed(t, r)
	must(t, cmd.Process.Kill())
	after := r.lease("run-1", shortTTL)
	r.undoneInTime(after, shortTTL)
	r.wait(5*time.Second, "the watchdog ends", func() bool { return r.watchdog() == 0 })
	if _, err := after.Renew(t.Context()); err == nil {
		t.Error("renewed to life again")
	}
	if _, err := r.lease("run-2", shortTTL).Arm(t.Context()); err != nil { // nothing is in force any more
		t.Errorf("armed after it: %v", err)
	}
	if _, err := after.Renew(t.Context()); as[*ExpiredError](t, err).State != OtherRun {
		t.Errorf("renewed where another run is: %v", err)
	}
}

// Whoever drills is suspended for longer than the lease lives: when it goes on, it may do nothing more.
func TestSuspended(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	cmd, lines := harnessed(t, r)
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	r.undoneInTime(r.lease("run-1", shortTTL), shortTTL)
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	for _, want := range []string{"renew true", "do true"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("it says %q, want %q", lines.Text(), want)
		}
	}
	r.is("absent")
}

// The busybox of small images undoes in time, too, though its timeout ends late.
func TestExpires(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", shortTTL)
		e := r.entry("one")
		e.Guard = "true"
		r.did(l, e)
		r.undoneInTime(l, shortTTL)
		if _, err := l.Do(t.Context(), r.entry("two")); as[*ExpiredError](t, err).State != Expired {
			t.Errorf("done after the end: %v", err)
		}
		if s, err := l.Release(t.Context()); err != nil || s.State != Released {
			t.Errorf("released: %+v, %v", s, err)
		}
	})
}

// A guard that says no keeps the entry in force; the other is undone. A file says how to lift it, and who lifts it there is obeyed.
func TestGuard(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", shortTTL)
	fenced := r.file + ".fenced"
	e, by := r.entry("one"), r.entry("by-hand")
	e.Guard, e.Hold = "test -e "+Quote(fenced)+" || { echo the old primary is not fenced >&2; exit 1; }", "see that the old primary takes no writes"
	by.Guard, by.Hold = "false", "only by hand"
	by.Scripts = Scripts{State: "cat " + Quote(r.file+".2") + " 2>/dev/null || echo absent", Do: "echo broken >" + Quote(r.file+".2"), Undo: "rm " + Quote(r.file+".2"), Free: by.Free, Ours: by.Ours, Most: 1}
	r.did(l, e)
	r.did(l, by)
	var text []byte
	var err error
	r.wait(10*time.Second, "held", func() bool {
		s := r.status(l)
		text, err = os.ReadFile(r.dir + "/HOLD")
		return err == nil && s.State == Expired && s.Entries[0].Is == Held && s.Entries[1].Is == Held
	})
	r.is("broken")
	if !strings.Contains(string(text), "see that the old primary takes no writes") || !strings.Contains(string(text), "sh "+r.dir+"/lease.sh abort one") {
		t.Errorf("%s, %v", text, err)
	}
	var busy *BusyError
	if _, err = r.lease("run-2", shortTTL).Arm(t.Context()); !errors.As(err, &busy) || busy.Run != "run-1" || !strings.Contains(err.Error(), "lease.sh abort") {
		t.Errorf("armed while something is in force: %v", err)
	}
	must(t, os.WriteFile(fenced, nil, 0o600))
	r.wait(15*time.Second, "undone once its guard lets it", func() bool { return r.status(l).Entries[0].Is == Undone })
	r.is("absent")
	if out, err := exec.Command("sh", r.dir+"/lease.sh", "abort").CombinedOutput(); err == nil || !strings.Contains(string(out), "by-hand of the drill run-1 stays in force") || strings.Contains(string(out), "one of") {
		t.Errorf("abort against a guard: %s, %v", out, err)
	}
	if out, err := exec.Command("sh", r.dir+"/lease.sh", "abort", "by-hand").CombinedOutput(); err != nil || string(out) != "everything is undone\n" {
		t.Errorf("abort: %s, %v", out, err)
	}
	if s := r.status(l); s.Entries[1].Is != Undone {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(r.dir + "/HOLD"); err == nil {
		t.Error("HOLD is still there")
	}
}

// What others have changed in the meantime is left alone: by whoever drills, and by the executor.
func TestChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", shortTTL)
	r.did(l, r.entry("one"))
	must(t, os.WriteFile(r.file, []byte("repaired\n"), 0o644))
	_, err := l.Undo(t.Context(), "one")
	if e := as[*ChangedError](t, err); e.ID != "one" || e.Found != "absent" || e.Now != "repaired" || strings.Join(e.Ours, " ") != "broken half" {
		t.Errorf("%+v", e)
	}
	r.is("repaired")
	r.wait(10*time.Second, "expired", func() bool { return r.status(l).State == Expired })
	r.wait(5*time.Second, "said", func() bool {
		text, _ := os.ReadFile(r.dir + "/HOLD")
		return strings.Contains(string(text), "one of the drill run-1 was absent before, is repaired now, and the drill has not made it so")
	})
	r.is("repaired")
	if _, err := l.Release(t.Context()); as[*RefusedError](t, err).Outcome != "in-force" {
		t.Errorf("released: %v", err)
	}
	must(t, os.Remove(r.file))
	r.wait(15*time.Second, "found free", func() bool { return r.status(l).Entries[0].Is == Undone })
}

// A watchdog that was killed, or is suspended, is found by the next renewal.
func TestWatchdogKilled(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, dash())
			l := r.armed("run-1", 20*time.Second)
			must(t, syscall.Kill(r.watchdog(), sig))
			r.wait(6*time.Second, "not alive", func() bool { return !r.status(l).Alive })
			if _, err := l.Renew(t.Context()); as[*UnwatchedError](t, err).Run != "run-1" {
				t.Error(err)
			}
			if _, err := l.Do(t.Context(), r.entry("one")); err == nil {
				t.Error("done without a watchdog")
			}
			r.is("absent")
		})
	}
}
