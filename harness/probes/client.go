package probes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"

	"blackstart/harness"
	"blackstart/internal/distrust"
)

// remoteAlert is how crypto/tls marks an alert that the other end sent.
const remoteAlert = "remote error"

// client sends each request on a connection of its own, verified as a strict client would: it follows no redirect, uses no
// proxy and sends nothing twice.
type client struct {
	tls     *tls.Config
	dial    func(ctx context.Context) (net.Conn, error)
	url     string      // what is asked, without a path; "": https and the name in the certificate
	headers http.Header // of a request
}

// entryTLS verifies the entry point's certificate for its name.
func entryTLS(entry harness.Entry) (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(entry.CAPEM)) {
		return nil, errors.New("the entry point names no certificate to trust (ca_pem)")
	}
	return &tls.Config{RootCAs: roots, ServerName: strings.TrimSuffix(entry.Name, "."), MinVersion: tls.VersionTLS12}, nil
}

// send sends one request and reads the whole answer; most bounds it, in bytes.
func (c *client) send(ctx context.Context, method, path string, body []byte, most int64) (int, []byte, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   c.tls,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
	}
	defer transport.CloseIdleConnections()
	url := c.url
	if url == "" {
		url = "https://" + c.tls.ServerName
	}
	req, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("make request: %w", err)
	}
	maps.Copy(req.Header, c.headers)
	if host := c.headers.Get("Host"); host != "" {
		req.Host = host
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	if err := ctx.Err(); err != nil { // what a server says to somebody who has gone is no answer in time
		return 0, nil, err
	}
	return res.StatusCode, answer, nil
}

// gotResponse tells whether the other end said something before the request failed.
func gotResponse(err error) bool {
	var untrusted *tls.CertificateVerificationError
	var other tls.RecordHeaderError
	var wire *net.OpError
	return errors.As(err, &untrusted) || errors.As(err, &other) || errors.As(err, &wire) && wire.Op == remoteAlert
}

// certificateReasons say in few words what is wrong with a certificate.
var certificateReasons = map[string]string{
	distrust.Expired:       "certificate expired",
	distrust.NotValidYet:   "certificate not valid yet",
	distrust.WrongName:     "certificate for another name",
	distrust.UnknownIssuer: "certificate of an unknown issuer",
}
