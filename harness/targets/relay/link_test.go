package relay_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/targets/relay"
)

// silence is how long a test listens for what must not come.
const silence = 150 * time.Millisecond

// host is an address of the tests' own: on 127.0.0.1 the ports of outgoing
// connections are in the way.
const host = "127.78.1.2"

// patience bounds everything that must come.
const patience = 10 * time.Second

// echo is an upstream whose connections a test can hold in its hand.
type echo struct {
	net.Listener
	conns chan net.Conn
}

func newPeer(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{l, make(chan net.Conn, 16)}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.conns <- c
		}
	}()
	return e
}

func newLink(t *testing.T, upstream string) *relay.Link {
	t.Helper()
	l, err := relay.New(host+":0", upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// open returns the two ends of a connection through the link.
func open(t *testing.T, l *relay.Link, e *echo) (client, server net.Conn) {
	t.Helper()
	client, err := net.DialTimeout("tcp", l.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	select {
	case server = <-e.conns:
	case <-time.After(patience):
		t.Fatal("the upstream saw no connection")
	}
	t.Cleanup(func() { server.Close() })
	say(t, client, server, "hello")
	say(t, server, client, "welcome")
	return client, server
}

func say(t *testing.T, from, to net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(text))
	to.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(to, buf); err != nil || string(buf) != text {
		t.Fatalf("read %q, %v; want %q", buf, err, text)
	}
}

// hush fails unless c yields neither bytes nor FIN nor RST.
func hush(t *testing.T, c net.Conn, who string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(silence))
	n, err := c.Read(make([]byte, 64))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%s read %d bytes, %v; want silence", who, n, err)
	}
}

func unanswered(t *testing.T, addr string) {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, silence)
	if err == nil {
		c.Close()
		t.Fatal("a connection was made through a link that is cut")
	}
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("dial: %v; want a timeout", err)
	}
}

func TestCutAndHeal(t *testing.T) {
	for _, tt := range []struct {
		direction          relay.Direction
		toServer, toClient bool // what still passes
	}{
		{relay.Both, false, false},
		{relay.ToUpstream, false, true},
		{relay.ToClient, true, false},
	} {
		t.Run(tt.direction.String(), func(t *testing.T) {
			t.Parallel()
			e := newPeer(t)
			l := newLink(t, e.Addr().String())
			client, server := open(t, l, e)
			if err := l.Cut(tt.direction); err != nil {
				t.Fatal(err)
			}
			for range 3 { // no place in a queue that a second dial might find
				unanswered(t, l.Addr())
			}
			check := func(from, to net.Conn, passes bool, who string) {
				if passes {
					say(t, from, to, "through")
					return
				}
				io.WriteString(from, "lost")
				hush(t, to, who)
			}
			check(client, server, tt.toServer, "server")
			check(server, client, tt.toClient, "client")
			if !tt.toServer { // FIN is a packet too
				client.(*net.TCPConn).CloseWrite()
				hush(t, server, "server after FIN")
			}
			if !tt.toClient {
				server.(*net.TCPConn).CloseWrite()
				hush(t, client, "client after FIN")
			}
			if err := l.Heal(); err != nil {
				t.Fatal(err)
			}
			gone(t, client, "client")
			gone(t, server, "server")
			open(t, l, e)
			s := l.Stats()
			if s.Accepted != 2 || s.Open != 1 || s.Discarded != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// gone fails unless the connection was reset, not closed in good order.
func gone(t *testing.T, c net.Conn, who string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	n, err := c.Read(make([]byte, 64))
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%s read %d bytes, %v; want a reset", who, n, err)
	}
}

// A peer that does not read leaves a write under way; the cut must neither wait
// for it nor let its rest through.
func TestCutStopsAWriteUnderWay(t *testing.T) {
	t.Parallel()
	e := newPeer(t)
	l := newLink(t, e.Addr().String())
	client, server := open(t, l, e)
	client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	_, err := io.Copy(client, zeros{})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("fill the link: %v", err)
	}
	if err := l.Cut(relay.Both); err != nil {
		t.Fatal(err)
	}
	handed := l.Stats().ToUpstream
	server.SetReadDeadline(time.Now().Add(silence))
	got, _ := io.Copy(io.Discard, server)
	if after := l.Stats().ToUpstream; after != handed {
		t.Errorf("%d bytes were handed on after the cut", after-handed)
	}
	if got > handed {
		t.Errorf("server read %d bytes of %d handed on", got, handed)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestFINAndResetPass(t *testing.T) {
	t.Parallel()
	e := newPeer(t)
	l := newLink(t, e.Addr().String())
	client, server := open(t, l, e)
	client.(*net.TCPConn).CloseWrite()
	server.SetReadDeadline(time.Now().Add(patience))
	if n, err := server.Read(make([]byte, 8)); err != io.EOF {
		t.Errorf("server read %d, %v; want the client's FIN", n, err)
	}
	say(t, server, client, "the other half is open still")
	server.(*net.TCPConn).SetLinger(0)
	server.Close()
	gone(t, client, "client")
}

// A client that dies behind a cut is not heard of: its RST would travel the way
// that is cut, whichever half notices.
func TestResetDoesNotPassACut(t *testing.T) {
	t.Parallel()
	for _, d := range []relay.Direction{relay.Both, relay.ToUpstream} {
		e := newPeer(t)
		l := newLink(t, e.Addr().String())
		client, server := open(t, l, e)
		if err := l.Cut(d); err != nil {
			t.Fatal(err)
		}
		client.(*net.TCPConn).SetLinger(0)
		client.Close()
		for range 3 { // the second write to a dead client fails
			io.WriteString(server, "anybody there?")
			hush(t, server, "server")
		}
		if err := l.Heal(); err != nil {
			t.Fatal(err)
		}
		gone(t, server, "server")
	}
}

func TestUpstreamGoneIsAReset(t *testing.T) {
	t.Parallel()
	e := newPeer(t)
	addr := e.Addr().String()
	e.Close()
	l := newLink(t, addr)
	c, err := net.DialTimeout("tcp", l.Addr(), patience)
	switch {
	case err == nil:
		defer c.Close()
		gone(t, c, "client")
	case !errors.Is(err, syscall.ECONNRESET): // the reset may come before dial returns
		t.Fatal(err)
	}
	if l.Stats().Refused != 1 {
		t.Errorf("stats %+v", l.Stats())
	}
}
