package processes

import (
	"context"
	"crypto/x509"
	"io"
	"strings"
	"time"

	"blackstart/harness"
)

// What every way to rehearse finrag shares.
const (
	ServerName   = serverName   // in the certificates, and the public name without its dot
	EntryName    = entryName    // the public name
	WALLink      = walLink      // the link that carries the WAL
	CallFailover = callFailover // the runbook step that the controller takes
)

// A Profile is one timing profile, in real time.
type Profile struct {
	Name     string
	Interval time.Duration // between the starts of two health checks
	Failures int           // in a row that count as a failure
	Timeout  time.Duration // of one health check
	TTL      time.Duration // of the public name

	timings timings
}

// ProfileOf finds a timing profile by its name; empty is fast.
func ProfileOf(name string) (Profile, error) {
	t, err := profileOf(name)
	if err != nil {
		return Profile{}, err
	}
	return Profile{Name: t.name, Interval: t.interval, Failures: t.failures, Timeout: t.timeout, TTL: t.ttl, timings: t}, nil
}

// Sketch is the description of finrag without what only a running target has: no addresses, identities or channels. The
// settings are those of ParseSettings, parsed and as text.
func Sketch(s Settings, all map[string]string, p Profile) harness.Description {
	return outline(s, all, p.timings)
}

// FindFinrag looks for the finrag program as Check does and returns its path and its build.
func (o Options) FindFinrag(ctx context.Context) (path, build string, err error) {
	if path, err = New(o).findFinrag(); err != nil {
		return "", "", err
	}
	build, err = askBuild(ctx, path)
	return path, build, err
}

// Certificates are the throw-away authority of one run and what it issued.
type Certificates struct {
	CAPEM []byte
	Pool  *x509.CertPool

	authority *authority
}

// A Certificate is that of one region's API.
type Certificate struct {
	CertFile, KeyFile string
	Identity          string // SHA-256 of the public key, hex
	Expires           time.Time
}

// NewCertificates makes the authority.
func NewCertificates() (*Certificates, error) {
	a, err := newAuthority()
	if err != nil {
		return nil, err
	}
	return &Certificates{CAPEM: a.pem, Pool: a.pool, authority: a}, nil
}

// Issue writes NAME.crt and NAME.key, for the public name, below dir.
func (c *Certificates) Issue(dir, name string) (Certificate, error) {
	l, err := c.authority.issueLeaf(dir, name)
	return Certificate{CertFile: l.certFile, KeyFile: l.keyFile, Identity: l.identity, Expires: l.expires}, err
}

// KeyIdentity is how a description names the key of a TLS server: SHA-256 of its SubjectPublicKeyInfo, hex.
func KeyIdentity(cert *x509.Certificate) string { return keyIdentity(cert) }

// Redact copies a log and replaces every secret in it.
func Redact(in io.Reader, out io.Writer, secrets []string) error {
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s, "[redacted]")
		}
	}
	return redact(in, out, strings.NewReplacer(pairs...))
}

// DropMissingChannels takes the alert channels that the target was not given out of what it claims to provide.
func DropMissingChannels(provides []string, channels []harness.Channel) []string {
	missing := map[string]bool{"alert.pagerduty": true, "alert.slack": true, "alert.smtp": true, "alert.statuspage": true}
	for _, c := range channels {
		delete(missing, "alert."+c.Name)
	}
	var kept []string
	for _, p := range provides {
		if !missing[p] {
			kept = append(kept, p)
		}
	}
	return kept
}
