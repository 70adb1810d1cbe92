package controller

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

// trust is what the controller asks of a certificate.
type trust int

const (
	strict  trust = iota // as a client does: issuer, name and dates
	anyDate              // issuer and name; a certificate past its end still shows who answers
)

// CertificateFacts is what a handshake shows of a region's certificate. Issuer and name were verified, its end was not.
type CertificateFacts struct {
	OK        bool      `json:"ok"`                  // the issuer is ours and the name is right
	Untrusted bool      `json:"untrusted,omitempty"` // there is a certificate, and one of the two is wrong
	Error     string    `json:"error,omitempty"`
	Serial    string    `json:"serial,omitempty"` // hexadecimal
	NotAfter  time.Time `json:"not_after,omitzero"`
}

// expired reports whether all about the certificate is right but its end.
func (f CertificateFacts) expired(now time.Time) bool { return f.OK && now.After(f.NotAfter) }

// untrusted is the error of a certificate whose issuer or name is wrong.
type untrusted struct{ error }

// client returns an HTTPS client that opens a connection for each request and verifies it for serverName.
// With an address it dials that, whatever the URL says.
func (c *Controller) client(t trust, serverName, address string) *http.Client {
	var d net.Dialer
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   c.tls(t, serverName),
		DialContext: func(ctx context.Context, network, a string) (net.Conn, error) {
			if address != "" {
				a = address
			}
			return d.DialContext(ctx, network, a)
		},
	}}
}

// tls returns how a connection is verified. certificates.check false verifies nothing, anywhere.
func (c *Controller) tls(t trust, serverName string) *tls.Config {
	conf := &tls.Config{RootCAs: c.roots, ServerName: serverName, MinVersion: tls.VersionTLS12}
	if !c.config.Certificates.Check {
		conf.InsecureSkipVerify = true
		return conf
	}
	if t == anyDate {
		conf.InsecureSkipVerify = true // in its place stands the next line
		conf.VerifyConnection = func(s tls.ConnectionState) error { return verifyButEnd(s, c.roots, serverName, time.Now()) }
	}
	return conf
}

// verifyButEnd verifies a connection's certificate as a client would, but that the certificate may be past its end.
func verifyButEnd(s tls.ConnectionState, roots *x509.CertPool, serverName string, now time.Time) error {
	if len(s.PeerCertificates) == 0 {
		return untrusted{errors.New("there is no certificate")}
	}
	leaf := *s.PeerCertificates[0]
	if now.After(leaf.NotAfter) {
		leaf.NotAfter = now // of the copy: the signature is that of the bytes as they came
	}
	between := x509.NewCertPool()
	for _, cert := range s.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: serverName, CurrentTime: now}); err != nil {
		return untrusted{err}
	}
	return nil
}

// certificateFacts looks at a region's certificate by a handshake of its own.
func (c *Controller) certificateFacts(ctx context.Context, end config.RegionEnd) CertificateFacts {
	u, err := url.Parse(end.API)
	if err != nil {
		return CertificateFacts{Error: fmt.Sprintf("parse api: %v", err)}
	}
	d := tls.Dialer{Config: c.tls(anyDate, end.ServerName)}
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return CertificateFacts{Untrusted: errors.As(err, new(untrusted)), Error: fmt.Sprintf("verify certificate: %v", err)}
	}
	defer conn.Close()
	leaf := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
	return CertificateFacts{OK: true, Serial: leaf.SerialNumber.Text(16), NotAfter: leaf.NotAfter.UTC()}
}
