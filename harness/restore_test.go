package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Redundancy is brought back when everything is undone and both sides have been read; what fails is on record, ends nothing, and keeps what
// rests on it from being made.
func TestRestore(t *testing.T) {
	steps := []RestoreStep{
		{Name: "rebuild", Call: "rebuild", Shown: []ShownCheck{{Check: "receiver.streams", On: "east.db"}}},
		{Name: "switch back", Call: "switch", Shown: []ShownCheck{{Check: "primary.alone", On: "east.db"}}},
	}
	for name, c := range map[string]struct {
		change  func(r *rig, p *Parts)
		details []string // of each
	}{
		"all goes well":       {func(*rig, *Parts) {}, []string{"", ""}},
		"the call fails":      {func(r *rig, _ *Parts) { r.fail[RunbookCall] = errors.New("planted") }, []string{"planted", "not made: what comes before it did not succeed"}},
		"it is not shown":     {func(_ *rig, p *Parts) { p.Await = unshown(p.Await) }, []string{"call rebuild was made, and it is not seen to be so: planted", "not made: what comes before it did not succeed"}},
		"the undo fails":      {func(r *rig, _ *Parts) { r.fail[LinkHeal] = errors.New("planted") }, []string{"not made: not everything is undone", "not made: not everything is undone"}},
		"nothing was broken":  {func(r *rig, _ *Parts) { r.success = 0 }, []string{"not made: nothing was broken", "not made: nothing was broken"}},
		"the target panicked": {func(r *rig, _ *Parts) { r.panicAt = RunbookCall }, []string{"restore: panic: planted", "not made: what comes before it did not succeed"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			var rec *Record
			synctest.Test(t, func(t *testing.T) {
				p := r.parts(t.TempDir(), NewClock())
				p.Scenario.Restore, p.Driver = steps, callingRig{r}
				c.change(r, &p)
				rec, _ = Run(t.Context(), p) //nolint:errcheck // what went wrong is on record
			})
			var details []string
			for _, r := range rec.Restores {
				details = append(details, r.Detail)
				if (r.Detail == "") != !r.Shown.Never() {
					t.Errorf("%+v", r)
				}
			}
			if !slices.Equal(details, c.details) {
				t.Errorf("%q, want %q", details, c.details)
			}
			read, made := slices.Index(r.told, "reconcile"), slices.Index(r.told, string(RunbookCall))
			if made >= 0 && made < read || len(rec.Acts) == 0 || rec.Acts[len(rec.Acts)-1].Kind != ActStop {
				t.Errorf("told %v, acts %+v", r.told, rec.Acts)
			}
		})
	}
	if got, none := PlannedLength(Scenario{Restore: steps[:1]}, nil), PlannedLength(Scenario{}, nil); got-none != patienceToRestore {
		t.Errorf("a restore adds %s to a drill", got-none)
	}
}

// callingRig has calls of its own.
type callingRig struct{ *rig }

func (c callingRig) Can() []ActionKind { return append(c.rig.Can(), RunbookCall) }
func (c callingRig) Description() Description {
	d := rigTarget()
	d.Calls = []string{"rebuild", "switch"}
	return d
}

// unshown never sees a standby that follows.
func unshown(await func(context.Context, RunningTarget, []Check, time.Duration) (Interval, error)) func(context.Context, RunningTarget, []Check, time.Duration) (Interval, error) {
	return func(ctx context.Context, t RunningTarget, checks []Check, within time.Duration) (Interval, error) {
		if checks[0].Kind == ReceiverStreams {
			return Interval{}, errors.New("planted")
		}
		return await(ctx, t, checks, within)
	}
}

// A call that a target has and does not let a drill make is told apart from one that it has not.
func TestCallable(t *testing.T) {
	target := Description{Name: "orders", Environment: Production, Calls: []string{"rebuild"}}
	for name, c := range map[string]struct {
		call string
		can  []ActionKind
		want string
	}{
		"it may":     {"rebuild", []ActionKind{RunbookCall}, ""},
		"it may not": {"rebuild", nil, "target orders (production) lets the harness make no call"},
		"it is not":  {"rebuilt", []ActionKind{RunbookCall}, `has no runbook call "rebuilt", which step "s" needs; it has: rebuild`},
	} {
		if err := callable(target, c.can, c.call, "s"); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
