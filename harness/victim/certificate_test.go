package victim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

const entryName = "api.finrag.test"

// authority is a real certificate authority that lives as long as a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: t.Name()}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(365 * day)}
	var err error
	a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	return a
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

// issue makes a certificate for a name, valid between two moments as seen from now.
func (a *authority) issue(name string, from, until time.Duration) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: now.Add(from), NotAfter: now.Add(until)}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS is an API with a certificate.
func serveTLS(t *testing.T, certificate tls.Certificate, handler http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// apiBehind is a target whose entry trusts an authority.
func apiBehind(a *authority, address string) harness.Description {
	d := target("api", "tcp", address)
	d.Entry.CAPEM, d.Entry.Port = a.pem(), 8443
	return d
}

func want(kind harness.CheckKind, want string) []harness.Check {
	return []harness.Check{{Kind: kind, On: "outside→x", Want: want}}
}

func TestCertificates(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	for _, tc := range []struct {
		name        string
		certificate tls.Certificate
		is          []string // all that hold
		but         string   // what a check that does not hold says
	}{
		{"good", ours.issue(entryName, -time.Hour, 90*day), []string{"ok", "expiring 91"}, ""},
		{"expired", ours.issue(entryName, -2*time.Hour, -time.Hour), []string{"expired"}, "finds its certificate expired"},
		{"expiring", ours.issue(entryName, -time.Hour, 3*day), []string{"ok", "expiring 3", "expiring 91"}, ""},
		{"wrong name", ours.issue("other.finrag.test", -time.Hour, 90*day), []string{"wrong-name"}, "finds its certificate wrong-name"},
		{"unknown issuer", other.issue(entryName, -time.Hour, 90*day), []string{"unknown-issuer"}, "finds its certificate unknown-issuer"},
		{"not valid yet", ours.issue(entryName, time.Hour, 90*day), nil, "refused for another reason"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := apiBehind(ours, serveTLS(t, tc.certificate, http.NotFoundHandler()))
			for _, is := range []string{"ok", "expired", "wrong-name", "unknown-issuer", "expiring 3", "expiring 91"} {
				if slices.Contains(tc.is, is) {
					holds(t, d, nil, want(harness.CertificateIs, is))
					continue
				}
				text := tc.but
				if text == "" && strings.HasPrefix(is, "expiring") {
					text = "is good for another 89 days"
				} else if text == "" {
					text = "finds its certificate ok"
				}
				denies(t, d, nil, want(harness.CertificateIs, is)[0], text)
			}
		})
	}
}

// TestCertificateThatEndsSoonerIsNotRestored: it is valid, but it is the fault's own.
func TestCertificateThatEndsSoonerIsNotRestored(t *testing.T) {
	ours := newAuthority(t)
	d := apiBehind(ours, serveTLS(t, ours.issue(entryName, -time.Hour, 3*day), http.NotFoundHandler()))
	d.Components[0].Expires = harness.Stamp(time.Now().Add(90 * day).UnixNano())
	denies(t, d, nil, want(harness.CertificateIs, "ok")[0], "before the one that the target started with")
	holds(t, d, nil, want(harness.CertificateIs, "expiring 3"))
	d.Components[0].Expires = harness.Stamp(time.Now().Add(2 * day).UnixNano()) // renewed since: it ends later
	holds(t, d, nil, want(harness.CertificateIs, "ok"))
}

func TestNoHandshakeIsNoVerdict(t *testing.T) {
	ours := newAuthority(t)
	for _, is := range []string{"ok", "expired", "wrong-name", "unknown-issuer", "expiring 3"} {
		denies(t, apiBehind(ours, refusing(t)), nil, want(harness.CertificateIs, is)[0], "dial is refused")
	}
	denies(t, apiBehind(ours, listen(t).Addr().String()), nil, want(harness.CertificateIs, "expired")[0], "handshake gets no answer")
}

func TestCertificateChecksThatCannotBeAsked(t *testing.T) {
	ours := newAuthority(t)
	untrusted := target("api", "tcp", "127.0.0.1:1")
	untrusted.Entry.CAPEM = ""
	for name, tc := range map[string]struct {
		d     harness.Description
		check []harness.Check
	}{
		"no want":        {apiBehind(ours, "127.0.0.1:1"), want(harness.CertificateIs, "")},
		"no days":        {apiBehind(ours, "127.0.0.1:1"), want(harness.CertificateIs, "expiring")},
		"no whole days":  {apiBehind(ours, "127.0.0.1:1"), want(harness.CertificateIs, "expiring 1.5")},
		"zero days":      {apiBehind(ours, "127.0.0.1:1"), want(harness.CertificateIs, "expiring 0")},
		"no authority":   {untrusted, want(harness.CertificateIs, "ok")},
		"no API":         {target("postgres", "tcp", "127.0.0.1:1"), want(harness.CertificateIs, "ok")},
		"no address":     {apiBehind(ours, ""), want(harness.BuildIs, "b2")},
		"no link":        {harness.Description{}, want(harness.CertificateIs, "ok")},
		"build, no want": {apiBehind(ours, "127.0.0.1:1"), want(harness.BuildIs, "")},
		"no question":    {apiBehind(ours, "127.0.0.1:1"), want(harness.AnswerIs, "doc-1")},
	} {
		_, err := Await(t.Context(), tc.d, nil, tc.check, time.Hour, harness.NewClock())
		var notHeld *ChecksFailedError
		if err == nil || errors.As(err, &notHeld) {
			t.Errorf("%s: got %v, want an error about the check itself", name, err)
		}
	}
}
