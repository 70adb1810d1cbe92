package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"

	"blackstart/harness"
	"blackstart/harness/pollers"
	"blackstart/harness/receivers"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
	"blackstart/harness/targets/external"
)

// inbox is where alerts are seen: what our receivers get, and what polling shows.
type inbox struct {
	*receivers.Receivers
	unreported *atomic.Int64     // messages that came before there was a log of events to tell them
	polled     []pollers.Channel // to be asked for their state
	watch      *pollers.Watch    // nil: nothing is polled, or not yet
}

// Arrivals is what came since there was a log of events, received first.
func (i *inbox) Arrivals() []harness.Arrival {
	got := i.Receivers.Arrivals()
	got = got[min(int(i.unreported.Load()), len(got)):] // they are told in the order in which they are kept
	if i.watch == nil {
		return got
	}
	return slices.Concat(got, i.watch.Arrivals())
}

// Polls implements harness.Looking.
func (i *inbox) Polls() []harness.PollSeries {
	if i.watch == nil {
		return nil
	}
	return i.watch.Polls()
}

// Dropped counts what was not kept.
func (i *inbox) Dropped() int {
	if i.watch == nil {
		return i.Receivers.Dropped()
	}
	return i.Receivers.Dropped() + i.watch.Dropped()
}

// Close ends both. It may be called twice.
func (i *inbox) Close() {
	if i.watch != nil {
		i.watch.Close()
	}
	i.Receivers.Close()
}

// fileTarget is the target that a file describes, and what its channels are reached with; nil of any other.
func (d *drillRun) fileTarget() (*target.Target, channels.Around) {
	there, ok := d.driver.(*external.Driver)
	if !ok {
		return nil, channels.Around{}
	}
	return there.Target, there.Around(harness.StartRequest{AddSecrets: d.redact.Add})
}

// openInbox opens our ends of the alert paths: those of this drill, whose nonce is its own, or those that a target file has. Nothing is
// polled before look.
func (d *drillRun) openInbox(ctx context.Context) (i *inbox, err error) {
	i = &inbox{unreported: &atomic.Int64{}}
	o := receivers.Options{Clock: d.clock, OnArrival: func(a harness.Arrival) {
		if !d.arrived(a) {
			i.unreported.Add(1)
		}
	}}
	if t, around := d.fileTarget(); t == nil {
		o.Nonce = rand.Text()
		d.redact.Add(o.Nonce)
	} else {
		if o.Fixed, err = channels.Fixed(ctx, t, around); err != nil {
			return nil, err
		}
		if i.polled, err = channels.Polled(t, around); err != nil {
			return nil, err
		}
	}
	i.Receivers, err = receivers.Start(ctx, o)
	return i, err
}

// look begins to poll: what is seen from now on has a log of events.
func (i *inbox) look(ctx context.Context, d *drillRun) {
	if len(i.polled) > 0 {
		i.watch = pollers.Start(ctx, pollers.Options{Clock: d.clock, Clean: d.redact.Text, OnState: func(a harness.Arrival) { d.arrived(a) }}, i.polled)
	}
}

// arrived tells of one alert in the log of events; false where there is none yet.
func (d *drillRun) arrived(a harness.Arrival) bool {
	journal := d.arrivals.Load()
	if journal == nil {
		return false
	}
	e := arrivalEvent(a)
	if err := journal.Append(e); err == nil {
		d.show(harness.Progress{Event: &e})
	}
	return true
}

// decisions reads the target's own log: over HTTP, or as its file says, with a copy of what was read among the logs.
func (d *drillRun) decisions(ctx context.Context, log harness.DecisionLog) ([]harness.Decision, error) {
	t, around := d.fileTarget()
	if t == nil {
		return readDecisions(ctx, log)
	}
	all, err := channels.Log(ctx, t, around, d.clock.Anchor().Time())
	if err != nil {
		return nil, fmt.Errorf("read the target's own log: %w", err)
	}
	return all, channels.CopyLog(filepath.Join(d.dir, "logs"), all)
}

// notify makes announcements of a target file; nil where there are none, or nobody is told.
func (d *drillRun) notify(of func(*target.Target) []target.Announce, what string) func(context.Context) error {
	t, around := d.fileTarget()
	if t == nil || len(of(t)) == 0 || d.observe != nil {
		return nil
	}
	about := fmt.Sprintf("drill %s on %s %s, run %s, by %s", d.scenario.Metadata.Name, t.Metadata.Name, what, d.runID, d.executor)
	return func(ctx context.Context) error { return channels.Announce(ctx, t, of(t), about, around) }
}
