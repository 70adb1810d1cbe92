package receivers

import (
	"net"
	"sync"

	"blackstart/internal/shortage"
)

// noted is a listener that notes when an alert could not be accepted for want of something on this machine.
type noted struct{ net.Listener }

// Accept waits for the next connection.
func (n *noted) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	shortage.Note("a receiver of alerts", err)
	return c, err
}

// openConns is a listener that remembers its open connections, so that they can be broken when patience ends.
type openConns struct {
	net.Listener
	mu     sync.Mutex
	open   map[net.Conn]struct{}
	broken bool
}

// rememberedConn forgets itself when it is closed.
type rememberedConn struct {
	net.Conn
	of *openConns
}

// Accept waits for the next connection and remembers it.
func (o *openConns) Accept() (net.Conn, error) {
	c, err := o.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &rememberedConn{Conn: c, of: o}
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
func (o *openConns) breakAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.broken = true
	for c := range o.open {
		_ = c.(*rememberedConn).Conn.Close() // breaking it is the point
	}
}

// Close closes the connection.
func (c *rememberedConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
