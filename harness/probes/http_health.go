package probes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: "http.health",
	Doc: "GET /health on a region's API from outside, on a fresh TLS connection that is verified as a client would: OK is " +
		"status 200 in time.",
	Example: "{probe: http.health, region: standby, failingFor: 5s}",
	New:     func() Factory { return healthFactory{} },
})

const (
	healthEvery    = 500 * time.Millisecond
	maxHealthBytes = 64 << 10 // of an answer's body
	apiKind        = "api"
	remoteAlert    = "remote error" // how crypto/tls marks an alert that the other end sent
)

type healthFactory struct{}

// Every is the pace of questions.
func (healthFactory) Every() time.Duration { return healthEvery }

// Open looks up the link from outside to the API of the region; empty: the standby's.
func (healthFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked("http.health", config, false); err != nil {
		return nil, err
	}
	r, err := region(config, harness.Standby)
	if err != nil {
		return nil, fmt.Errorf("open http.health: %w", err)
	}
	link, ok := entryLink(&config.Target, r.Name)
	if !ok {
		return nil, fmt.Errorf("open http.health: target %s has no link from outside to an API of region %s", config.Target.Name, r.Name)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(config.Target.Entry.CAPEM)) {
		return nil, errors.New("open http.health: the entry point names no certificate to trust (ca_pem)")
	}
	return &health{
		clock: config.Clock, component: link.To, address: link.Address,
		tls: &tls.Config{RootCAs: roots, ServerName: strings.TrimSuffix(config.Target.Entry.Name, "."), MinVersion: tls.VersionTLS12},
	}, nil
}

// entryLink is the link from outside to the API of a region.
func entryLink(target *harness.Description, region string) (harness.Link, bool) {
	for _, l := range target.Links {
		to, known := target.ComponentByName(l.To)
		if known && l.From == harness.Outside && to.Region == region && to.Kind == apiKind {
			return l, true
		}
	}
	return harness.Link{}, false
}

type health struct {
	clock     *harness.Clock
	component string
	address   string
	tls       *tls.Config
}

// Ask sends one request on a connection of its own. Value is 1 for status 200.
func (h *health) Ask(ctx context.Context) harness.Observation {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	o := harness.Observation{Probe: "http.health", On: h.component, Unit: unitBool}
	o.At.Lo = h.clock.Now()
	status, err := h.get(ctx)
	o.At.Hi = h.clock.Now()
	o.Reached = err == nil || spoke(err)
	switch {
	case err != nil:
		o.Detail = reason(err)
	case status != http.StatusOK:
		o.Detail = fmt.Sprintf("status %d", status)
	default:
		o.OK, o.Value, o.Detail = true, 1, "status 200"
	}
	return o
}

// spoke tells whether the other end said something before the request failed.
func spoke(err error) bool {
	var untrusted *tls.CertificateVerificationError
	var other tls.RecordHeaderError
	var wire *net.OpError
	return errors.As(err, &untrusted) || errors.As(err, &other) || errors.As(err, &wire) && wire.Op == remoteAlert
}

// get reads a whole answer and gives its status.
func (h *health) get(ctx context.Context) (int, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   h.tls,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", h.address)
		},
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+h.tls.ServerName+"/health", nil)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	res, err := transport.RoundTrip(req) // no redirects, no proxy, no retries
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxHealthBytes)); err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	return res.StatusCode, nil
}

// Close does nothing: every question has its own connection.
func (h *health) Close() {}
