package victim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/distrust"
	"blackstart/internal/registry"
)

const day = 24 * time.Hour

var _ = Checks.Add(registry.Kind[Kind]{
	Name: string(harness.CertificateIs),
	Doc: "Holds when a strict client's handshake through the link ends the way that is wanted: ok, expired, wrong-name, " +
		"unknown-issuer, or \"expiring N\": valid, and over within N days.",
	Example: "certificate.is on outside→east.api: expired",
	New:     func() Kind { return Kind{Scope: ScopeLink, Protocol: apiKind, Wants: true, Plan: certificateIs} },
})

// certificateIs makes a handshake as a strict client of the entry point does, with the entry's name and authority.
func certificateIs(v Victim, check harness.Check) (Ask, error) {
	link, to, err := v.Link(check.On)
	if err != nil {
		return nil, err
	}
	within, err := wanted(check.Want)
	if err != nil {
		return nil, err
	}
	trust := func() (*tls.Config, error) { return v.trustOf(to.Name) }
	if v.Target.Kind != harness.External {
		config, err := strict(v.Target.Entry)
		if err != nil {
			return nil, err
		}
		trust = func() (*tls.Config, error) { return config, nil }
	}
	return func(ctx context.Context, _ func()) error {
		config, err := trust()
		if err != nil {
			return err
		}
		leaf, verdict, err := handshake(ctx, link.Address, config)
		if err != nil {
			return err
		}
		return judge(check.Want, verdict, leaf, to.Expires, within)
	}, nil
}

// trustOf is what a client of a service that a file describes trusts there.
func (v Victim) trustOf(name string) (*tls.Config, error) {
	a, _, err := v.wayTo(name)
	if err == nil && a.TLS == nil {
		err = fmt.Errorf("%s shows no certificate: its scheme is http", name)
	}
	return a.TLS, err
}

// wanted reads what a handshake is to come to, and with "expiring N" the span in which the certificate ends.
func wanted(want string) (time.Duration, error) {
	switch want {
	case harness.CertificateOK, harness.CertificateExpired, harness.CertificateWrongName, harness.CertificateUnknownIssuer:
		return 0, nil
	}
	if text, ok := strings.CutPrefix(want, harness.CertificateExpiring+" "); ok {
		if days, err := strconv.Atoi(text); err == nil && days > 0 {
			return time.Duration(days) * day, nil
		}
	}
	return 0, fmt.Errorf("%q is nothing that a handshake comes to: want ok, expired, wrong-name, unknown-issuer "+
		"or \"expiring N\", N days", want)
}

// strict is the TLS configuration of a client of the entry point.
func strict(entry harness.Entry) (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(entry.CAPEM)) {
		return nil, errors.New("the entry point names no certificate to trust (ca_pem)")
	}
	return &tls.Config{RootCAs: roots, ServerName: strings.TrimSuffix(entry.Name, "."), MinVersion: tls.VersionTLS12}, nil
}

// handshake gives the verdict of a client on the certificate behind an address, and the certificate if it is ok. The error
// says that there was no verdict.
func handshake(ctx context.Context, address string, config *tls.Config) (*x509.Certificate, string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, "", unanswered("dial", err)
	}
	defer func() { _ = raw.Close() }()
	conn := tls.Client(raw, config)
	err = conn.HandshakeContext(ctx)
	if err == nil {
		return conn.ConnectionState().PeerCertificates[0], harness.CertificateOK, nil
	}
	var untrusted *tls.CertificateVerificationError
	if !errors.As(err, &untrusted) {
		return nil, "", unanswered("handshake", err)
	}
	switch wrong := distrust.Of(err); wrong {
	case harness.CertificateExpired, harness.CertificateWrongName, harness.CertificateUnknownIssuer:
		return nil, wrong, nil
	}
	return nil, "", fmt.Errorf("its certificate is refused for another reason: %w", untrusted.Err)
}

// judge compares a verdict with what is wanted. A certificate that is ok and ends before the one that the target started
// with is not that one again: it must not pass for the undo of a fault that made it end sooner.
func judge(want, verdict string, leaf *x509.Certificate, started harness.Stamp, within time.Duration) error {
	if verdict != harness.CertificateOK {
		if verdict != want {
			return found("a client finds its certificate %s", verdict)
		}
		return nil
	}
	left := time.Until(leaf.NotAfter)
	switch {
	case within > 0 && left > within:
		return found("its certificate is good for another %d days", left/day)
	case within > 0:
		return nil
	case want != harness.CertificateOK:
		return found("a client finds its certificate ok")
	case leaf.NotAfter.Before(started.Time().Truncate(time.Second)): // certificates know no fractions of a second
		return fmt.Errorf("a client finds its certificate ok, but it ends on %s, before the one that the target started with (%s)",
			leaf.NotAfter.UTC().Format(time.RFC3339), started.Time().Format(time.RFC3339))
	}
	return nil
}
