package probes

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// What a server says once somebody has gone is no answer, however close the two are.
func TestALateAnswerIsNone(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer s.Close()
	c := &client{url: s.URL, dial: func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	}}
	for range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		status, _, err := c.send(ctx, http.MethodGet, "/", nil, 100)
		cancel()
		if err == nil {
			t.Fatalf("status %d to somebody who has gone", status)
		}
	}
}
