package relay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/targets/relay"
)

// silence is how long a test listens for what must not come.
const silence = 150 * time.Millisecond

// patience bounds everything that must come.
const patience = 10 * time.Second

// echo is an upstream whose connections a test can hold in its hand.
type echo struct {
	net.Listener
	conns chan net.Conn
}

func newPeer(t *testing.T) *echo {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
	l, err := relay.New("127.0.0.1:0", upstream)
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
			if got := l.State(); got != tt.direction {
				t.Errorf("state %v", got)
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

func TestHTTPThroughACut(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789abcdef", 1<<14)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }))
	defer srv.Close()
	l := newLink(t, srv.Listener.Addr().String())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	get := func(limit time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+l.Addr(), nil)
		res, err := transport.RoundTrip(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err == nil && string(b) != body {
			t.Errorf("%d bytes came through, want %d", len(b), len(body))
		}
		return err
	}
	if err := get(patience); err != nil {
		t.Fatal(err)
	}
	if err := l.Cut(relay.Both); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once on the pooled connection, once on a new one
		if err := get(silence); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("get through the cut: %v", err)
		}
	}
	if err := l.Heal(); err != nil {
		t.Fatal(err)
	}
	transport.CloseIdleConnections()
	if err := get(patience); err != nil {
		t.Errorf("get after the heal: %v", err)
	}
}

func TestLatencyAndBandwidth(t *testing.T) {
	t.Parallel()
	e := newPeer(t)
	l := newLink(t, e.Addr().String())
	old, _ := open(t, l, e)
	if err := l.SetShape(relay.Shape{}, relay.Shape{Latency: 60 * time.Millisecond, Bandwidth: 50_000_000}); err != nil {
		t.Fatal(err)
	}
	gone(t, old, "the connection with the old shape")
	client, server := open(t, l, e)
	start := time.Now()
	say(t, server, client, "slow")
	if d := time.Since(start); d < 60*time.Millisecond {
		t.Errorf("took %v to the client", d)
	}
	big := bytes.Repeat([]byte("x"), 1<<20)
	go server.Write(big)
	client.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadFull(client, make([]byte, len(big))); err != nil {
		t.Error(err)
	}
	// What the delay holds when the cut comes is lost as well.
	io.WriteString(server, "in flight")
	time.Sleep(5 * time.Millisecond)
	if err := l.Cut(relay.Both); err != nil {
		t.Fatal(err)
	}
	hush(t, client, "client")
	if l.Stats().Dropped == 0 {
		t.Error("nothing was dropped")
	}
	for _, bad := range []relay.Shape{{Latency: time.Microsecond}, {Latency: -time.Second}, {Bandwidth: 1}} {
		if err := l.SetShape(bad, relay.Shape{}); err == nil {
			t.Errorf("shape %+v was accepted", bad)
		}
	}
}

func TestVerbsFromManyGoroutines(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }))
	defer srv.Close()
	l := newLink(t, srv.Listener.Addr().String())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Millisecond}
			for range 20 {
				if res, err := c.Get("http://" + l.Addr()); err == nil {
					res.Body.Close()
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			if err := l.Cut([]relay.Direction{relay.Both, relay.ToClient, relay.ToUpstream}[i%3]); err != nil {
				t.Error(err)
			}
			if err := l.Heal(); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	res, err := (&http.Client{Timeout: patience}).Get("http://" + l.Addr())
	if err != nil {
		t.Fatalf("the link does not carry after the last heal: %v", err)
	}
	res.Body.Close()
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	e := newPeer(t)
	if _, err := relay.New(e.Addr().String(), "127.0.0.1:1"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listen on a taken port: %v", err)
	}
	l, err := relay.New("127.0.0.1:0", e.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []relay.Direction{0, 4, 7} {
		if err := l.Cut(d); err == nil {
			t.Errorf("cut %v was accepted", d)
		}
	}
	if err := l.Heal(); err != nil {
		t.Errorf("heal a whole link: %v", err)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if err := l.Cut(relay.Both); !errors.Is(err, net.ErrClosed) {
		t.Errorf("cut a closed link: %v", err)
	}
	if err := l.Heal(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("heal a closed link: %v", err)
	}
}

func TestDatagrams(t *testing.T) {
	t.Parallel()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	r, err := relay.NewDatagrams("127.0.0.1:0", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	client, err := net.Dial("udp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	buf := make([]byte, 64)
	ask := func(limit time.Duration) (net.Addr, bool) {
		io.WriteString(client, "ask")
		server.SetReadDeadline(time.Now().Add(limit))
		_, from, err := server.ReadFrom(buf)
		return from, err == nil
	}
	answer := func(to net.Addr, limit time.Duration) bool {
		server.WriteTo([]byte("answer"), to)
		client.SetReadDeadline(time.Now().Add(limit))
		_, err := client.Read(buf)
		return err == nil
	}
	from, ok := ask(patience)
	if !ok || !answer(from, patience) {
		t.Fatal("a whole relay does not carry")
	}
	for _, d := range []relay.Direction{relay.Both, relay.ToUpstream, relay.ToClient} {
		if err := r.Cut(d); err != nil {
			t.Fatal(err)
		}
		limit := func(cut bool) time.Duration {
			if cut {
				return silence
			}
			return patience
		}
		if _, ok := ask(limit(d&relay.ToUpstream != 0)); ok != (d&relay.ToUpstream == 0) {
			t.Errorf("%v: the question passed: %v", d, ok)
		}
		if ok := answer(from, limit(d&relay.ToClient != 0)); ok != (d&relay.ToClient == 0) {
			t.Errorf("%v: the answer passed: %v", d, ok)
		}
		if err := r.Heal(); err != nil {
			t.Fatal(err)
		}
		if from, ok := ask(patience); !ok || !answer(from, patience) {
			t.Fatalf("%v: healed and yet silent", d)
		}
	}
	if s := r.Stats(); s.Dropped == 0 || s.Accepted != 1 {
		t.Errorf("stats %+v", s)
	}
}
