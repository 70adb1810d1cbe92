package relay

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"blackstart/internal/shortage"
)

// Datagrams is a UDP relay with the verbs of a Link: what a cut direction
// carries is dropped, and nothing is ever refused.
type Datagrams struct {
	upstream string
	socket   *net.UDPConn
	wg       sync.WaitGroup
	stats    counters

	mu       sync.Mutex // guards below; held during each send, as a Link's gate
	cut      Direction
	closed   bool
	sessions map[netip.AddrPort]*session
}

// A session is one client and the socket that asks the upstream for it.
type session struct {
	conn *net.UDPConn
	last atomic.Int64 // Unix nanoseconds of its last datagram
}

// NewDatagrams listens on listenAddr (UDP, host:port; port 0 finds a free one)
// and forwards datagrams to upstream and the answers back. The caller closes it.
func NewDatagrams(listenAddr, upstream string) (*Datagrams, error) {
	conn, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", listenAddr)
	if err != nil {
		return nil, fmt.Errorf("listen for the datagrams to %s: %w", upstream, err)
	}
	r := &Datagrams{upstream: upstream, socket: conn.(*net.UDPConn), sessions: map[netip.AddrPort]*session{}}
	r.wg.Go(r.serve)
	return r, nil
}

// Addr returns the address the relay listens on, host:port.
func (r *Datagrams) Addr() string { return r.socket.LocalAddr().String() }

// Stats returns the counters as they stand.
func (r *Datagrams) Stats() Stats {
	r.mu.Lock()
	open := len(r.sessions)
	r.mu.Unlock()
	return Stats{
		Accepted: r.stats.accepted.Load(), Refused: r.stats.refused.Load(), Open: int64(open),
		ToUpstream: r.stats.bytes[up].Load(), ToClient: r.stats.bytes[down].Load(), Dropped: r.stats.dropped.Load(),
	}
}

// Cut drops every datagram that travels in direction d from now on.
func (r *Datagrams) Cut(d Direction) error {
	if d == 0 || d&^Both != 0 {
		return fmt.Errorf("cut the datagrams to %s: unknown direction %d", r.upstream, d)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("cut the datagrams to %s: %w", r.upstream, net.ErrClosed)
	}
	r.cut |= d
	return nil
}

// Heal carries datagrams again, both ways. What was dropped stays lost.
func (r *Datagrams) Heal() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("heal the datagrams to %s: %w", r.upstream, net.ErrClosed)
	}
	r.cut = 0
	return nil
}

// Close ends the relay and waits for its goroutines.
func (r *Datagrams) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	for _, s := range r.sessions {
		_ = s.conn.Close()
	}
	r.mu.Unlock()
	var err error
	if first {
		err = r.socket.Close()
	}
	r.wg.Wait()
	return err
}

func (r *Datagrams) serve() {
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := r.socket.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			r.note(err)
			continue // an ICMP error about an earlier answer: nothing was read
		}
		r.up(from, buf[:n])
	}
}

// up sends one datagram to the upstream on its client's own socket.
func (r *Datagrams) up(from netip.AddrPort, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if r.cut.has(up) {
		r.stats.dropped.Add(int64(len(b)))
		return
	}
	s := r.sessions[from]
	if s == nil {
		if s = r.open(from); s == nil {
			r.stats.refused.Add(1)
			return
		}
	}
	s.last.Store(time.Now().UnixNano())
	n, err := s.conn.Write(b)
	r.note(err)
	r.stats.bytes[up].Add(int64(n))
}

// open makes the session of a new client, or returns nil at the limit. r.mu is held.
func (r *Datagrams) open(from netip.AddrPort) *session {
	if len(r.sessions) >= maxSessions {
		return nil
	}
	conn, err := (&net.Dialer{}).Dial("udp", r.upstream)
	if err != nil {
		r.note(err)
		return nil
	}
	s := &session{conn: conn.(*net.UDPConn)}
	r.sessions[from] = s
	r.stats.accepted.Add(1)
	r.wg.Go(func() { r.answers(from, s) })
	return s
}

// answers carries what the upstream sends back to one client until the session
// has been idle for sessionIdle.
func (r *Datagrams) answers(to netip.AddrPort, s *session) {
	defer func() {
		r.mu.Lock()
		delete(r.sessions, to)
		r.mu.Unlock()
		_ = s.conn.Close()
	}()
	buf := make([]byte, maxDatagram)
	for {
		_ = s.conn.SetReadDeadline(time.Now().Add(sessionIdle))
		n, err := s.conn.Read(buf)
		var timeout net.Error
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.As(err, &timeout) && timeout.Timeout():
			if time.Since(time.Unix(0, s.last.Load())) >= sessionIdle {
				return
			}
			continue
		case err != nil:
			r.note(err)
			continue // connection refused by the upstream's host: it may come back
		}
		s.last.Store(time.Now().UnixNano())
		r.down(to, buf[:n])
	}
}

func (r *Datagrams) down(to netip.AddrPort, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if r.cut.has(down) {
		r.stats.dropped.Add(int64(len(b)))
		return
	}
	n, err := r.socket.WriteToUDPAddrPort(b, to)
	r.note(err)
	r.stats.bytes[down].Add(int64(n))
}

// note keeps a shortage of this machine: a datagram that was lost for it is no loss of the target's.
func (r *Datagrams) note(err error) { shortage.Note("the datagrams to "+r.upstream, err) }
