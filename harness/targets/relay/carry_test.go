package relay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"blackstart/harness/targets/relay"
)

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
	held(t, l, e)
	for _, bad := range []relay.Shape{{Latency: time.Microsecond}, {Latency: -time.Second}, {Bandwidth: 1}} {
		if err := l.SetShape(bad, relay.Shape{}); err == nil {
			t.Errorf("shape %+v was accepted", bad)
		}
	}
}

// held shows that what the delay holds when the cut comes is lost as well. The delay is longer than any pause of this machine.
func held(t *testing.T, l *relay.Link, e *echo) {
	t.Helper()
	if err := l.SetShape(relay.Shape{}, relay.Shape{Latency: time.Second}); err != nil {
		t.Fatal(err)
	}
	client, server := open(t, l, e)
	io.WriteString(server, "in flight")
	time.Sleep(5 * time.Millisecond) // if that is too short to reach the delay, it is read behind the cut
	if err := l.Cut(relay.Both); err != nil {
		t.Fatal(err)
	}
	hush(t, client, "client")
	for end := time.Now().Add(patience); l.Stats().Dropped == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was dropped")
		}
	}
	hush(t, client, "client")
}
