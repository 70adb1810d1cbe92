package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// observed lets load go on through the undo of a drill.
func observed(p *Parts) { p.Scenario.ObserveUndo = Duration(8 * time.Second) }

// Under load, too, nothing heals before the old primary was fenced and seen to refuse writes; clients are watched from the begin of
// the undo on, apart from what was watched before it.
func TestAnUndoUnderLoadFencesBeforeItHeals(t *testing.T) {
	r := newRig()
	rec, err, _ := tell(t, r, observed)
	if err != nil || rec.Status != Completed {
		t.Fatal(err, rec.StatusReason)
	}
	want := []string{"start", "load on", "link.cut", "link.silent outside→east.db", "component.fence", "refuses-writes?",
		"link.heal", "link.answers outside→east.api", "load off", "reconcile", "stop"}
	if !slices.Equal(r.told, want) {
		t.Errorf("told %v\nwant %v", r.told, want)
	}
	u := rec.Undo
	if !u.Complete || !u.FenceChecked || u.Watched.Lo != u.At.Lo || u.Watched.Hi.Sub(u.At.Hi) < 8*time.Second || rec.Observation.Hi > u.At.Lo {
		t.Errorf("undo %+v, observation %+v", u, rec.Observation)
	}
	if p := rec.Probes[0]; p.Ran.Hi < u.Watched.Hi {
		t.Errorf("the probe ran until %v, the watch until %v", p.Ran.Hi, u.Watched.Hi)
	}
	var kinds []string
	for _, a := range rec.Acts {
		kinds = append(kinds, a.Kind)
	}
	if got := strings.Join(kinds, " "); got != "setup plan soak baseline inject watch undo watch-undo settle reconcile stop" {
		t.Errorf("acts %s", got)
	}
}

// What goes wrong is undone as ever: load off first. A fence that fails leaves the fault in place, and load does not go on.
func TestWhatGoesWrongIsNotUndoneUnderLoad(t *testing.T) {
	before := func(told []string, a, b string) bool {
		i, j := slices.Index(told, a), slices.Index(told, b)
		return i >= 0 && j >= 0 && i < j
	}
	for _, c := range []struct {
		name  string
		spoil func(*rig)
		check func(rec *Record, told []string) bool
	}{
		{"a fault that nobody sees", func(r *rig) { r.unseen = true }, func(rec *Record, told []string) bool {
			return before(told, "load off", "component.fence") && rec.Undo.Complete && rec.Undo.Watched.Never()
		}},
		{"a panic", func(r *rig) { r.panicAt = LinkCut }, func(rec *Record, told []string) bool {
			return before(told, "load off", "component.fence") && rec.Undo.Watched.Never()
		}},
		{"a fence that does not hold", func(r *rig) { r.writes = true }, func(rec *Record, told []string) bool {
			return !rec.Undo.Complete && !slices.Contains(told, "link.heal") && before(told, "refuses-writes?", "load off") && rec.Undo.Watched.Never()
		}},
		{"an undo that fails", func(r *rig) { r.fail[LinkHeal] = errors.New("planted") }, func(rec *Record, told []string) bool {
			return !rec.Undo.Complete && slices.Contains(told, "load off") && rec.Undo.Watched.Never()
		}},
	} {
		r := newRig()
		c.spoil(r)
		if rec, _, _ := tell(t, r, observed); !c.check(rec, r.told) {
			t.Errorf("%s: undo %+v, told %v", c.name, rec.Undo, r.told)
		}
	}
}

// Who interrupts the watch after the undo leaves a target on which everything is undone, and no load. A guard has nothing left to
// protect then, and does not cut the watch short.
func TestAnInterruptOfTheWatchAfterTheUndo(t *testing.T) {
	for name, guarded := range map[string]bool{"interrupt": false, "guard": true} {
		r := newRig()
		var mu sync.Mutex
		ill := false
		r.health = func() bool { mu.Lock(); defer mu.Unlock(); return !ill }
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := r.parts(dir, NewClock())
			observed(&p)
			p.Watch = func(pr Progress) {
				if pr.Phase != ActWatchUndo {
					return
				}
				if guarded {
					mu.Lock()
					ill = true
					mu.Unlock()
				} else {
					cancel()
				}
			}
			rec, err := Run(ctx, p)
			want := Stopped
			if guarded {
				want = Completed
			}
			if whole := rec.Undo.Watched.Hi.Sub(rec.Undo.At.Hi) >= p.Scenario.ObserveUndo.D(); whole != guarded {
				t.Errorf("%s: the watch lasted until %v, the undo until %v", name, rec.Undo.Watched.Hi, rec.Undo.At.Hi)
			}
			if err != nil || rec.Status != want || !rec.Undo.Complete || rec.Undo.Watched.Never() || !slices.Contains(r.told, "load off") || !slices.Contains(r.told, "stop") {
				t.Errorf("%s: %v, %s, undo %+v, told %v", name, err, rec.Status, rec.Undo, r.told)
			}
		})
	}
}
