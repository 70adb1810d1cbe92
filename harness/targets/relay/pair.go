package relay

import (
	"io"
	"net"
	"sync"
	"time"

	"blackstart/internal/shortage"
)

// The two halves of a connection.
const (
	up   = 0 // from the client to the upstream
	down = 1 // from the upstream to the client
)

func (d Direction) has(half int) bool { return d&(ToUpstream<<half) != 0 }

// longAgo is a deadline that has passed: it wakes whoever waits for a socket.
var longAgo = time.Unix(1, 0)

// A pair is one connection through the link: the client's socket and ours to
// the upstream.
type pair struct {
	link  *Link
	shape [2]Shape // fixed when the pair is registered
	gates [2]gate

	dead chan struct{} // closed by kill
	gone chan struct{} // closed when every goroutine of the pair has ended

	mu     sync.Mutex // guards below
	ends   [2]*net.TCPConn
	killed bool
}

// ends[up] is the source of the upward half, the client; ends[down] is the upstream.

// A gate lets the bytes of one half pass, or not. Its mutex is held during each
// write, so whoever has closed it knows that no write is under way.
type gate struct {
	mu   sync.Mutex
	shut bool
}

func newPair(l *Link, client *net.TCPConn) *pair {
	p := &pair{link: l, dead: make(chan struct{}), gone: make(chan struct{})}
	p.ends[up] = client
	return p
}

// run dials the upstream and carries both halves until they end.
func (p *pair) run() {
	defer p.link.forget(p)
	defer p.kill()
	if !p.dial() {
		return
	}
	var halves sync.WaitGroup
	for half := range p.gates {
		halves.Go(func() { p.carry(half) })
	}
	halves.Wait()
}

// dial connects the pair to the upstream. It reports false when the pair is to
// end; behind a cut a failed dial is kept from the client until the heal.
func (p *pair) dial() bool {
	d := net.Dialer{Timeout: DialTimeout, KeepAlive: -1}
	conn, err := d.DialContext(p.link.ctx, "tcp", p.link.upstream)
	if err != nil {
		shortage.Note("the link to "+p.link.upstream, err)
		p.link.stats.refused.Add(1)
		if p.shut() {
			<-p.dead
		}
		return false
	}
	tcp := conn.(*net.TCPConn)
	p.mu.Lock()
	if p.killed {
		p.mu.Unlock()
		reset(tcp)
		return false
	}
	p.ends[down] = tcp
	p.mu.Unlock()
	return true
}

// close shuts the gates of d and returns when no write of theirs is under way.
func (p *pair) close(d Direction) {
	for half := range p.gates {
		if !d.has(half) {
			continue
		}
		if dst := p.end(1 - half); dst != nil {
			_ = dst.SetWriteDeadline(longAgo) // wakes a write that waits for its peer
		}
		g := &p.gates[half]
		g.mu.Lock()
		g.shut = true
		g.mu.Unlock()
	}
}

func (p *pair) shut() bool { return p.gates[up].isShut() || p.gates[down].isShut() }

func (g *gate) isShut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

func (p *pair) end(i int) *net.TCPConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ends[i]
}

// kill resets both ends. The goroutines of the pair end by themselves.
func (p *pair) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed {
		return
	}
	p.killed = true
	close(p.dead)
	reset(p.ends[up])
	reset(p.ends[down])
}

// An endError is an error of one end of the pair.
type endError struct {
	error
	end int // index in ends
}

func (e *endError) Unwrap() error { return e.error }

// carry moves one half's bytes until the half ends: by FIN, which is passed on;
// by an error, which resets the pair; or behind a shut gate, which passes
// nothing on and waits for the heal.
func (p *pair) carry(half int) {
	dst := p.end(1 - half)
	err := p.pump(half, p.end(half), dst)
	g := &p.gates[half]
	g.mu.Lock()
	shut := g.shut
	if err == nil && !shut {
		if e := dst.CloseWrite(); e != nil {
			err = &endError{e, 1 - half}
		}
	}
	g.mu.Unlock()
	if shut || (err != nil && p.gates[err.end].isShut()) {
		// The news of a dead end would travel the way that is cut.
		<-p.dead
	} else if err != nil {
		p.kill()
	}
}

// pump copies src to dst through the half's shape and gate. It returns nil at
// the end of src.
func (p *pair) pump(half int, src io.Reader, dst io.Writer) *endError {
	if !p.shape[half].isZero() {
		return p.pumpShaped(half, src, dst)
	}
	buf := buffers.Get().(*[chunkSize]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			if err := p.pass(half, dst, buf[:n]); err != nil {
				return &endError{err, 1 - half}
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &endError{err, half}
		}
	}
}

// pass hands b to dst, or drops it when the gate is shut.
func (p *pair) pass(half int, dst io.Writer, b []byte) error {
	g := &p.gates[half]
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		p.link.stats.dropped.Add(int64(len(b)))
		return nil
	}
	n, err := dst.Write(b)
	shortage.Note("the link to "+p.link.upstream, err) // it will reset the pair, which is not the target's doing
	p.link.stats.bytes[half].Add(int64(n))
	return err
}

var buffers = sync.Pool{New: func() any { return new([chunkSize]byte) }}
