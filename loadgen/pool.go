package loadgen

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// pool is the bounded set of workers of a run. Idle workers are kept in a stack:
// the one that was busy last goes first, so that a load which needs five workers
// uses the same five, with warm stacks and connections. Workers are started only
// when none is idle.
type pool struct {
	run *Run
	ctx context.Context // of the ops; ends when the run is given up

	mu   sync.Mutex
	idle []*worker // stack
	n    int       // workers started

	wanted  atomic.Bool   // the dispatcher waits for a free worker
	freed   chan struct{} // told when one is
	overran atomic.Uint64
	workers sync.WaitGroup
}

type worker struct {
	id    uint32
	slots chan uint64 // holds at most one
}

func newPool(ctx context.Context, r *Run) *pool {
	return &pool{run: r, ctx: ctx, freed: make(chan struct{}, 1)}
}

func (p *pool) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// dispatch gives request n to a worker and reports whether one was free. Only the
// dispatcher calls it.
func (p *pool) dispatch(n uint64) bool {
	p.mu.Lock()
	if last := len(p.idle) - 1; last >= 0 {
		w := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		w.slots <- n
		return true
	}
	if p.n == p.run.cfg.Workers {
		p.wanted.Store(true)
		p.mu.Unlock()
		return false
	}
	w := &worker{id: uint32(p.n), slots: make(chan uint64, 1)}
	p.n++
	p.mu.Unlock()
	w.slots <- n
	p.workers.Go(func() { p.work(w) })
	return true
}

func (p *pool) work(w *worker) {
	for n := range w.slots {
		p.one(w, n)
		p.mu.Lock()
		p.idle = append(p.idle, w)
		wanted := p.wanted.Swap(false)
		p.mu.Unlock()
		if wanted {
			select {
			case p.freed <- struct{}{}:
			default:
			}
		}
	}
}

func (p *pool) one(w *worker, n uint64) {
	cfg := &p.run.cfg
	due, sent := cfg.Schedule.Due(n), cfg.Clock.Now()
	if sent-due > int64(cfg.Timeout) {
		p.run.unsent(n)
		return
	}
	res := cfg.Op.Do(p.ctx, Slot{Seq: n, Due: due, Sent: sent, Worker: w.id})
	done := cfg.Clock.Now()
	if done-sent > int64(cfg.Timeout+overrunGrace) {
		p.overran.Add(1)
	}
	if !res.Outcome.Possible() || res.Outcome == Unsent {
		res.Outcome = Other // an op that does not know
	}
	p.run.record(Sample{
		Seq: n, Due: due, Sent: sent, Done: done,
		Outcome: res.Outcome, Cohort: res.Cohort, Status: res.Status, Worker: w.id,
	}, done)
}

// finish lets all workers end. Ops still at work after grace have their context
// cancelled; finish waits for them all the same.
func (p *pool) finish(grace time.Duration, cancel context.CancelFunc) {
	giveUp := time.AfterFunc(grace, cancel)
	defer giveUp.Stop()
	for left := p.size(); left > 0; {
		p.mu.Lock()
		idle := p.idle
		p.idle = nil
		if left > len(idle) {
			p.wanted.Store(true)
		}
		p.mu.Unlock()
		for _, w := range idle {
			close(w.slots)
		}
		if left -= len(idle); left > 0 {
			<-p.freed
		}
	}
	p.workers.Wait()
}

// sleeper waits for the dispatcher with one timer.
type sleeper struct {
	timer *time.Timer
	stop  <-chan struct{}
}

func newSleeper(stop <-chan struct{}) *sleeper {
	t := time.NewTimer(math.MaxInt64)
	t.Stop()
	return &sleeper{timer: t, stop: stop}
}

// until waits for ns, or for a stop. Short waits do not look for a stop, which
// the dispatcher sees right after them.
func (s *sleeper) until(ns int64) {
	if ns <= int64(shortSleep) {
		time.Sleep(time.Duration(ns))
		return
	}
	s.untilFree(ns, nil)
}

// untilFree waits for ns, a free worker, or a stop.
func (s *sleeper) untilFree(ns int64, freed <-chan struct{}) {
	s.timer.Reset(time.Duration(ns))
	select {
	case <-s.timer.C:
	case <-freed:
	case <-s.stop:
	}
	s.timer.Stop()
}
