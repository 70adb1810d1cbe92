package harness

import (
	"context"
	"fmt"
	"sync"
	"time"

	"blackstart/loadgen"
)

// drill is the state of one Run. All fields but those below mu belong to the goroutine that called Run.
type drill struct {
	Parts
	clock     *Clock
	rec       *Record
	phase     string
	phaseFrom Stamp
	phaseEnd  Stamp

	undoLog     *UndoLog
	inForce     []forceStep
	fencedNames map[string]bool
	gone        map[string]string // components met gone by the undo, and what was found
	touched     bool              // the driver was asked to start
	started     bool
	loads       []Load
	loadIDs     []string
	loadsDone   bool
	unbindLoads func() error // ends the checkpoints of the loads; nil before they begin
	journalErr  error

	probesOff context.CancelFunc
	probes    sync.WaitGroup
	series    []*seriesFile
}

func newDrill(p Parts) *drill {
	d := &drill{Parts: p, clock: p.Clock, fencedNames: map[string]bool{}, gone: map[string]string{}}
	d.rec = &Record{
		Format: Format, Rules: Rules, RunID: p.RunID, PackID: p.PackID, Status: Completed, Inputs: p.InputsSHA,
		Scenario: p.Scenario, Profile: p.Profile, Environment: p.Environment, Executor: p.Executor, Tool: p.Tool,
		Anchor: p.Clock.Anchor(), Started: p.Clock.Now(), SealPolicy: []string{}, Approvals: []string{}, Register: p.Register,
		Places: PlacesOf(Description{}), Hosts: []Host{{Name: LocalHost}}, Outcomes: loadgen.OutcomesOf(p.Scenario.Workloads()...),
	}
	return d
}

func (d *drill) around() Surroundings {
	return Surroundings{RunID: d.RunID, Clock: d.clock, Target: d.rec.Target, Access: d.Driver.Access, DataDir: d.DataDir}
}

// note logs something that happened now.
func (d *drill) note(kind, text string, detail map[string]string) {
	now := d.clock.Now()
	d.event(Event{Kind: kind, At: Interval{now, now}, Text: text, Detail: detail})
}

// event logs something and shows it. The first failure of the journal is kept and ends the drill at its close.
func (d *drill) event(e Event) {
	e.Phase = d.phase
	d.keep(d.Journal.Append(e))
	d.show(&e)
}

// keep keeps the first error of what is written about the drill.
func (d *drill) keep(err error) {
	if err != nil && d.journalErr == nil {
		d.journalErr = err
	}
}

func (d *drill) show(e *Event) {
	now := d.clock.Now()
	p := Progress{Phase: d.phase, Since: now.Sub(d.phaseFrom), Left: -1, Event: e, DrillLeft: d.estimateLeft(now)}
	if d.phaseEnd != 0 {
		p.Left = max(d.phaseEnd.Sub(now), 0)
	}
	for i, l := range d.loads {
		if d.loadsDone {
			break
		}
		g := l.Live()
		g.Load = d.loadIDs[i]
		p.Glimpses = append(p.Glimpses, g)
	}
	d.Watch(p)
}

// estimateLeft adds up what the scenario still has before it; the ends are estimates.
func (d *drill) estimateLeft(now Stamp) time.Duration {
	const tail = 6 * time.Second // undo, reconcile, stop
	s := d.Scenario
	spans := []struct {
		phase string
		takes time.Duration
	}{
		{"setup", 6 * time.Second}, {"plan", 0}, {"soak", soakTime}, {"baseline", s.SteadyState.For.D()},
		{"inject", time.Second}, {"watch", s.Observe.D()}, {"settle", s.Settle.D()}, {"undo", tail},
	}
	left, found := time.Duration(0), false
	for _, sp := range spans {
		switch {
		case sp.phase == d.phase:
			found = true
			left += max(sp.takes-now.Sub(d.phaseFrom), 0)
		case found:
			left += sp.takes
		}
	}
	return left
}

// until waits while watching the guards. It returns early when the drill is interrupted or a guard fires.
func (d *drill) until(ctx context.Context, end Stamp) error {
	d.phaseEnd = end
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		left := end.Sub(d.clock.Now())
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		case <-ticker.C:
			timer.Stop()
		}
		d.show(nil)
		if err := d.guard(); err != nil {
			return err
		}
	}
}

// guard stops the drill when a guarded probe has failed for too long.
func (d *drill) guard() error {
	for _, g := range d.Scenario.Guards {
		for _, s := range d.series {
			if s.run.Probe != g.Probe || s.run.Role != g.Region {
				continue
			}
			if since := s.failingSince(); since != 0 && d.clock.Now().Sub(since) >= g.FailingFor.D() {
				text := fmt.Sprintf("%s of the %s region has been failing for %s", g.Probe, g.Region, g.FailingFor)
				d.note("guard.fired", text, nil)
				return fmt.Errorf("%w: %s", errGuard, text)
			}
		}
	}
	return nil
}

// baseline waits for the steady state to hold for its whole window; the last window is the baseline.
func (d *drill) baseline(ctx context.Context) error {
	var red string
	for try := range steadyTries {
		from := d.clock.Now()
		end := from.Add(d.Scenario.SteadyState.For.D())
		if err := d.until(ctx, end); err != nil {
			return err
		}
		d.rec.Baseline = Interval{from, d.clock.Now()}
		if red = d.unsteady(d.rec.Baseline); red == "" {
			d.event(Event{Kind: "steady.held", At: d.rec.Baseline, Text: "the steady state held for its whole window"})
			return nil
		}
		d.note("steady.red", fmt.Sprintf("steady state, window %d of %d: %s", try+1, steadyTries, red), nil)
	}
	return fmt.Errorf("%w: %s", errUnsteady, red)
}

// unsteady names the first requirement that does not hold, by what the last seconds looked like. The verdict on the
// baseline is made again from the samples; this gate only keeps a fault away from a system that is already ill.
func (d *drill) unsteady(window Interval) string {
	for _, r := range d.Scenario.SteadyState.Require {
		for i, l := range d.loads {
			if r.Load == "" || d.loadIDs[i] != r.Load {
				continue
			}
			g := l.Live()
			switch {
			case g.Seen == 0:
				return fmt.Sprintf("load %s: no request was answered (%d were due)", r.Load, g.Due)
			case g.Success*1e6 < float64(r.SuccessAtLeast):
				return fmt.Sprintf("load %s: %.2f%% succeeded, want at least %s", r.Load, g.Success*100, r.SuccessAtLeast)
			case r.P99AtMost > 0 && g.P99 > r.P99AtMost.D():
				return fmt.Sprintf("load %s: p99 %s, want at most %s", r.Load, g.P99.Round(time.Millisecond), r.P99AtMost)
			}
		}
		for _, s := range d.series {
			if r.Probe != "" && s.run.Probe == r.Probe {
				if worst, ok := s.worstSince(window.Lo); !ok || (r.AgeAtMost > 0 && worst > int64(r.AgeAtMost)) {
					return fmt.Sprintf("probe %s on %s: %s, want at most %s", r.Probe, s.run.On, describeWorst(worst, ok), r.AgeAtMost)
				}
			}
		}
	}
	return ""
}

func describeWorst(worst int64, ok bool) string {
	if !ok {
		return "a question without a good answer"
	}
	return time.Duration(worst).Round(time.Millisecond).String()
}
