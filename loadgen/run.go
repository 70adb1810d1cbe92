package loadgen

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultTimeout is a run's timeout where the Config gives none.
	DefaultTimeout = 2 * time.Second
	// overrunGrace is how long after its timeout an op may still return before
	// a stopping run cancels its context.
	overrunGrace = time.Second
	// flushEvery is how often records in order go to the operating system: what
	// a kill −9 can cost.
	flushEvery = 50 * time.Millisecond
	// shortSleep is the longest wait that does not look for a stop meanwhile.
	shortSleep = 20 * time.Millisecond
)

// Config is the plan of one run.
type Config struct {
	Clock    Clock
	Schedule Schedule
	Op       Op
	// Timeout is how late a request may be sent: once overdue by more it is
	// recorded as unsent. The op's own timeout must not exceed it. 0 means
	// DefaultTimeout.
	Timeout time.Duration
	// Workers bounds the pool; 0 means WorkersFor(Schedule, Timeout).
	Workers int
	// Slots ends the run by itself after so many due requests; 0 means that it
	// runs until it is stopped.
	Slots uint64
	// Samples receives one sample per due request. The run closes it. nil keeps
	// no samples.
	Samples *SampleWriter
}

func (c *Config) check() error {
	if err := c.Schedule.Check(); err != nil {
		return err
	}
	if c.Op == nil || c.Clock.Now == nil {
		return errors.New("check run: it has no op or no clock")
	}
	if c.Timeout < 0 || c.Workers < 0 || c.Workers > MaxWorkers {
		return fmt.Errorf("check run: timeout %s, workers %d (at most %d)", c.Timeout, c.Workers, MaxWorkers)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	// A request is over twice the timeout after it was due, at the latest: once for
	// the wait, once for the answer. All later ones wait for it in the window.
	if behind := c.Schedule.PerSecond() * (2*c.Timeout + overrunGrace).Seconds(); behind > MaxWindow {
		return fmt.Errorf("check run: timeout %s at %.0f requests a second: up to %.0f out of order exceed %d",
			c.Timeout, c.Schedule.PerSecond(), behind, MaxWindow)
	}
	if c.Workers == 0 {
		c.Workers = WorkersFor(c.Schedule, c.Timeout)
	}
	return nil
}

// Stats is what became of a run.
type Stats struct {
	Start   int64 // due time of request 0, ns since the anchor
	Stopped int64 // when the run was stopped; each request due by then is recorded
	Due     uint64
	Sent    uint64
	OK      uint64
	Unsent  uint64
	Overran uint64 // ops that took longer than the timeout and the grace
	// Outcomes counts the samples by outcome.
	Outcomes [NumOutcomes]uint64
	// PeakWorkers is the most workers that existed; Workers is their bound.
	PeakWorkers, Workers int
	// Closed says that the file was closed in order. It is what tells a closed
	// empty stream from a torn one, since both have a count of 0.
	Closed bool
}

// Run is a load at work.
type Run struct {
	cfg    Config
	pool   *pool
	live   *live
	cancel context.CancelFunc

	stopOnce sync.Once
	stopped  atomic.Int64 // ns since the anchor, 0 while running
	stop     chan struct{}
	done     chan struct{}

	errMu sync.Mutex
	err   error // first error of the file

	stats Stats // owned by the dispatcher until done is closed
}

// Start begins a run. It goes on until Stop is called, ctx ends, or Slots is
// reached; the caller must then call Wait. When Start fails nothing was started
// and cfg.Samples is untouched.
func Start(ctx context.Context, cfg Config) (*Run, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	// The end of ctx is a stop, not the end of requests in flight: those keep
	// their timeout, so that their outcome is known.
	opCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &Run{
		cfg: cfg, live: newLive(cfg.Clock, cfg.Schedule),
		cancel: cancel, stop: make(chan struct{}), done: make(chan struct{}),
	}
	r.pool = newPool(opCtx, r)
	go r.drive(ctx)
	return r, nil
}

// Do runs cfg until ctx ends or Slots is reached, and returns what became of it.
func Do(ctx context.Context, cfg Config) (Stats, error) {
	r, err := Start(ctx, cfg)
	if err != nil {
		return Stats{}, err
	}
	return r.Wait()
}

// Stop ends the schedule at this instant. Every request due by now gets its
// record: sent ones when they end, the others as unsent. It returns at once and
// may be called more than once.
func (r *Run) Stop() {
	r.stopOnce.Do(func() {
		r.stopped.Store(max(r.cfg.Clock.Now(), 1))
		close(r.stop)
	})
}

// Wait returns when the run has stopped, all requests in flight have ended and
// the file is closed. Its error is a harness problem: the file could not be
// written, or an op did not come back.
func (r *Run) Wait() (Stats, error) {
	<-r.done
	return r.stats, r.err
}

// Done is closed when Wait will no longer block.
func (r *Run) Done() <-chan struct{} { return r.done }

// Live returns what the last seconds looked like. It may be called at any time.
func (r *Run) Live() Live { return r.live.snapshot() }

// drive owns the run from start to end.
func (r *Run) drive(ctx context.Context) {
	defer close(r.done)
	defer r.cancel()
	flusherDone := make(chan struct{})
	flusherStop := make(chan struct{})
	go func() {
		defer close(flusherDone)
		r.flushUntil(flusherStop)
	}()
	unwatch := context.AfterFunc(ctx, r.Stop)
	defer unwatch()

	next, due := r.dispatch()
	r.Stop() // a run that ended by itself stops here
	for ; next < due; next++ {
		r.unsent(next)
	}
	r.pool.finish(r.cfg.Timeout+overrunGrace, r.cancel)
	close(flusherStop)
	<-flusherDone
	r.finishStats(due)
}

func (r *Run) finishStats(due uint64) {
	s := &r.stats
	s.Start, s.Stopped, s.Due = r.cfg.Schedule.Start, r.stopped.Load(), due
	if due > 0 {
		// A request handed out while Stop was taking its time still counts.
		s.Stopped = max(s.Stopped, r.cfg.Schedule.Due(due-1))
	}
	s.Outcomes = r.live.outcomes()
	s.OK, s.Unsent = s.Outcomes[OK], s.Outcomes[Unsent]
	s.Sent = due - s.Unsent
	s.Overran = r.pool.overran.Load()
	s.PeakWorkers, s.Workers = r.pool.size(), r.cfg.Workers
	if r.cfg.Samples != nil {
		r.fail(r.cfg.Samples.Close())
		s.Closed = r.err == nil
	}
}

func (r *Run) flushUntil(stop <-chan struct{}) {
	if r.cfg.Samples == nil {
		return
	}
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.fail(r.cfg.Samples.Flush())
		case <-stop:
			return
		}
	}
}

// fail keeps the first error and stops the run: samples that cannot be written
// down are worth nothing.
func (r *Run) fail(err error) {
	if err == nil {
		return
	}
	r.errMu.Lock()
	if r.err == nil {
		r.err = fmt.Errorf("run load: %w", err)
	}
	r.errMu.Unlock()
	r.Stop()
}

// dispatch hands out requests as they fall due, until the run stops. It returns
// the first request that was not handed out and the number that were due.
func (r *Run) dispatch() (next, due uint64) {
	sleep := newSleeper(r.stop)
	for {
		now := r.cfg.Clock.Now()
		stopped := r.stopped.Load()
		if stopped != 0 {
			due = max(next, r.limit(r.cfg.Schedule.Count(stopped)))
			for next < due && r.pool.dispatch(next) {
				next++ // was due before the stop, and there is a worker
			}
			return next, due
		}
		due = r.limit(r.cfg.Schedule.Count(now))
		for next < due && r.pool.dispatch(next) {
			next++
		}
		if next == due {
			if r.cfg.Slots > 0 && due == r.cfg.Slots {
				return next, due
			}
			sleep.until(r.cfg.Schedule.Due(next) - now)
			continue
		}
		// The pool is busy. What is overdue by more than the timeout is lost.
		expiry := r.cfg.Schedule.Due(next) + int64(r.cfg.Timeout)
		if now > expiry {
			r.unsent(next)
			next++
			continue
		}
		sleep.untilFree(expiry-now+1, r.pool.freed)
	}
}

func (r *Run) limit(due uint64) uint64 {
	if r.cfg.Slots > 0 {
		return min(due, r.cfg.Slots)
	}
	return due
}

func (r *Run) unsent(n uint64) {
	r.record(Sample{
		Seq: n, Due: r.cfg.Schedule.Due(n), Sent: Never, Done: Never, Outcome: Unsent,
	}, r.cfg.Clock.Now())
}

// record takes the sample of one due request; now is when it became known.
func (r *Run) record(s Sample, now int64) {
	r.live.add(s, now)
	if r.cfg.Samples != nil {
		r.fail(r.cfg.Samples.Write(s))
	}
}
