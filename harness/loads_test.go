package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// What loads write is bound while they run, every ten seconds, and once more when they have ended.
func TestLoadsAreBoundWhileTheyRun(t *testing.T) {
	r := newRig()
	if _, err, _ := tell(t, r, nil); err != nil {
		t.Fatal(err)
	}
	// soak 2 s, baseline 3 s, drain 0.5 s, observe 10 s: one whole interval, and the end
	if len(r.bound) != 2 || len(r.bound[0]) != 1 || r.bound[0][0].Records != 7 {
		t.Errorf("bound %+v", r.bound)
	}
}

// A checkpoint that cannot be written is a problem of the harness: records that nobody bound are worth less than they seem.
func TestAFailedCheckpointIsAnError(t *testing.T) {
	r := newRig()
	r.bindErr = errors.New("no space left")
	rec, err, _ := tell(t, r, nil)
	if err == nil || rec.Status != Broken || !strings.Contains(rec.StatusReason, "no space left") || !rec.Undo.Complete {
		t.Errorf("status %s (%s), undo %+v, %v", rec.Status, rec.StatusReason, rec.Undo, err)
	}
}

// A drill without any load has an observation all the same: its pack must not contradict the scenario.
func TestWithoutALoadTheObservationEnds(t *testing.T) {
	r := newRig()
	rec, err, _ := tell(t, r, func(p *Parts) { p.Scenario.Load, p.Scenario.SteadyState.Require = nil, nil })
	if err != nil || rec.Status != Completed || rec.Observation.Hi.Sub(rec.Observation.Lo) < 10*time.Second {
		t.Errorf("status %s, observation %+v, %v", rec.Status, rec.Observation, err)
	}
}

// What this machine was short of is on record also where no load ran, and until both ledgers have been read.
func TestShortagesAreOnRecordToTheEnd(t *testing.T) {
	for _, loads := range []int{0, 1} {
		r := newRig()
		short := []string{"a probe: this process is out of file descriptors (EMFILE), 1 times"}
		rec, err, _ := tell(t, r, func(p *Parts) {
			if loads == 0 {
				p.Scenario.Load, p.Scenario.SteadyState.Require = nil, nil
			}
			p.Shortages = func() []string { return slices.Clone(short) }
			p.Reconcile = func(context.Context, RunningTarget, *Record) error {
				short = append(short, "the reconciliation: …")
				return nil
			}
		})
		want := 1 + loads // without a load nothing is reconciled
		if err != nil || len(rec.Shortages) != want {
			t.Errorf("%d loads: %v, %v", loads, err, rec.Shortages)
		}
	}
}

// Looking writes up one by one takes as long as the target lets it: a drill with many of them is not cut short, and people are told.
func TestTimeForLookingUp(t *testing.T) {
	ledger := func(at string, n int) Stream {
		return Stream{Kind: "ledger", Count: n, Recorded: &Traits{Ledger: true, LookedUp: at}}
	}
	for name, c := range map[string]struct {
		streams []Stream
		rate    int
		want    time.Duration
	}{
		"none":              {nil, 0, 0},
		"in a database":     {[]Stream{ledger("postgres", 90_000), ledger("", 90_000)}, 1, 0},
		"samples":           {[]Stream{{Kind: "samples", Count: 9_000, Recorded: &Traits{LookedUp: EntryName}}}, 1, 0},
		"at the entry":      {[]Stream{ledger(EntryName, 9_000)}, 0, 16 * time.Minute},
		"two, and slowly":   {[]Stream{ledger(EntryName, 500), ledger(EntryName, 100)}, 5, 5 * time.Minute},
		"no faster allowed": {[]Stream{ledger(EntryName, 200)}, 1000, 80 * time.Second},
	} {
		r := newRig()
		d := newDrill(r.parts(t.TempDir(), NewClock()))
		d.rec.Streams = c.streams
		if c.rate > 0 {
			d.rec.Target.LoadLimits = &LoadLimits{Rate: Rate{Count: c.rate, Per: time.Second}}
		}
		if got := d.lookUpTime(); got != c.want || slices.Contains(r.events, "target.progress") == (c.want == 0) {
			t.Errorf("%s: %s, want %s; events %q", name, got, c.want, r.events)
		}
	}
}
