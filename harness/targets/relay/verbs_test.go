package relay_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/targets/relay"
)

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
	l, err := relay.New(host+":0", e.Addr().String())
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
