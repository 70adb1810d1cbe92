package lease

import (
	"os"
	"strings"
	"testing"
	"time"
)

// each runs a test with each shell.
func each(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Parallel()
	for name, x := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newRig(t, x))
		})
	}
}

// The whole life of a lease: a name is done once and undone as often as one likes, and what comes late changes nothing.
func TestLease(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		if s, err := r.lease("run-0", 20*time.Second).Status(t.Context()); err != nil || s.State != None {
			t.Errorf("before: %+v, %v", s, err)
		}
		l := r.armed("run-1", 20*time.Second)
		r.did(l, r.entry("one"))
		r.is("broken")
		if _, err := l.Do(t.Context(), r.entry("one")); as[*RefusedError](t, err).Outcome != "used" {
			t.Errorf("done twice: %v", err)
		}
		if _, err := l.Do(t.Context(), r.entry("two")); as[*NotDoneError](t, err).Found != "broken" || !strings.Contains(err.Error(), "two is broken, and is begun from absent") {
			t.Errorf("done where it is not free: %v", err)
		}
		if s, err := l.Release(t.Context()); as[*RefusedError](t, err).Outcome != "in-force" || s.State != Over {
			t.Errorf("released: %+v, %v", s, err)
		}
	})
}

func TestLeaseUndo(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		l := r.armed("run-1", 20*time.Second)
		r.did(l, r.entry("one"))
		s, err := l.Look(t.Context())
		must(t, err)
		if len(s.Entries) != 1 || s.Entries[0].Is != InForce || s.Entries[0].Found != "absent" || s.Entries[0].Word != "broken" || !s.Entries[0].Held || s.Entries[0].Most != 1 {
			t.Errorf("in force: %+v", s)
		}
		got, err := l.Undo(t.Context(), "one")
		if err != nil || got.Found != "broken" || got.Now != "absent" || !got.Ran || got.Code != 0 {
			t.Errorf("undone: %+v, %v", got, err)
		}
		r.is("absent")
		must(t, os.WriteFile(r.file, []byte("broken\n"), 0o644)) // by somebody else, by now
		if got, err = l.Undo(t.Context(), "one"); err != nil || got.Ran {
			t.Errorf("undone twice: %+v, %v", got, err)
		}
		r.is("broken")
		must(t, os.Remove(r.file))
		if _, err := l.Do(t.Context(), r.entry("one")); as[*RefusedError](t, err).Outcome != "tombstone" {
			t.Errorf("done after its undo: %v", err)
		}
		if got, err := l.Undo(t.Context(), "never"); err != nil || !got.Absent {
			t.Errorf("undone what never arrived: %+v, %v", got, err)
		}
		if _, err := l.Do(t.Context(), r.entry("never")); as[*RefusedError](t, err).Outcome != "tombstone" {
			t.Errorf("done after its undo: %v", err)
		}
		if s, err := l.Release(t.Context()); err != nil || s.State != Released {
			t.Errorf("released: %+v, %v", s, err)
		}
		if _, err := l.Do(t.Context(), r.entry("three")); as[*ExpiredError](t, err).State != Released {
			t.Errorf("done after the end: %v", err)
		}
		r.wait(5*time.Second, "the watchdog ends", func() bool { return r.watchdog() == 0 })
		r.is("absent")
	})
}
