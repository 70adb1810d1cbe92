package workloads

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"blackstart/internal/pgdial"
	"blackstart/loadgen"
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

// sessions is the bounded set of connections to whichever address is read-write.
//
// While one is known, workers dial it directly. When a connection to it fails,
// one prober per address looks for a read-write server, all at the same time, so
// that an address which swallows packets does not delay the others; workers
// wait for their verdict within their own deadline.
//
// A connection whose statement timed out may still occupy the server (a backend
// that waits for its synchronous standby does not notice that we left). It keeps
// its place until the server ends it or pgconn gives it up after 15 s, so that a
// server which does not answer is not flooded with new ones.
type sessions struct {
	db     Database
	tokens map[string]chan struct{} // by address: one per connection in use
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // probers, and connections that linger

	mu      sync.Mutex    // guards what follows
	idle    []*session    // stack, all to primary
	primary string        // address known to be read-write, "" while unknown
	found   chan struct{} // closed while primary is known
	lost    chan struct{} // closed while it is not
	why     error         // what the last failed look found
}

func newSessions(db Database) (*sessions, error) {
	if len(db.Addresses) == 0 {
		return nil, errors.New("open workload: the database has no address")
	}
	for _, addr := range db.Addresses {
		if _, _, err := pgdial.Split(addr); err != nil {
			return nil, fmt.Errorf("open workload: %w", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &sessions{
		db: db, tokens: make(map[string]chan struct{}), ctx: ctx, cancel: cancel,
		found: make(chan struct{}), lost: make(chan struct{}),
	}
	close(s.lost)
	for _, addr := range db.Addresses {
		s.tokens[addr] = make(chan struct{}, db.MaxConns)
	}
	for addr := range s.tokens {
		s.wg.Go(func() { s.probe(addr) })
	}
	return s, nil
}

// take returns a session, which the caller must give back. Its errors mean that
// there was none before the deadline.
func (s *sessions) take(deadline time.Time) (*session, error) {
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
				return nil, s.noPrimary()
			}
		}
		select {
		case s.tokens[addr] <- struct{}{}:
		case <-lost:
			continue
		case <-timer.C:
			return nil, fmt.Errorf("%w: %w", errNoSession, os.ErrDeadlineExceeded)
		}
		if sess := s.pop(addr); sess != nil {
			return sess, nil
		}
		sess, err := s.dial(addr, deadline)
		if err == nil {
			return sess, nil
		}
		<-s.tokens[addr]
		s.suspect(addr, err)
		if !time.Now().Before(deadline) {
			return nil, err
		}
	}
}

// pop returns an idle session to addr, or nil.
func (s *sessions) pop(addr string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 || s.primary != addr {
		return nil
	}
	sess := s.idle[last]
	s.idle = s.idle[:last]
	return sess
}

func (s *sessions) noPrimary() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.why == nil {
		return fmt.Errorf("%w: %w", errNoPrimary, os.ErrDeadlineExceeded)
	}
	return fmt.Errorf("%w: %w", errNoPrimary, s.why)
}

// giveBack returns a session after its statement ended with err. A failed one is
// closed and its address doubted.
func (s *sessions) giveBack(sess *session, failed bool, err error) {
	if failed || sess.pg.IsClosed() {
		s.suspect(sess.addr, err)
		if classifyPG(err) == loadgen.Timeout {
			s.wg.Go(func() { s.linger(sess) })
			return
		}
		sess.close()
		<-s.tokens[sess.addr]
		return
	}
	s.mu.Lock()
	keep := sess.addr == s.primary
	if keep {
		s.idle = append(s.idle, sess)
	}
	s.mu.Unlock()
	if !keep {
		sess.close() // the address was doubted meanwhile
	}
	<-s.tokens[sess.addr]
}

// linger keeps the place of a session that timed out until it has ended.
func (s *sessions) linger(sess *session) {
	select {
	case <-sess.pg.CleanupDone():
	case <-s.ctx.Done():
	}
	sess.close()
	<-s.tokens[sess.addr]
}

// suspect withdraws addr as the primary, if it is, and closes the idle sessions
// to it, which would fail one by one.
func (s *sessions) suspect(addr string, why error) {
	s.mu.Lock()
	if why != nil {
		s.why = why
	}
	var idle []*session
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
func (s *sessions) probe(addr string) {
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
		sess, err := s.dial(addr, time.Now().Add(probeTimeout))
		s.settle(addr, sess, err)
		pause.Reset(probeEvery)
	}
}

// settle takes what a look found.
func (s *sessions) settle(addr string, sess *session, err error) {
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
	if s.primary == addr && len(s.idle) < cap(s.tokens[addr]) && s.ctx.Err() == nil {
		s.idle = append(s.idle, sess)
		sess = nil
	}
	s.mu.Unlock()
	if sess != nil {
		sess.close()
	}
}

// close ends the probers and all idle sessions. All sessions in use must have
// been given back.
func (s *sessions) close() {
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
