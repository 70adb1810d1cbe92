package workloads

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

const (
	maxBody    = 1 << 20         // bytes of an answer
	maxIdle    = 4 * time.Second // a kept connection idle for longer is not used again: servers close theirs after 5 s and more
	httpBuffer = 8 << 10         // bytes; bounds the head of an answer
	firstRead  = 256             // bytes; a short answer whole
)

// connection is one HTTP/1.1 connection. We own it and write to it ourselves:
// no client library can re-send a request on it. While it waits for an answer it
// holds next to no memory: thousands of them wait in an outage.
type connection struct {
	nc   net.Conn
	used time.Time // when it was last put back

	first   [firstRead]byte
	pending []byte // part of first that is not yet read
}

// Read reads what the first read brought, then the connection.
func (conn *connection) Read(b []byte) (int, error) {
	if len(conn.pending) > 0 {
		n := copy(b, conn.pending)
		conn.pending = conn.pending[n:]
		return n, nil
	}
	return conn.nc.Read(b)
}

// answer is what it takes to parse one answer.
type answer struct {
	in   *bufio.Reader
	resp fasthttp.Response
}

var answers = sync.Pool{New: func() any { return &answer{in: bufio.NewReaderSize(nil, httpBuffer)} }}

// httpClient sends requests to one entry point.
type httpClient struct {
	port     uint16
	tls      *tls.Config // nil: plain HTTP
	resolver *resolver
	dialer   net.Dialer
	keep     bool // keep connections alive

	mu   sync.Mutex
	idle []*connection // stack: the one used last is on top
}

func newHTTPClient(e Entry, r *resolver, keep bool) (*httpClient, error) {
	if e.Port <= 0 || e.Port > 65535 {
		return nil, fmt.Errorf("open workload: port %d of the entry point", e.Port)
	}
	c := &httpClient{port: uint16(e.Port), resolver: r, keep: keep, dialer: net.Dialer{KeepAlive: -1}}
	switch e.Scheme {
	case "", "https":
		// No session cache: each handshake verifies the whole chain.
		// The hybrid key exchange costs as much as the rest of a handshake; hundreds of clients on one machine leave it out.
		c.tls = &tls.Config{ServerName: e.Name, RootCAs: e.RootCAs, MinVersion: tls.VersionTLS12,
			CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384}}
		if e.TLS != nil {
			c.tls = e.TLS.Clone()
			c.tls.ServerName = cmp.Or(c.tls.ServerName, e.Name)
		}
	case "http":
	default:
		return nil, fmt.Errorf("open workload: scheme %q of the entry point: want https or http", e.Scheme)
	}
	return c, nil
}

// roundTrip sends request, which must be a whole HTTP/1.1 request, exactly once
// and hands the body of an answer with the status that is wanted to check while it is valid.
func (c *httpClient) roundTrip(request []byte, deadline time.Time, want int, check func([]byte) error) (int, error) {
	conn, err := c.open(deadline)
	if err != nil {
		return 0, err
	}
	if check == nil {
		return c.exchange(conn, request, want, nil)
	}
	return c.exchange(conn, request, want, func(r *fasthttp.Response) error { return check(r.Body()) })
}

// open gives a connection that nothing of a request has left on yet.
func (c *httpClient) open(deadline time.Time) (*connection, error) {
	conn := c.acquire()
	if conn == nil {
		nc, err := c.dial(deadline)
		if err != nil {
			return nil, err
		}
		return &connection{nc: nc}, nil
	}
	if err := conn.nc.SetDeadline(deadline); err != nil {
		conn.close()
		return nil, err
	}
	return conn, nil
}

// exchange sends request on conn and reads its answer; check sees one with the status that is wanted, while it is valid.
func (c *httpClient) exchange(conn *connection, request []byte, want int, check func(*fasthttp.Response) error) (int, error) {
	if err := conn.send(request); err != nil {
		conn.close()
		return 0, err
	}
	status, whole, err := conn.receive(want, check)
	if whole && c.keep {
		c.release(conn)
	} else {
		conn.close()
	}
	return status, err
}

// send writes the request and waits for the first bytes of the answer.
func (conn *connection) send(request []byte) error {
	if _, err := conn.nc.Write(request); err != nil {
		return err
	}
	n, err := conn.nc.Read(conn.first[:])
	conn.pending = conn.first[:n]
	if n > 0 {
		return nil // an error behind them comes again
	}
	return err
}

// receive parses the answer and says whether the connection can be used again.
func (conn *connection) receive(want int, check func(*fasthttp.Response) error) (status int, whole bool, err error) {
	a := answers.Get().(*answer)
	a.in.Reset(conn)
	defer func() {
		a.in.Reset(nil) // the pool must not hold on to the connection
		answers.Put(a)
	}()
	if err := a.resp.ReadLimitBody(a.in, maxBody); err != nil {
		return 0, false, readError(err)
	}
	status = a.resp.StatusCode()
	if status == want && check != nil {
		err = check(&a.resp)
	}
	return status, !a.resp.ConnectionClose() && a.in.Buffered() == 0 && len(conn.pending) == 0, err
}

func (conn *connection) close() {
	_ = conn.nc.Close() // nothing was promised on it
}

// readError tells a broken connection from an answer that is no HTTP.
func readError(err error) error {
	var ne net.Error
	switch {
	case errors.Is(err, fasthttp.ErrTimeout):
		return fmt.Errorf("read answer: %w", os.ErrDeadlineExceeded)
	case errors.As(err, &ne), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return fmt.Errorf("%w: %w", errWrongAnswer, err)
}

func (c *httpClient) dial(deadline time.Time) (net.Conn, error) {
	addr, err := c.resolver.lookup(deadline)
	if err != nil {
		return nil, err
	}
	d := c.dialer
	d.Deadline = deadline
	nc, err := d.DialTCP(context.Background(), "tcp", netip.AddrPort{}, netip.AddrPortFrom(addr, c.port))
	if err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, nc.Close())
	}
	if c.tls == nil {
		return nc, nil
	}
	tc := tls.Client(nc, c.tls)
	if err := tc.Handshake(); err != nil {
		_ = nc.Close() // the handshake's error is the one that tells
		return nil, err
	}
	return tc, nil
}

// acquire returns the idle connection that was used last, or nil.
func (c *httpClient) acquire() *connection {
	if !c.keep {
		return nil
	}
	for {
		c.mu.Lock()
		last := len(c.idle) - 1
		if last < 0 {
			c.mu.Unlock()
			return nil
		}
		conn := c.idle[last]
		c.idle[last] = nil
		c.idle = c.idle[:last]
		c.mu.Unlock()
		if time.Since(conn.used) < maxIdle {
			return conn
		}
		conn.close()
	}
}

// release keeps the connection, and lets go of two from the bottom of the stack
// that have been idle for too long, so that a burst's connections do not stay.
func (c *httpClient) release(conn *connection) {
	now := time.Now()
	conn.used = now
	var old [2]*connection
	c.mu.Lock()
	c.idle = append(c.idle, conn)
	for i := range old {
		if now.Sub(c.idle[0].used) < maxIdle {
			break
		}
		old[i], c.idle[0] = c.idle[0], nil
		c.idle = c.idle[1:]
	}
	c.mu.Unlock()
	for _, conn := range old {
		if conn != nil {
			conn.close()
		}
	}
}

// close drops all idle connections.
func (c *httpClient) close() {
	c.mu.Lock()
	idle := c.idle
	c.idle = nil
	c.mu.Unlock()
	for _, conn := range idle {
		conn.close()
	}
}
