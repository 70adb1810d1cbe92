package harness

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// A beat that comes late, or a machine that slept, is a gap; a busy machine is none.
func TestGapsAreFoundByBeats(t *testing.T) {
	for name, c := range map[string]struct {
		since, slept time.Duration
		want         time.Duration // how long the gap was; 0: there is none
	}{
		"in time":            {beatEvery, 0, 0},
		"a little late":      {beatEvery + lateBeat/2, 0, 0},
		"suspended":          {7 * time.Second, 0, 7 * time.Second},
		"slept":              {beatEvery, time.Hour, time.Hour + beatEvery},
		"clocks read apart":  {beatEvery, sleptLeast / 2, 0},
		"slept and was late": {3 * time.Second, time.Minute, time.Minute + 3*time.Second},
	} {
		slept := time.Duration(0)
		p := pulse{clock: NewClock(), slept: func() time.Duration { return slept }}
		p.beat()
		p.last = p.clock.Now() - Stamp(c.since)
		slept = c.slept
		p.beat()
		over, on := p.all()
		if c.want == 0 {
			if len(over) > 0 || on != nil {
				t.Errorf("%s: %+v, %+v", name, over, on)
			}
			continue
		}
		if len(over) != 1 || over[0].Kind != GapSuspended || (time.Duration(over[0].LastsNS)-c.want).Abs() > 500*time.Millisecond ||
			!strings.Contains(over[0].Words(), "the harness was suspended for ") {
			t.Errorf("%s: %+v", name, over)
		}
	}
}

// online is a driver whose target is reached by a network.
type online struct {
	*rig
	lost func() string
}

func (o online) NetworkLost() string { return o.lost() }

// sleeps is a machine that sleeps once, so long after the drill began.
func sleeps(clock *Clock, after, length time.Duration) func() time.Duration {
	begin := clock.Now()
	return func() time.Duration {
		if clock.Now().Sub(begin) < after {
			return 0
		}
		return length
	}
}

// A drill that could not measure is ended: what is broken is taken back, and the record says why. Before its baseline nothing is lost.
func TestADrillThatCouldNotMeasure(t *testing.T) {
	const end = "suspended for 1m0"
	for name, c := range map[string]struct {
		change func(p *Parts, clock *Clock)
		gaps   int
		reason string
		undone bool // the fault was put in force
	}{
		"never":             {func(*Parts, *Clock) {}, 0, "", true},
		"slept in the soak": {func(p *Parts, clock *Clock) { p.Slept = sleeps(clock, time.Second, time.Minute) }, 1, "", true},
		"slept in the baseline, which is held again": {func(p *Parts, clock *Clock) { p.Slept = sleeps(clock, 3*time.Second, time.Minute) }, 1, "", true},
		"slept after the baseline":                   {func(p *Parts, clock *Clock) { p.Slept = sleeps(clock, 5200*time.Millisecond, time.Minute) }, 1, end, false},
		"slept while clients were watched":           {func(p *Parts, clock *Clock) { p.Slept = sleeps(clock, 9*time.Second, time.Minute) }, 1, end, true},
		"offline while clients were watched":         {func(p *Parts, clock *Clock) { offline(p, clock, 9*time.Second, 2*time.Second) }, 1, "had no network of its own", true},
		"offline, and a guard would fire": {func(p *Parts, clock *Clock) {
			offline(p, clock, 9*time.Second, time.Minute)
			p.Driver.(online).health = func() bool { return p.Driver.(online).lost() == "" }
		}, 1, "had no network of its own", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			rec, err, _ := tell(t, r, func(p *Parts) { c.change(p, p.Clock) })
			if err != nil || rec.Status != Completed || !rec.Undo.Complete {
				t.Fatalf("%v, %s (%s), undo %+v", err, rec.Status, rec.StatusReason, rec.Undo)
			}
			if !strings.Contains(rec.StatusReason, c.reason) || (c.reason == "") != (rec.StatusReason == "") {
				t.Errorf("reason %q, want %q", rec.StatusReason, c.reason)
			}
			if len(rec.Gaps) != c.gaps || slices.Contains(r.told, string(LinkCut)) != c.undone || slices.Contains(r.told, string(LinkHeal)) != c.undone {
				t.Errorf("gaps %+v, told %v", rec.Gaps, r.told)
			}
			for _, g := range rec.Gaps {
				if !slices.Contains(r.events, "harness."+g.Kind) {
					t.Errorf("no event of %+v in %v", g, r.events)
				}
			}
			if c.reason != "" && rec.Observation.Hi.Sub(rec.Observation.Lo) > 8*time.Second {
				t.Errorf("it went on for %s", rec.Observation.Hi.Sub(rec.Observation.Lo))
			}
		})
	}
}

// offline takes the network away, so long after the drill began.
func offline(p *Parts, clock *Clock, after, length time.Duration) {
	begin := clock.Now()
	p.Driver = online{p.Driver.(*rig), func() string {
		if since := clock.Now().Sub(begin); since >= after && since < after+length {
			return "net0 is down"
		}
		return ""
	}}
}

// Whether a fault is over is asked when there is a network again: until then its silence would be taken for the fault.
func TestTheUndoWaitsForItsNetwork(t *testing.T) {
	r := newRig()
	var asked []Stamp
	var clock *Clock
	rec, err, _ := tell(t, r, func(p *Parts) {
		clock = p.Clock
		offline(p, clock, 9*time.Second, 12*time.Second)
		lost, await := p.Driver.(online).lost, p.Await
		p.Await = func(ctx context.Context, s RunningTarget, checks []Check, within time.Duration) (Interval, error) {
			if checks[0].Kind == LinkAnswers {
				asked = append(asked, clock.Now())
				if lost() != "" {
					return Interval{}, errors.New("network is unreachable")
				}
			}
			return await(ctx, s, checks, within)
		}
	})
	if err != nil || !rec.Undo.Complete || !rec.Faults[0].Restored || len(asked) != 1 || asked[0] < rec.Gaps[0].At.Hi {
		t.Errorf("%v, undo %+v, asked at %v, gaps %+v", err, rec.Undo, asked, rec.Gaps)
	}
	if !slices.Contains(r.events, "undo.waits") {
		t.Errorf("events %v", r.events)
	}
}

// Who stops a drill that was suspended wakes it, and is heard: the drill was stopped.
func TestWhoStopsASuspendedDrillIsHeard(t *testing.T) {
	d := &drill{pulse: pulse{clock: NewClock()}, clock: NewClock(), phase: ActWatch, rec: &Record{}, Parts: Parts{Journal: newRig(), Watch: func(Progress) {}}}
	d.pulse.found = []Gap{{Kind: GapSuspended, At: Interval{1, 2}}}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(heardWithin/5, cancel)
	if err := d.gapped(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := d.gapped(t.Context()); !errors.Is(err, errGap) {
		t.Error(err)
	}
	d.phase = ActUndo
	if err := d.gapped(t.Context()); err != nil {
		t.Error(err)
	}
}
