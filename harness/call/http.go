package call

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/registry"
	"blackstart/internal/web"
)

var _ = Calls.Add(registry.Kind[Kind]{
	Name: "http",
	Doc: "Sends one HTTP request. A status from 200 to 299 is done, from 300 to 499 refused; any other, and a request that left and got no answer, " +
		"unknown. No redirect is followed. One that reads is GET or HEAD.",
	Example: "{name: backlog, call: http, reads: true, timeout: 5s, fields: {open: /open}, with: {method: GET, url: https://10.1.0.6:8443/backlog}}",
	New:     func() Kind { return &httpCall{} },
})

type httpCall struct{ with httpWith }

type httpWith struct {
	Method  string          `yaml:"method" need:"yes" one:"GET|HEAD|POST|PUT|PATCH|DELETE" doc:"method of the request"`
	URL     string          `yaml:"url" need:"yes" doc:"where it goes"`
	Headers []target.Header `yaml:"headers" doc:"headers of the request"`
	Body    string          `yaml:"body" doc:"body of the request"`
	TLS     target.TLS      `yaml:"tls" doc:"what is trusted and shown"`
}

// Wrong implements target.Judge.
func (w httpWith) Wrong(t *target.Target, reads bool) (key, wrong, hint string) {
	u, bad := target.WebAddress(w.URL)
	switch {
	case bad != "":
		return "url", bad, "write one such as https://10.1.0.6:8443/backlog"
	case t.Foreign(u.Hostname()):
		return "url", "is not shown to be on this machine, and this is a rehearsal", "write an address of this machine, or environment: staging"
	case reads && !slices.Contains([]string{http.MethodGet, http.MethodHead}, w.Method):
		return "method", "is " + w.Method + ", which does not only read", "write method: GET, or leave reads out"
	}
	return target.WrongWeb(w.TLS, u.Scheme == "https", w.Headers)
}

// With implements registry.Parametrised.
func (h *httpCall) With() any { return &h.with }

func (h *httpCall) Call(ctx context.Context, around Around, _ bool) Said {
	u, wrong := target.WebAddress(h.with.URL)
	if wrong != "" {
		return unsent(fmt.Errorf("its URL %s", wrong))
	}
	pins, err := around.pins(target.ListenerOf(u))
	if err != nil {
		return unsent(err)
	}
	a, err := around.Secrets.Ask(ctx, web.Question{Method: h.with.Method, URL: h.with.URL, Body: h.with.Body}, h.with.TLS, h.with.Headers, pins...)
	said := Said{Output: a.Body, Over: a.Over, Outcome: Done}
	switch {
	case err != nil && !a.Sent:
		return unsent(err)
	case errors.Is(err, context.DeadlineExceeded):
		said.Outcome, said.Why = Unknown, "no answer in time"
	case err != nil:
		said.Outcome, said.Why, said.Answered = Unknown, err.Error(), component.Refused(err)
	case a.Status >= 300 && a.Status < 500:
		said.Outcome, said.Why, said.Answered = Refused, fmt.Sprintf("status %d", a.Status), true
	case a.Status < 200 || a.Status >= 500:
		said.Outcome, said.Why = Unknown, fmt.Sprintf("status %d does not tell what it has done", a.Status)
	}
	return said
}

// Reach connects and, with TLS, shakes hands. It sends no request.
func (h *httpCall) Reach(ctx context.Context, around Around) (string, error) {
	u, wrong := target.WebAddress(h.with.URL)
	if wrong != "" {
		return "", fmt.Errorf("its URL %s", wrong)
	}
	for i, header := range h.with.Headers {
		if header.Secret == nil {
			continue
		}
		if _, err := around.Secrets(ctx, *header.Secret); err != nil {
			return "", fmt.Errorf("resolve header %d: %w", i+1, err)
		}
	}
	return ReachURL(ctx, around, u, h.with.TLS)
}

// ReachURL connects to where a URL leads and, with TLS, shakes hands. It sends no request, and says in words what it found.
func ReachURL(ctx context.Context, around Around, u *url.URL, t target.TLS) (string, error) {
	address := target.ListenerOf(u)
	if u.Scheme == "http" {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return "", err
		}
		return address + " takes connections", c.Close()
	}
	pins, err := around.pins(address)
	if err != nil {
		return "", err
	}
	config, err := around.Secrets.TLS(ctx, t, u.Hostname(), pins...)
	if err != nil {
		return "", err
	}
	if err := shake(ctx, address, config); err != nil {
		return "", component.Trusted(err)
	}
	return address + " shakes hands", nil
}

// settle is how long, at least, a server is given to refuse a handshake that is over for its client.
const settle = 300 * time.Millisecond

// shake shakes hands. With TLS 1.3 that is over for a client before the server has judged its certificate: what it sends then is
// waited for, and a server that sends nothing waits for a request.
func shake(ctx context.Context, address string, config *tls.Config) error {
	begun := time.Now()
	c, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing was said
	if err := c.SetReadDeadline(time.Now().Add(max(settle, 2*time.Since(begun)))); err != nil {
		return err
	}
	switch _, err = c.Read(make([]byte, 1)); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case errors.Is(err, io.EOF):
		return errors.New("it ended the connection after the handshake")
	}
	return err
}
