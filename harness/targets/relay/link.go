package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"blackstart/internal/shortage"
)

// A Link is a TCP relay from one listening address to one upstream.
// Its methods may be called from any goroutine.
type Link struct {
	upstream string
	listener *net.TCPListener
	ctx      context.Context // ends when Close begins; bounds dials
	cancel   context.CancelFunc
	wg       sync.WaitGroup // the accept loop and every connection
	stats    counters

	verbs  sync.Mutex // held by Cut, Heal, SetShape and Close, one after the other
	parked net.Conn   // fills the accept queue during a cut, or nil; guarded by verbs

	mu     sync.Mutex // guards all below
	wake   *sync.Cond // on mu: cut, rests or closed changed
	cut    Direction
	rests  bool // the accept loop stands still because of a cut
	closed bool
	pairs  map[*pair]struct{}
	shape  [2]Shape // of connections accepted from now on, by half
}

type counters struct {
	accepted, refused, dropped, discarded atomic.Int64
	bytes                                 [2]atomic.Int64
}

// New listens on listenAddr (host:port; port 0 finds a free one) and forwards
// every connection to upstream (host:port), which need not answer yet.
// The caller closes the link.
func New(listenAddr, upstream string) (*Link, error) {
	// No keep-alives: a probe would be a packet through a link that is cut.
	lc := net.ListenConfig{KeepAlive: -1}
	// Plain TCP, as most servers speak; Go's default for listeners is multipath.
	lc.SetMultipathTCP(false)
	l, err := lc.Listen(context.Background(), "tcp", listenAddr)
	if err != nil {
		return nil, fmt.Errorf("listen for the link to %s: %w", upstream, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	link := &Link{
		upstream: upstream, listener: l.(*net.TCPListener),
		ctx: ctx, cancel: cancel, pairs: map[*pair]struct{}{},
	}
	link.wake = sync.NewCond(&link.mu)
	link.wg.Go(link.accept)
	return link, nil
}

// Addr returns the address the link listens on, host:port.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Stats returns the counters as they stand.
func (l *Link) Stats() Stats {
	l.mu.Lock()
	open := len(l.pairs)
	l.mu.Unlock()
	return Stats{
		Accepted: l.stats.accepted.Load(), Refused: l.stats.refused.Load(), Open: int64(open),
		ToUpstream: l.stats.bytes[up].Load(), ToClient: l.stats.bytes[down].Load(),
		Dropped: l.stats.dropped.Load(), Discarded: l.stats.discarded.Load(),
	}
}

// Cut stops every packet that travels in direction d, and every new connection
// whatever d is, because a handshake needs both ways. When it returns no more
// bytes are handed on. Cutting what is cut already changes nothing; cutting the
// other way too widens the cut. On an error the cut may be partly in force:
// call Heal.
func (l *Link) Cut(d Direction) error {
	if d == 0 || d&^Both != 0 {
		return fmt.Errorf("cut the link to %s: unknown direction %d", l.upstream, d)
	}
	l.verbs.Lock()
	defer l.verbs.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("cut the link to %s: %w", l.upstream, net.ErrClosed)
	}
	silent := l.cut != 0
	l.cut |= d
	// The gates first: they hold whatever is on its way.
	for p := range l.pairs {
		p.close(d)
	}
	if silent {
		return nil
	}
	err := l.listener.SetDeadline(longAgo) // wakes the accept loop
	if err == nil {
		for !l.rests && !l.closed {
			l.wake.Wait()
		}
		l.parked, err = silence(l.listener)
	}
	if err != nil {
		return fmt.Errorf("cut the link to %s: %w", l.upstream, err)
	}
	return nil
}

// Heal discards with RST every connection that saw the cut, waits until they
// are gone, and answers new connections again. Healing a whole link changes
// nothing.
func (l *Link) Heal() error {
	l.verbs.Lock()
	defer l.verbs.Unlock()
	l.mu.Lock()
	closed, whole := l.closed, l.cut == 0
	l.mu.Unlock()
	if closed {
		return fmt.Errorf("heal the link to %s: %w", l.upstream, net.ErrClosed)
	}
	if whole {
		return nil
	}
	l.discard() // nothing is accepted meanwhile, so this is all
	err := unsilence(l.listener)
	if l.parked != nil {
		_ = l.parked.Close() // it was reset with the queue
		l.parked = nil
	}
	if err == nil {
		err = l.listener.SetDeadline(time.Time{})
	}
	if err != nil {
		return fmt.Errorf("heal the link to %s: %w", l.upstream, err)
	}
	l.mu.Lock()
	l.cut = 0
	l.wake.Broadcast()
	l.mu.Unlock()
	return nil
}

// discard resets every connection and waits until none of them is left.
func (l *Link) discard() {
	l.mu.Lock()
	doomed := make([]*pair, 0, len(l.pairs))
	for p := range l.pairs {
		doomed = append(doomed, p)
	}
	l.mu.Unlock()
	for _, p := range doomed {
		p.kill()
		l.stats.discarded.Add(1)
	}
	for _, p := range doomed {
		<-p.gone
	}
}

// Close stops listening, resets every connection and waits for all of the
// link's goroutines. Closing twice changes nothing.
func (l *Link) Close() error {
	l.verbs.Lock()
	defer l.verbs.Unlock()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.wake.Broadcast()
	for p := range l.pairs {
		p.kill()
	}
	l.mu.Unlock()
	l.cancel()
	err := l.listener.Close()
	if l.parked != nil {
		_ = l.parked.Close() // it was reset with the listener
	}
	l.wg.Wait()
	if err != nil {
		return fmt.Errorf("close the link to %s: %w", l.upstream, err)
	}
	return nil
}

func (l *Link) accept() {
	for {
		conn, err := l.listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			l.waitForHeal()
			continue
		}
		if err != nil { // out of descriptors or memory: others may free some
			shortage.Note("the link to "+l.upstream, err)
			select {
			case <-l.ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		l.stats.accepted.Add(1)
		p := newPair(l, conn)
		if !l.register(p) {
			reset(conn)
			return
		}
		l.wg.Go(p.run)
	}
}

// waitForHeal stands still while the link is cut.
func (l *Link) waitForHeal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rests = true
	l.wake.Broadcast()
	for l.cut != 0 && !l.closed {
		l.wake.Wait()
	}
	l.rests = false
}

// register makes the pair known. A connection that was accepted after the cut
// began belongs to the cut: its gates are closed before it can pass a byte.
func (l *Link) register(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	p.shape = l.shape
	if l.cut != 0 {
		p.close(l.cut)
	}
	l.pairs[p] = struct{}{}
	return true
}

func (l *Link) forget(p *pair) {
	l.mu.Lock()
	delete(l.pairs, p)
	l.mu.Unlock()
	close(p.gone)
}
