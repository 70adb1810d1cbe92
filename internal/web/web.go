// Package web asks one HTTP question over a connection of its own. It follows no redirect, takes no proxy, keeps no connection,
// reads a bounded answer, and tells whether the question had left when something went wrong.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// MaxAnswer bounds the body that is kept, in bytes.
const MaxAnswer = 1 << 20

// A Question is what is asked, and of whom.
type Question struct {
	Method, URL string
	Header      http.Header
	Body        string
	TLS         *tls.Config // nil for http
	Address     string      // "host:port" that is connected to; "": that of the URL
}

// An Answer is what came back.
type Answer struct {
	Status     int // 0: none
	Header     http.Header
	Body       []byte            // at most MaxAnswer
	Over       bool              // there was more
	Peer       *x509.Certificate // of the server, nil without TLS
	Sent       bool              // the question, or a part of it, had left: without an answer nobody knows what it did
	Conn       net.Conn          // that the question left by, to ask for its addresses: it is closed; nil if it did not
	Asked, Got time.Time         // just before the question was written; just after the head of the answer was read
}

// Ask asks within ctx.
func Ask(ctx context.Context, q Question) (Answer, error) {
	var a Answer
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if q.Address != "" {
			address = q.Address
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	client := &http.Client{
		Transport:     &http.Transport{DialContext: dial, TLSClientConfig: q.TLS, DisableKeepAlives: true, DisableCompression: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	trace := &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { a.Sent, a.Conn, a.Asked = true, i.Conn, time.Now() }} // by the goroutine that asks
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), q.Method, q.URL, strings.NewReader(q.Body))
	if err != nil {
		return a, fmt.Errorf("ask %s: %w", q.Method, err)
	}
	for name, values := range q.Header {
		req.Header[name] = values
	}
	if host := q.Header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := client.Do(req)
	a.Got = time.Now()
	if err != nil {
		return a, short(err)
	}
	defer resp.Body.Close()
	a.Status, a.Header = resp.StatusCode, resp.Header
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		a.Peer = resp.TLS.PeerCertificates[0]
	}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	if len(a.Body) > MaxAnswer {
		a.Body, a.Over = a.Body[:MaxAnswer], true
	}
	if err != nil {
		return a, fmt.Errorf("read the answer: %w", short(err))
	}
	return a, nil
}

// short takes the URL off an error: the row beside it says what was asked.
func short(err error) error {
	type wrapper interface{ Unwrap() error }
	if u, ok := err.(wrapper); ok && !errors.Is(err, context.DeadlineExceeded) { //nolint:errorlint // the outermost is net/url's
		return u.Unwrap()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	return err
}
