package probes

import (
	"context"
	"sync"
	"time"

	"blackstart/harness"
)

// paced is a probe that wants to be asked at a pace that depends on what it has seen.
type paced interface{ Pace() time.Duration }

// thinned is a probe of whose answers only the changes and one in each span are kept.
type thinned interface{ KeepEvery() time.Duration }

// companion is a probe that does something of its own beside its questions, such as writing what the questions ask for.
type companion interface {
	// Beside works until ctx ends. It gives each thing it does to observe, which does it and keeps what became of it.
	Beside(ctx context.Context, observe func(do func() harness.Observation) harness.Observation)
}

// Run asks probe every so often until ctx ends and gives every kept answer to sink, in the order in which they were asked
// for, one at a time. What a companion does is kept among the answers; then an answer may reach sink as late as what began
// before it ends.
// Questions never pile up: an answer that takes longer than the pace is one answer, and the questions that were due in the
// meantime are not asked; the answer's interval shows the gap. A question under way when ctx ends is still answered (each
// has its own timeout), so that stopping never looks like a target that is down. The result lacks only File.
func Run(ctx context.Context, probe harness.Probe, every time.Duration, clock *harness.Clock,
	sink func(harness.Observation),
) harness.ProbeSeries {
	every = max(every, time.Millisecond)
	keep := thinner{sink: sink}
	if t, ok := probe.(thinned); ok {
		keep.every = t.KeepEvery()
	}
	order := reorderer{clock: clock, sink: keep.take}
	var beside sync.WaitGroup
	if c, ok := probe.(companion); ok {
		beside.Go(func() { c.Beside(ctx, order.observe) })
	}
	series := harness.ProbeSeries{EveryNS: int64(every)}
	series.Ran.Lo = clock.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for due := clock.Now(); ; {
		select {
		case <-ctx.Done():
			beside.Wait()
			keep.end()
			series.Count = keep.kept
			series.Ran.Hi = clock.Now()
			return series
		case <-timer.C:
		}
		o := order.observe(func() harness.Observation { return probe.Ask(context.WithoutCancel(ctx)) })
		series.Probe, series.On = o.Probe, o.On
		pace := every
		if p, ok := probe.(paced); ok {
			pace = max(p.Pace(), every)
		}
		due = following(due, pace, clock.Now())
		timer.Reset(due.Sub(clock.Now()))
	}
}

// following is the first moment after now on the grid that begins at due.
func following(due harness.Stamp, pace time.Duration, now harness.Stamp) harness.Stamp {
	missed := max(0, now.Sub(due)/pace)
	return due.Add((missed + 1) * pace)
}

// thinner keeps every answer, or, with a span, the first, the last, both sides of each change, and one in each span.
type thinner struct {
	every time.Duration
	sink  func(harness.Observation)
	kept  int

	started bool
	last    harness.Observation // most recent answer
	pending bool                // last has not been given to sink
	at      harness.Stamp       // beginning of the most recently kept answer
}

func (t *thinner) take(o harness.Observation) {
	changed := t.started && (o.Reached != t.last.Reached || o.OK != t.last.OK || o.Detail != t.last.Detail)
	if changed {
		t.end()
	}
	first := !t.started
	t.started, t.last, t.pending = true, o, true
	if first || changed || o.At.Lo.Sub(t.at) >= t.every {
		t.end()
	}
}

// end keeps the most recent answer if it has not been kept.
func (t *thinner) end() {
	if !t.pending {
		return
	}
	t.pending = false
	t.at = t.last.At.Lo
	t.kept++
	t.sink(t.last)
}
