package component

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/target"
	"blackstart/internal/distrust"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
	"blackstart/internal/web"
)

var _ = Kinds.Add(registry.Kind[Kind]{
	Name: "http",
	Doc: "A service that answers GET on a path: status, version by a JSON pointer, clock by its Date header, and, with https, the end of its " +
		"certificate. Its identity is the SHA-256 of its TLS key.",
	Example: "{name: east.api, kind: http, region: east, address: 10.1.0.6, port: 8443, with: {scheme: https, path: /health, version: /version}}",
	New:     func() Kind { return &httpKind{} },
})

type httpKind struct{ with httpWith }

type httpWith struct {
	Scheme  string          `yaml:"scheme" need:"yes" one:"http|https" doc:"whether it speaks TLS"`
	Path    string          `yaml:"path" need:"yes" doc:"what is asked for, with the first slash"`
	Status  int             `yaml:"status" min:"100" max:"599" doc:"status of its answer; 200 if not written"`
	Version string          `yaml:"version" doc:"JSON pointer to the version in its answer"`
	TLS     target.TLS      `yaml:"tls" doc:"what is trusted and shown"`
	Headers []target.Header `yaml:"headers" doc:"headers of the request"`
}

// Wrong implements target.Judge.
func (w httpWith) Wrong(*target.Target, bool) (key, wrong, hint string) {
	if !strings.HasPrefix(w.Path, "/") {
		return "path", "does not begin with a slash", "write one such as /health"
	}
	if w.Version != "" && !strings.HasPrefix(w.Version, "/") {
		return "version", "is no JSON pointer", "write one such as /version"
	}
	return target.WrongWeb(w.TLS, w.Scheme == "https", w.Headers)
}

// With implements registry.Parametrised.
func (h *httpKind) With() any { return &h.with }

// keyHash is the form of the identity of a TLS key.
var keyHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (h *httpKind) Traits() target.Traits {
	return target.Traits{Identity: keyHash, Clock: true, Speaks: "api"}
}

// Anonymous tells that a service without TLS has no identity.
func (h *httpKind) Anonymous() bool { return h.with.Scheme != "https" }

// HasKey tells whether the components of a kind have a TLS key for an identity.
func HasKey(k Kind) bool {
	h, ok := k.(*httpKind)
	return ok && !h.Anonymous()
}

func (h *httpKind) Identity(ctx context.Context, at At) (string, error) {
	if h.with.Scheme != "https" {
		return "", Refuse("it has no TLS key: it speaks http")
	}
	config, err := at.Secrets.TLS(ctx, h.with.TLS, Host(at.Address))
	if err != nil {
		return "", err
	}
	return KeyOf(ctx, at.Address, config)
}

func (h *httpKind) Look(ctx context.Context, at At) (Seen, error) {
	q := web.Question{Method: http.MethodGet, URL: h.with.Scheme + "://" + at.Address + h.with.Path}
	a, err := at.Secrets.Ask(ctx, q, h.with.TLS, h.with.Headers, at.Pins()...)
	if err != nil {
		return Seen{}, err
	}
	if want := cmp.Or(h.with.Status, http.StatusOK); a.Status != want {
		return Seen{}, Refuse("it answers with status %d, not %d", a.Status, want)
	}
	s := Seen{Clock: dated(a), Also: Until(a), Ends: EndsOf(a.Conn)}
	if a.Peer != nil {
		s.Expires = a.Peer.NotAfter
	}
	if h.with.Version != "" {
		v, err := Pointer(a.Body, h.with.Version)
		if err != nil {
			return s, Refuse("its answer has no version: %w", err)
		}
		s.Version = v
	}
	return s, nil
}

// Access implements Accessed.
func (h *httpKind) Access(ctx context.Context, at At) (harness.Access, error) {
	a, err := at.Secrets.Web(ctx, h.with.Scheme+"://"+at.Address+h.with.Path, h.with.TLS, h.with.Headers, at.Pins()...)
	a.Status = h.with.Status
	return a, err
}

// Web gives the way to a URL: what is trusted and shown there, and the headers of a request, secret ones among them.
func (s Secrets) Web(ctx context.Context, address string, t target.TLS, headers []target.Header, pins ...string) (a harness.Access, err error) {
	u, wrong := target.WebAddress(address)
	if wrong != "" {
		return a, fmt.Errorf("the URL %s", wrong)
	}
	a.URL, a.Address = address, net.JoinHostPort(u.Hostname(), target.PortOf(u))
	if a.Headers, err = s.header(ctx, headers); err != nil {
		return harness.Access{}, err
	}
	if u.Scheme == "https" {
		a.TLS, err = s.TLS(ctx, t, u.Hostname(), pins...)
	}
	return a, err
}

// dated reads the clock of a server off its Date header, which has whole seconds.
func dated(a web.Answer) *Offset {
	read, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return nil
	}
	o := between(a.Asked, a.Got, read)
	o.Hi += time.Second
	return o
}

// Until says until when the certificate of an answer is valid.
func Until(a web.Answer) string {
	if a.Peer == nil {
		return ""
	}
	return "certificate until " + a.Peer.NotAfter.UTC().Format("2006-01-02")
}

// Host is the host of "host:port".
func Host(address string) string {
	i := strings.LastIndexByte(address, ':')
	return strings.Trim(address[:max(i, 0)], "[]")
}

// TLS makes the configuration of a client, with its key. Where there are pins it speaks to none but a server whose TLS key is one of
// them: any other is a Refusal, before it has seen a byte of a request.
func (s Secrets) TLS(ctx context.Context, t target.TLS, host string, pins ...string) (*tls.Config, error) {
	key, err := s.Key(ctx, t)
	if err != nil {
		return nil, errors.New("the key of its client certificate cannot be resolved: see the row of the secret")
	}
	c, err := t.Config(host, key)
	if err == nil && len(pins) > 0 {
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if who := target.KeyHash(s.PeerCertificates[0]); !slices.Contains(pins, who) {
				return Another(who, pins...)
			}
			return nil
		}
	}
	return c, err
}

// Another is the Refusal of a server that is not the one that is pinned.
func Another(who string, pins ...string) error {
	return Refuse("it is %s, and the file has %s", who, strings.Join(pins, ", "))
}

// Ask asks an HTTP question with headers, and with TLS and pins where the URL says so. An answer that cannot be trusted is a Refusal.
func (s Secrets) Ask(ctx context.Context, q web.Question, t target.TLS, headers []target.Header, pins ...string) (web.Answer, error) {
	var err error
	if q.Header, err = s.header(ctx, headers); err != nil {
		return web.Answer{}, err
	}
	u, wrong := target.WebAddress(q.URL)
	if wrong != "" {
		return web.Answer{}, fmt.Errorf("the URL %s", wrong)
	}
	if u.Scheme == "https" {
		if q.TLS, err = s.TLS(ctx, t, u.Hostname(), pins...); err != nil {
			return web.Answer{}, err
		}
	}
	a, err := web.Ask(ctx, q)
	return a, Trusted(err)
}

// header resolves the headers of a request, beside our own name.
func (s Secrets) header(ctx context.Context, headers []target.Header) (http.Header, error) {
	all := http.Header{"User-Agent": {"blackstart"}}
	for _, h := range headers {
		value := h.Value
		if h.Secret != nil {
			v, err := s(ctx, *h.Secret)
			if err != nil {
				return nil, fmt.Errorf("header %s cannot be resolved: see the row of the secret", h.Name)
			}
			value = v.Reveal()
		}
		all.Add(h.Name, value)
	}
	return all, nil
}

// Trusted makes an answer of a handshake that one of the ends refused.
func Trusted(err error) error {
	if err == nil {
		return nil
	}
	if what := distrust.Of(err); what != "" {
		return Refuse("its certificate is refused, %s: %w", what, err)
	}
	if text := err.Error(); strings.Contains(text, "remote error: tls: ") {
		return Refuse("it refuses the handshake: %w", err)
	}
	return err
}

// KeyOf shakes hands with a TLS server, asks nothing, and gives the identity of its key. Whether its certificate can be trusted is
// not judged here: the identity is, against the one that is written.
func KeyOf(ctx context.Context, address string, c *tls.Config) (string, error) {
	c = c.Clone()
	c.InsecureSkipVerify = true
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", Trusted(err)
	}
	defer conn.Close()                                                                 //nolint:errcheck // nothing was said
	return target.KeyHash(conn.(*tls.Conn).ConnectionState().PeerCertificates[0]), nil //nolint:forcetypeassert // a tls.Dialer's
}

// Pointer finds one value in a JSON text by a JSON pointer (RFC 6901): a text, number or truth as it is written.
func Pointer(data []byte, pointer string) (string, error) {
	v, err := jsonpointer.Decode(data)
	if err != nil {
		return "", err
	}
	return jsonpointer.Pointer(pointer).Text(v)
}
