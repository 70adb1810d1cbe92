package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/host"
)

// locked holds the lock of the executor, as whoever acts there does.
func (r *rig) locked() (release func()) {
	r.Helper()
	f, err := os.Open(r.dir + "/lock")
	must(r.T, err)
	must(r.T, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	return func() { _ = f.Close() }
}

// asks tells whether a process of this target with such a word runs.
func (r *rig) asks(verb string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		line, _ := os.ReadFile(p)
		if strings.Contains(string(line), "\x00lease\x00"+r.target+"\x00"+verb+"\x00") {
			return true
		}
	}
	return false
}

// words of the entry, as Do sends them.
func sent(e Entry) []string {
	return []string{e.ID, fmt.Sprint(e.Most), "yes", e.State, e.Scripts.Do, e.Scripts.Undo, e.Guard, e.Hold, strings.Join(e.Free, " "), strings.Join(e.Ours, " ")}
}

// A Do that hangs before it acts, and goes on after its undo, changes nothing.
func TestDoAfterItsUndo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		release := r.locked()
		var done, undone error
		var acts sync.WaitGroup
		acts.Go(func() { _, done = l.call(t.Context(), quick, nil, "do", sent(r.entry("one"))...) })
		r.wait(10*time.Second, "the Do waits", func() bool { return r.asks("do") })
		acts.Go(func() { _, undone = l.Undo(t.Context(), "one") })
		r.wait(10*time.Second, "the tombstone lies", func() bool { _, err := os.Stat(r.dir + "/entries/one/tombstone"); return err == nil })
		release()
		acts.Wait()
		if as[*RefusedError](t, done).Outcome != "tombstone" || undone != nil {
			t.Errorf("done: %v, undone: %v", done, undone)
		}
		r.is("absent")
	})
}

// runs tells whether a sleep of so many seconds runs.
func (r *rig) sleeps(seconds string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range all {
		if line, _ := os.ReadFile(p); strings.HasSuffix(string(line), "sleep\x00"+seconds+"\x00") {
			return true
		}
	}
	return false
}

// A Do that hangs is ended by its limit, with all that it started, so that its undo has the lock.
func TestDoHangs(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		e := r.entry("one")
		seconds := fmt.Sprint(100000 + targets.Add(1))
		e.Scripts.Do = "(trap '' TERM; while :; do sleep " + seconds + "; done) & wait; echo broken >" + Quote(r.file)
		began := time.Now()
		_, err := l.Do(t.Context(), e)
		if n := as[*NotDoneError](t, err); n.Code != 124 || n.Now != "absent" || !strings.Contains(n.Error(), "it took too long") {
			t.Errorf("%+v: %v", n, err)
		}
		if got, err := l.Undo(t.Context(), "one"); err != nil || got.Found != "absent" {
			t.Errorf("undone: %+v, %v", got, err)
		}
		if d := time.Since(began); d > 12*time.Second {
			t.Errorf("that took %v", d)
		}
		r.wait(3*time.Second, "nothing of it runs", func() bool { return !r.sleeps(seconds) })

		e.ID, e.Scripts.Do = "half", "echo half >"+Quote(r.file)+"; sleep "+seconds
		if got, err := l.Do(t.Context(), e); err != nil || got.Code != 124 || got.Now != "half" {
			t.Errorf("half done: %+v, %v", got, err)
		}
		if got, err := l.Undo(t.Context(), "half"); err != nil || got.Now != "absent" {
			t.Errorf("undone: %+v, %v", got, err)
		}
		must(t, os.WriteFile(r.file, []byte("broken\n"), 0o644)) // what the Do had begun comes late
		if _, err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
		r.is("absent")
	})
}

// What an act leaves running holds neither the lock nor the answer.
func TestActLeavesSomethingRunning(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		e := r.entry("one")
		seconds := fmt.Sprint(100000 + targets.Add(1))
		e.Scripts.Do += "; setsid sleep " + seconds + " &"
		r.did(l, e)
		began := time.Now()
		if _, err := l.Undo(t.Context(), "one"); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if !r.sleeps(seconds) {
			t.Error("it was ended")
		}
		_ = exec.Command("sh", "-c", `for p in /proc/[0-9]*; do tr '\0' ' ' <$p/cmdline 2>/dev/null | grep -q "^sleep `+seconds+`" && kill ${p#/proc/}; done`).Run()
	})
}

// Acts that fail say how.
func TestActsFail(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", 20*time.Second)
	e := r.entry("one")
	e.Scripts.Do, e.Scripts.Undo = "echo first >&2; printf 'sudo: a tty is needed\\033[1m' >&2; exit 3", "true"
	_, err := l.Do(t.Context(), e)
	if as[*NotDoneError](t, err).Said != "sudo: a tty is needed?[1m" || !strings.HasSuffix(err.Error(), "(exit code 3: sudo: a tty is needed?[1m)") {
		t.Error(err)
	}
	e.ID, e.Scripts.Do = "two", "echo broken >"+Quote(r.file)+"; exit 4"
	if got, err := l.Do(t.Context(), e); err != nil || got.Code != 4 || got.Now != "broken" { // it is in force, whatever it says
		t.Errorf("%+v, %v", got, err)
	}
	_, err = l.Undo(t.Context(), "two")
	if n := as[*NotUndoneError](t, err); n.Now != "broken" || !n.Ran || n.Code != 0 || err.Error() != "two was undone and is broken all the same" {
		t.Errorf("%+v", n)
	}
	if s := r.status(l); s.Entries[1].Is != Failed {
		t.Errorf("%+v", s.Entries)
	}
	must(t, os.Remove(r.file))
	for state, want := range map[string]string{"exit 3": "!failed", "true": "!silent", "echo two words": "!unclear", "printf '\\001'": "!unclear"} {
		e := r.entry("s" + want[1:] + fmt.Sprint(len(state)))
		e.State = state
		_, err := l.Do(t.Context(), e)
		if n := as[*NotDoneError](t, err); n.Found != want {
			t.Errorf("%s: %+v", state, n)
		}
	}
	r.is("absent")
}

// dropped is an executor whose answers are lost.
type dropped struct{ Executor }

func (d dropped) Run(ctx context.Context, q host.Question) (host.Answer, error) {
	a, err := d.Executor.Run(ctx, q)
	a.Ended, a.Code, a.Stdout = false, 0, nil
	return a, errors.Join(err, errors.New("the connection broke off"))
}

// An answer that was lost is unknown, and the status tells.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", 20*time.Second)
	l.executor = dropped{r.x}
	_, err := l.call(t.Context(), quick, nil, "do", sent(r.entry("one"))...)
	if as[*UnknownError](t, err).Act != "do" {
		t.Error(err)
	}
	l.executor = r.x
	if s := r.status(l); len(s.Entries) != 1 || s.Entries[0].Is != InForce {
		t.Errorf("%+v", s)
	}
	if s, err := l.UndoAll(t.Context()); err != nil || s.State != Over || s.Entries[0].Is != Undone {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := l.Do(t.Context(), r.entry("two")); as[*ExpiredError](t, err).State != Over {
		t.Error(err)
	}
}

// Do, Undo and renewals at the same time, by shells of their own: nothing stays in force that was undone.
func TestRace(t *testing.T) {
	t.Parallel()
	r := newRig(t, dash())
	l := r.armed("run-1", 60*time.Second)
	did := 0
	for round := range 50 {
		e := r.entry(fmt.Sprintf("round-%d", round))
		e.Scripts.Do = "sleep 0.1; " + e.Scripts.Do // so that there is a time between what it asks and what it does
		var acts sync.WaitGroup
		var done error
		acts.Go(func() { _, done = l.call(t.Context(), quick, nil, "do", sent(e)...) })
		acts.Go(func() {
			if _, err := l.Renew(t.Context()); err != nil {
				t.Error(err)
			}
		})
		acts.Go(func() {
			time.Sleep(time.Duration(round%10) * 40 * time.Millisecond)
			if _, err := l.Undo(t.Context(), e.ID); err != nil {
				t.Error(err)
			}
		})
		acts.Wait()
		if done == nil {
			did++
		} else if refused := new(RefusedError); !errors.As(done, &refused) || refused.Outcome != "tombstone" && refused.Outcome != "short" {
			t.Error(done)
		}
		r.is("absent")
	}
	t.Logf("%d of 50 were done before they were undone", did)
	if s, err := l.Release(t.Context()); err != nil {
		t.Errorf("%+v, %v", s, err)
	}
}
