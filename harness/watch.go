package harness

import (
	"cmp"
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
	acts      []PlannedAct // all that the scenario asks for
	next      int          // the number of those that have begun
	phase     string       // kind of the act under way
	phaseFrom Stamp
	phaseEnd  Stamp

	undoLog     *UndoLog
	inForce     []stepInForce
	fencedNames map[string]bool
	unfenced    []Component       // what was not fenced before the undo, to be asked after it
	superseded  bool              // what led refuses writes by itself: nothing follows it any more
	gone        map[string]string // components met gone by the undo, and what was found
	underLoad   bool              // the undo is carried out while loads go on
	pulse       pulse             // finds when the harness could not measure
	shift       Duration          // by which people have put off what comes after them
	touched     bool              // the driver was asked to start
	started     bool
	announced   bool // people may have been told that the drill begins
	loads       []Load
	loadIDs     []string
	loadsDone   bool
	unbindLoads func() error // ends the checkpoints of the loads; nil before they begin
	journalErr  error

	targetClocks targetClocks

	probesOff context.CancelFunc
	probes    sync.WaitGroup
	series    []*series
}

func newDrill(p Parts) *drill {
	d := &drill{Parts: p, clock: p.Clock, fencedNames: map[string]bool{}, gone: map[string]string{}, pulse: pulse{clock: p.Clock, slept: p.Slept}}
	d.rec = &Record{
		Format: Format, Rules: Rules, RunID: p.RunID, PackID: p.PackID, Status: Completed, Inputs: p.InputsSHA,
		Scenario: p.Scenario, Profile: p.Profile, Environment: p.Environment, ObserveOnly: p.ObserveOnly, Executor: p.Executor, Tool: p.Tool,
		Anchor: p.Clock.Anchor(), Started: p.Clock.Now(), SealPolicy: []string{}, Approvals: []string{}, Register: p.Register,
		Places: PlacesOf(Description{}), Hosts: []Host{{Name: LocalHost}}, Outcomes: loadgen.OutcomesOf(p.Scenario.Workloads()...),
	}
	d.Scenario = d.rec.Played()
	d.acts = Acts(d.Scenario)
	return d
}

func (d *drill) runningTarget() RunningTarget {
	allowed, _ := d.Driver.(Allowing)
	return RunningTarget{RunID: d.RunID, Clock: d.clock, Target: d.rec.Target, Access: d.Driver.Access, Allowed: allowed, DataDir: d.DataDir}
}

// note logs something that happened now.
func (d *drill) note(kind, text string, detail map[string]string) {
	now := d.clock.Now()
	d.event(Event{Kind: kind, At: Interval{now, now}, Text: text, Detail: detail})
}

// event logs something and shows it. The first failure of the journal is kept and ends the drill at its close.
func (d *drill) event(e Event) {
	e.Phase = d.phase
	d.keepFirstError(d.Journal.Append(e))
	d.keepFirstError(safely("show progress", func() error { d.show(&e); return nil })) // no screen keeps an undo from being done
}

// keepFirstError keeps the first error of what is written about the drill.
func (d *drill) keepFirstError(err error) {
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
		p.Loads = append(p.Loads, g)
	}
	d.Watch(p)
}

// until waits while watching the guards. It returns early when the drill is interrupted or a guard fires.
func (d *drill) until(ctx context.Context, end Stamp) error {
	d.phaseEnd = end
	if err := d.gapped(ctx); err != nil {
		return err
	}
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
		if err := d.gapped(ctx); err != nil { // what a guard missed meanwhile is no news of the target
			return err
		}
		d.show(nil)
		if err := d.guard(); err != nil {
			return err
		}
	}
}

// baseline waits for the steady state to hold for its whole window; the last window is the baseline. The observation begins when
// what was due in it has ended.
func (d *drill) baseline(ctx context.Context, _ PlannedAct) error {
	var red string
	for try := range steadyTries {
		from := d.clock.Now()
		d.openWindow(from)
		end := from.Add(d.Scenario.SteadyState.For.D())
		if err := d.until(ctx, end); err != nil {
			return err
		}
		d.rec.Baseline = Interval{from, d.clock.Now()}
		if red = cmp.Or(d.gapSince(from), d.steadyStateViolation()); red == "" {
			d.event(Event{Kind: "steady.held", At: d.rec.Baseline, Text: "the steady state held for its whole window"})
			err := d.until(ctx, d.clock.Now().Add(drainTime))
			if err == nil {
				d.rec.Observation.Lo = d.clock.Now()
			}
			return err
		}
		d.note("steady.red", fmt.Sprintf("steady state, window %d of %d: %s", try+1, steadyTries, red), nil)
	}
	return fmt.Errorf("%w: %s", errUnsteady, red)
}
