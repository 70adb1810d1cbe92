package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAsk(t *testing.T) {
	hits := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		switch r.URL.Path {
		case "/far":
			http.Redirect(w, r, "/near", http.StatusFound)
		case "/long":
			_, _ = w.Write(bytes.Repeat([]byte("x"), MaxAnswer+10))
		case "/slow":
			<-r.Context().Done()
		default:
			_, _ = w.Write([]byte(r.Host + r.Header.Get("X-A")))
		}
	}))
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	ask := func(url string, address string, limit time.Duration) (Answer, error) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return Ask(ctx, Question{Method: "GET", URL: url, Header: http.Header{"X-A": {"b"}}, Address: address,
			TLS: &tls.Config{RootCAs: roots, ServerName: "example.com"}})
	}
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	at := s.Listener.Addr().String()
	a, err := ask("https://example.com/", at, time.Minute)
	if err != nil || a.Status != 200 || string(a.Body) != "example.comb" || a.Peer == nil || !a.Sent || a.Got.Before(a.Asked) {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err = ask("https://example.com/far", at, time.Minute); err != nil || a.Status != http.StatusFound || hits != 2 {
		t.Errorf("a redirect: %d, %v, %d requests", a.Status, err, hits)
	}
	if a, err = ask("https://example.com/long", at, time.Minute); err != nil || !a.Over || len(a.Body) != MaxAnswer {
		t.Errorf("a long answer: %d bytes, %v", len(a.Body), err)
	}
	if a, err = ask("https://example.com/slow", at, 200*time.Millisecond); err == nil || !a.Sent || a.Status != 0 || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("a slow answer: %+v, %v", a, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if a, err = ask("https://example.com/", l.Addr().String(), time.Minute); err == nil || a.Sent || strings.Contains(err.Error(), "example.com") {
		t.Errorf("a closed port: %+v, %v", a, err)
	}
}
