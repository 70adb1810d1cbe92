package probes

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"blackstart/harness"
)

// reach is how a listed probe comes to whom it asks: as clients outside do.
type reach struct {
	on   string
	tls  *tls.Config // nil: no TLS
	dial func(ctx context.Context) (net.Conn, error)
	url  *url.URL // of what speaks HTTP, else nil
	head http.Header

	status int // of a good answer; 0: 200
}

// reachOf finds the way to the component that a probe is listed for, or to the public entry.
func reachOf(config harness.ProbeConfig) (reach, error) {
	if err := checked(config, true); err != nil {
		return reach{}, err
	}
	a, err := config.Access(harness.Outside, config.On)
	c, _ := config.Target.ComponentByName(config.On)
	entry := config.On == harness.EntryName
	if config.Target.Entry.URL == "" && a.URL == "" && (entry || err == nil && c.Kind == apiKind) {
		return rehearsed(config, entry, a.Address) // of a target that names its addresses only, and shows the certificate of its entry
	}
	if err != nil {
		return reach{}, err
	}
	r := reach{on: config.On, tls: a.TLS, head: a.Headers, status: a.Status}
	if a.URL != "" {
		if r.url, err = url.Parse(a.URL); err != nil {
			return reach{}, errors.New("its URL is none")
		}
		port := map[string]string{"http": "80", "https": "443"}[r.url.Scheme]
		a.Address = cmp.Or(a.Address, net.JoinHostPort(r.url.Hostname(), cmp.Or(r.url.Port(), port)))
	}
	r.dial = dialTo(a.Address)
	if _, _, named := net.SplitHostPort(config.Target.Entry.Resolver); entry && named == nil && net.ParseIP(r.url.Hostname()) == nil {
		r.dial = entryDialer(config.Target.Entry) // as clients find it, by the name server that the file names
	}
	if r.tls != nil && r.tls.ServerName == "" {
		r.tls = r.tls.Clone()
		r.tls.ServerName, _, _ = net.SplitHostPort(a.Address)
		if r.url != nil {
			r.tls.ServerName = r.url.Hostname()
		}
	}
	return r, nil
}

func dialTo(address string) func(ctx context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

// rehearsed is the way to the entry, or to an API behind it, where a name, a resolver and a certificate are all that is known.
func rehearsed(config harness.ProbeConfig, entry bool, address string) (reach, error) {
	of := config.Target.Entry
	trust, err := entryTLS(of)
	if err != nil {
		return reach{}, err
	}
	r := reach{on: config.On, tls: trust, dial: dialTo(address), url: &url.URL{Scheme: "https", Host: trust.ServerName, Path: "/"}}
	if !entry {
		return r, nil
	}
	if of.Resolver == "" || of.Port <= 0 {
		return reach{}, fmt.Errorf("target %s has no entry point with a name, a resolver and a port", config.Target.Name)
	}
	r.dial = entryDialer(of)
	return r, nil
}

// web is a client of what speaks HTTP; path takes the place of that in the URL, "" leaves it.
func (r reach) web(path string) (c *client, full string, err error) {
	if r.url == nil {
		return nil, "", fmt.Errorf("%s has no URL: it speaks no HTTP", r.on)
	}
	base := url.URL{Scheme: r.url.Scheme, Host: r.url.Host}
	if path == "" {
		path = cmp.Or(r.url.RequestURI(), "/")
	}
	return &client{tls: r.tls, dial: r.dial, url: base.String(), headers: r.head}, path, nil
}

// wrongPath says what is wrong with a path that a probe asks for.
func wrongPath(path string) (wrong, hint string) {
	u, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || u.Host != "" {
		return "is no path", "write one such as /health"
	}
	return "", ""
}

// maxWebBytes bounds the body of an answer.
const maxWebBytes = 1 << 20

// errTooLong is an answer that does not end where it should.
var errTooLong = fmt.Errorf("its answer is longer than %d bytes", maxWebBytes)

// get asks within the time of a question. The error says why there was no whole answer.
func (c *client) get(ctx context.Context, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	status, body, err = c.send(ctx, http.MethodGet, path, nil, maxWebBytes+1)
	if err == nil && len(body) > maxWebBytes {
		return status, nil, errTooLong
	}
	return status, body, err
}
