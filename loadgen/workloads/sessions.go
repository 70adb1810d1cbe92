package workloads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	// probeTimeout bounds one look at an address while no read-write server is
	// known: a black hole costs that much, on its own address only.
	probeTimeout = 500 * time.Millisecond
	// probeEvery is the pause between two looks; with the look itself it bounds
	// how long after its promotion a new primary is found.
	probeEvery = 100 * time.Millisecond
)

var (
	errNoPrimary = errors.New("no read-write server among the addresses")
	errNoSession = errors.New("all connections are in use")
)

// session is one connection to a node that takes writes, used by one worker at a time.
type session interface {
	address() string
	ended() bool           // it cannot be used any more
	gone() <-chan struct{} // closed when the server has let go of it, too
	close()
}

// sessions is the bounded set of connections to whichever address is read-write.
//
// While one is known, workers dial it directly. When a connection to it fails,
// one prober per address looks for a read-write server, all at the same time, so
// that an address which swallows packets does not delay the others; workers
// wait for their verdict within their own deadline.
//
// A connection whose statement timed out may still occupy the server (a backend
// that waits for its synchronous standby does not notice that we left). It keeps
// its place until it is gone on both sides, so that a
// server which does not answer is not flooded with new ones.
type sessions[S session] struct {
	dial   func(ctx context.Context, addr string, deadline time.Time) (S, error) // only to what is read-write
	tokens map[string]chan struct{}                                              // by address: one per connection in use
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // probers, and connections that linger

	mu      sync.Mutex    // guards what follows
	idle    []S           // stack, all to primary
	primary string        // address known to be read-write, "" while unknown
	found   chan struct{} // closed while primary is known
	lost    chan struct{} // closed while it is not
	why     error         // what the last failed look found
}

// writing is the side of a store that writes: the sessions that its first write opens. Who only asks needs none.
type writing[S session] struct {
	once sync.Once
	pool *sessions[S]
}

// open gives the sessions, each made by dial.
func (w *writing[S]) open(db Database, dial func(ctx context.Context, addr string, deadline time.Time) (S, error)) *sessions[S] {
	w.once.Do(func() { w.pool = newSessions(db, dial) })
	return w.pool
}

// Close implements LedgerStore.
func (w *writing[S]) Close() error {
	w.once.Do(func() {}) // nobody writes any more
	if w.pool != nil {
		w.pool.close()
	}
	return nil
}

// newSessions begins to look for the address that takes writes.
func newSessions[S session](db Database, dial func(ctx context.Context, addr string, deadline time.Time) (S, error)) *sessions[S] {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sessions[S]{
		dial: dial, tokens: make(map[string]chan struct{}), ctx: ctx, cancel: cancel,
		found: make(chan struct{}), lost: make(chan struct{}),
	}
	close(s.lost)
	for _, addr := range db.Addresses {
		s.tokens[addr] = make(chan struct{}, db.MaxConns)
	}
	for addr := range s.tokens {
		s.wg.Go(func() { s.probe(addr) })
	}
	return s
}

// acquire returns a session, which the caller must give back. Its errors mean that
// there was none before the deadline.
func (s *sessions[S]) acquire(deadline time.Time) (none S, err error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	for {
		s.mu.Lock()
		addr, found, lost := s.primary, s.found, s.lost
		s.mu.Unlock()
		if addr == "" {
			select {
			case <-found:
				continue
			case <-timer.C:
				return none, s.noPrimary()
			}
		}
		select {
		case s.tokens[addr] <- struct{}{}:
		case <-lost:
			continue
		case <-timer.C:
			return none, fmt.Errorf("%w: %w", errNoSession, os.ErrDeadlineExceeded)
		}
		if sess, ok := s.pop(addr); ok {
			return sess, nil
		}
		sess, err := s.dial(s.ctx, addr, deadline)
		if err == nil {
			return sess, nil
		}
		<-s.tokens[addr]
		s.suspect(addr, err)
		if !time.Now().Before(deadline) {
			return none, err
		}
	}
}

// pop returns an idle session to addr, if there is one.
func (s *sessions[S]) pop(addr string) (sess S, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 || s.primary != addr {
		return sess, false
	}
	sess = s.idle[last]
	s.idle = s.idle[:last]
	return sess, true
}

func (s *sessions[S]) noPrimary() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		return fmt.Errorf("%w: %w", errNoPrimary, os.ErrDeadlineExceeded)
	}
	return fmt.Errorf("%w: %w", errNoPrimary, s.why)
}

// release returns a session after its statement ended with err. A failed one is
// closed and its address doubted; one that hangs keeps its place until it is gone.
func (s *sessions[S]) release(sess S, failed, hangs bool, err error) {
	addr := sess.address()
	if failed || sess.ended() {
		s.suspect(addr, err)
		if hangs {
			s.wg.Go(func() { s.drain(sess) })
			return
		}
		sess.close()
		<-s.tokens[addr]
		return
	}
	s.mu.Lock()
	keep := addr == s.primary
	if keep {
		s.idle = append(s.idle, sess)
	}
	s.mu.Unlock()
	if !keep {
		sess.close() // the address was doubted meanwhile
	}
	<-s.tokens[addr]
}

// drain keeps the place of a session that timed out until it has ended.
func (s *sessions[S]) drain(sess S) {
	select {
	case <-sess.gone():
	case <-s.ctx.Done():
	}
	sess.close()
	<-s.tokens[sess.address()]
}

// suspect withdraws addr as the primary, if it is, and closes the idle sessions
// to it, which would fail one by one.
func (s *sessions[S]) suspect(addr string, why error) {
	s.mu.Lock()
	if why != nil {
		s.why = why
	}
	var idle []S
	if s.primary == addr {
		s.primary = ""
		s.found = make(chan struct{})
		close(s.lost)
		idle, s.idle = s.idle, nil
	}
	s.mu.Unlock()
	for _, sess := range idle {
		sess.close()
	}
}

// probe looks at one address whenever no read-write server is known.
func (s *sessions[S]) probe(addr string) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-pause.C:
		}
		s.mu.Lock()
		lost := s.lost
		s.mu.Unlock()
		select {
		case <-s.ctx.Done():
			return
		case <-lost:
		}
		sess, err := s.dial(s.ctx, addr, time.Now().Add(probeTimeout))
		s.settle(addr, sess, err)
		pause.Reset(probeEvery)
	}
}

// settle takes what a look found.
func (s *sessions[S]) settle(addr string, sess S, err error) {
	s.mu.Lock()
	if err != nil {
		s.why = err
		s.mu.Unlock()
		return
	}
	if s.primary == "" && s.ctx.Err() == nil {
		s.primary, s.why = addr, nil
		s.lost = make(chan struct{})
		close(s.found)
	}
	keep := s.primary == addr && len(s.idle) < cap(s.tokens[addr]) && s.ctx.Err() == nil
	if keep {
		s.idle = append(s.idle, sess)
	}
	s.mu.Unlock()
	if !keep {
		sess.close()
	}
}

// close ends the probers and all idle sessions. All sessions in use must have
// been given back.
func (s *sessions[S]) close() {
	s.cancel()
	s.wg.Wait()
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, sess := range idle {
		sess.close()
	}
}
