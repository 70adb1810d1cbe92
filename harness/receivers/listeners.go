package receivers

import (
	"context"
	"crypto/tls"
	"net"
	"sync"

	"golang.org/x/net/netutil"

	"blackstart/internal/shortage"
)

// runningServer is one server at work on its listener.
type runningServer struct {
	server Server
	conns  *trackingListener
}

// listen lets a server work on an address, and gives it with its port. Where outer is given, connections go through it before the
// server sees them.
func (r *Receivers) listen(ctx context.Context, address string, s Server, outer *tls.Config) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	conns := &trackingListener{Listener: &shortageListener{l}}
	r.servers = append(r.servers, &runningServer{s, conns})
	limited := netutil.LimitListener(conns, MaxConnections)
	if outer != nil {
		limited = tls.NewListener(limited, outer)
	}
	r.serving.Go(func() { _ = s.Serve(limited) }) // ends with Close
	return l.Addr().String(), nil
}

// close lets what is being received go on until ctx ends, then breaks it, and waits for all: what is half received then is
// lost, and was never an arrival.
func (s *runningServer) close(ctx context.Context) {
	_ = s.conns.Listener.Close() // the library does not know it yet if its loop has only just been started
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.server.Shutdown(context.Background()) // it can only tell that the listener was closed before
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		s.conns.breakAll()
		<-ended
	}
}

// shortageListener is a listener that notes when an alert could not be accepted for want of something on this machine.
type shortageListener struct{ net.Listener }

// Accept waits for the next connection.
func (n *shortageListener) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	shortage.Note("a receiver of alerts", err)
	return c, err
}

// trackingListener is a listener that remembers its open connections, so that they can be broken when patience ends.
type trackingListener struct {
	net.Listener
	mu     sync.Mutex
	open   map[net.Conn]struct{}
	broken bool
}

// trackedConn forgets itself when it is closed.
type trackedConn struct {
	net.Conn
	of *trackingListener
}

// Accept waits for the next connection and remembers it.
func (o *trackingListener) Accept() (net.Conn, error) {
	c, err := o.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &trackedConn{Conn: c, of: o}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.broken {
		_ = c.Close() // its reader finds out at once
		return conn, nil
	}
	if o.open == nil {
		o.open = make(map[net.Conn]struct{})
	}
	o.open[conn] = struct{}{}
	return conn, nil
}

// breakAll closes every open connection, and every one still to come.
func (o *trackingListener) breakAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = true
	for c := range o.open {
		_ = c.(*trackedConn).Conn.Close() // breaking it is the point
	}
}

// Close closes the connection.
func (c *trackedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
