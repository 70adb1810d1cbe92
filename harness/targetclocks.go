package harness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Timed is what a driver offers whose target has clocks of its own.
type Timed interface {
	// Clocks reads them once, all at the same time, each within a few seconds; those whose reading takes one of the connections that the
	// target counts only if all is asked for. It says of each that is asked how far it is ahead of this machine's wall clock.
	Clocks(ctx context.Context, all bool) []ClockAhead
}

// ClockAhead is one clock that was read.
type ClockAhead struct {
	Of     string // a component, or "host " and its name
	Ahead  Offset // of this machine's wall clock
	Detail string // why it could not be read, "" if it was
}

// TargetClock is one reading of a clock of the target.
type TargetClock struct {
	Of     string   `json:"of"`               // a component, or "host " and its name
	Phase  string   `json:"phase"`            // kind of the act at whose beginning it was read
	At     Interval `json:"at"`               // in which it was read
	Offset Offset   `json:"clock_offset"`     // how far it was ahead of the drill's clock; 0 and 0 where it could not be read
	Detail string   `json:"detail,omitempty"` // why it could not be read
}

// clockTime bounds one reading of all clocks: what does not answer must not hold the drill up.
const clockTime = 5 * time.Second

// targetClocks reads the clocks of a target beside the drill.
type targetClocks struct {
	mu    sync.Mutex
	wait  sync.WaitGroup
	busy  atomic.Bool
	taken []TargetClock
}

// readTargetClocks reads the clocks of the target at the beginning of an act. Before probes and loads begin, and after they have ended,
// all of them are read, and waited for. In between it does not wait, and where the reading before is not over yet, there is none.
func (d *drill) readTargetClocks(ctx context.Context, phase string) {
	timed, ok := d.Driver.(Timed)
	if !ok || !d.started {
		return
	}
	all, c := phase == ActPlan || phase == ActStop, &d.targetClocks
	if all {
		c.wait.Wait()
		defer c.wait.Wait()
	}
	if !c.busy.CompareAndSwap(false, true) {
		return
	}
	c.wait.Go(func() {
		defer c.busy.Store(false)
		ctx, cancel := context.WithTimeout(ctx, clockTime)
		defer cancel()
		got := readClocks(ctx, d.clock, timed, phase, all)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.taken = append(c.taken, got...)
	})
}

// readClocks reads them, and puts them on the drill's clock by how far that was from the wall clock before and after.
func readClocks(ctx context.Context, clock *Clock, timed Timed, phase string, all bool) (got []TargetClock) {
	wall := func() int64 { return time.Now().UnixNano() - int64(clock.Now()) }
	at, before := Interval{Lo: clock.Now()}, wall()
	read := timed.Clocks(ctx, all)
	after := wall()
	at.Hi = clock.Now()
	for _, r := range read {
		t := TargetClock{Of: r.Of, Phase: phase, At: at, Detail: r.Detail}
		if r.Detail == "" {
			t.Offset = Offset{r.Ahead.Lo + min(before, after), r.Ahead.Hi + max(before, after)}
			if err := t.Offset.Check(); err != nil {
				t.Offset, t.Detail = Offset{}, "it is "+err.Error()
			}
		}
		got = append(got, t)
	}
	return got
}

// takeTargetClocks puts what was read by now into the record; once the drill waits for what is still being read.
func (d *drill) takeTargetClocks(wait bool) {
	if wait {
		d.targetClocks.wait.Wait()
	}
	d.targetClocks.mu.Lock()
	defer d.targetClocks.mu.Unlock()
	d.rec.TargetClocks = slices.Clone(d.targetClocks.taken)
}

// ClockBounds are what all readings of one clock allow, taken together, and how many of them could be read.
func ClockBounds(all []TargetClock, of string) (bounds Offset, read int) {
	for _, r := range all {
		if r.Of != of || r.Detail != "" {
			continue
		}
		if read++; read == 1 {
			bounds = r.Offset
		}
		bounds = Offset{Lo: min(bounds.Lo, r.Offset.Lo), Hi: max(bounds.Hi, r.Offset.Hi)}
	}
	return bounds, read
}

// maxClocks bounds the readings of a drill: a record may not say more than could have been read.
const maxClocks = 100_000

func (r *Record) checkTargetClocks() error {
	if len(r.TargetClocks) > maxClocks {
		return fmt.Errorf("it has %d readings of clocks of the target, at most %d are possible", len(r.TargetClocks), maxClocks)
	}
	for i, c := range r.TargetClocks {
		switch {
		case c.Of == "" || c.At.Lo > c.At.Hi:
			return fmt.Errorf("reading %d of a clock of the target is of nothing, or ended before it began", i)
		case c.Detail != "" && c.Offset != Offset{}:
			return fmt.Errorf("the clock of %.40q could not be read (%.80s), and is so far off", c.Of, c.Detail)
		case c.Offset.Check() != nil:
			return fmt.Errorf("the clock of %.40q is %w", c.Of, c.Offset.Check())
		}
	}
	return nil
}
