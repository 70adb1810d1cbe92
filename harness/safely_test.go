package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// patient is a driver that does nothing once its time is over.
type patient struct{ *rig }

func (p patient) Execute(ctx context.Context, a Action) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.rig.Execute(ctx, a)
}

// slowLoad takes a minute to end: requests in flight have long timeouts.
type slowLoad struct{ rigLoad }

func (l slowLoad) Wait() ([]Stream, error) { time.Sleep(time.Minute); return l.rigLoad.Wait() }

// brokenLoad cannot be stopped.
type brokenLoad struct{ rigLoad }

func (brokenLoad) Stop()                     { panic("planted") }
func (l brokenLoad) Wait() ([]Stream, error) { l.r.say("waited for"); return l.rigLoad.Wait() }

// Whatever breaks on the way to the undo, or within it, keeps nothing else from being undone, and what a panic left is not complete.
func TestNothingKeepsTheUndoFromBeingDone(t *testing.T) {
	loads := func(l Load) func(*Parts) {
		return func(p *Parts) {
			p.OpenLoad = func(int, LoadSpec, RunningTarget) (Load, int, error) { return l, 1, nil }
		}
	}
	for _, c := range []struct {
		name     string
		panicAt  ActionKind
		change   func(r *rig, p *Parts)
		complete bool
		told     string // what the driver must have been told, "" for no link.heal
	}{
		{"a load that takes a minute to end", "", func(r *rig, p *Parts) { r.unseen = true; loads(slowLoad{rigLoad{r}})(p) }, true, "link.heal"},
		{"a load that cannot be stopped", "", func(r *rig, p *Parts) { loads(brokenLoad{rigLoad{r}})(p) }, true, "link.heal"},
		{"a screen that breaks", "", func(_ *rig, p *Parts) {
			p.Watch = func(pr Progress) {
				if pr.Phase == ActUndo {
					panic("planted")
				}
			}
		}, true, "link.heal"},
		{"a check that breaks", "", func(_ *rig, p *Parts) {
			await := p.Await
			p.Await = func(ctx context.Context, at RunningTarget, checks []Check, within time.Duration) (Interval, error) {
				if checks[0].Kind == LinkAnswers {
					panic("planted")
				}
				return await(ctx, at, checks, within)
			}
		}, false, "link.heal"},
		{"an undo that breaks", LinkHeal, func(*rig, *Parts) {}, false, "link.heal"},
		{"a fence that breaks", ComponentFence, func(*rig, *Parts) {}, false, ""},
	} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			r := newRig()
			r.panicAt = c.panicAt
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			p := r.parts(dir, NewClock())
			p.Driver = patient{r}
			c.change(r, &p)
			rec, _ := Run(ctx, p)
			if rec.Undo.Complete != c.complete || slices.Contains(r.told, "link.heal") != (c.told != "") || !slices.Contains(r.told, "stop") || slices.Contains(r.told, "waited for") {
				t.Errorf("%s: undo %+v, told %s", c.name, rec.Undo, strings.Join(r.told, ", "))
			}
		})
	}
}

// A guard stops a drill also while a fault is being confirmed: users may be down for as long as that may take.
func TestAGuardFiresWhileAFaultIsConfirmed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		var ill atomic.Bool
		r.health = func() bool { return !ill.Load() }
		p := r.parts(dir, NewClock())
		p.Scenario.Faults[0].ConfirmWithin = Duration(time.Minute)
		await := p.Await
		p.Await = func(ctx context.Context, at RunningTarget, checks []Check, within time.Duration) (Interval, error) {
			if checks[0].Kind != LinkSilent {
				return await(ctx, at, checks, within)
			}
			ill.Store(true)
			select {
			case <-ctx.Done():
			case <-time.After(within):
			}
			return Interval{}, errors.New("not yet")
		}
		rec, err := Run(t.Context(), p)
		f := rec.Faults[0]
		if err != nil || rec.Status != Stopped || f.Confirmed || !rec.Undo.Complete || rec.Undo.At.Lo.Sub(f.Do.Lo) > 10*time.Second || !strings.Contains(rec.StatusReason, "has been failing") {
			t.Errorf("%v, %s %q, fault %+v, undo %+v", err, rec.Status, rec.StatusReason, f, rec.Undo)
		}
	})
}
