package victim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"syscall"
	"time"

	"blackstart/harness"
	"blackstart/internal/shortage"

	"github.com/miekg/dns"
)

// remoteAlert is how crypto/tls marks an alert that the other end sent.
const remoteAlert = "remote error"

// greeting makes the other end say its first byte on an open connection: nil if it did.
type greeting func(ctx context.Context, conn net.Conn) error

// datagram is the name that a component is asked for over UDP.
func (v Victim) datagram(to harness.Component) (string, error) {
	if to.Kind != "dns" {
		return "", fmt.Errorf("no question is known that a component of kind %q answers over UDP", to.Kind)
	}
	return dns.Fqdn(v.Target.Entry.Name), nil
}

func unknownProtocol(l harness.Link) error { return fmt.Errorf("protocol %q is not known", l.Protocol) }

// greetingOf is what makes a component of a kind speak first. A service that a file describes is greeted as the file says, with its own
// scheme and TLS; of a rehearsal target an API stands behind the entry and shows its certificate.
func (v Victim) greetingOf(to harness.Component) (greeting, error) {
	target := v.Target
	if to.Kind == apiKind && target.Kind == harness.External {
		return v.greetAPI(to.Name), nil
	}
	switch to.Kind {
	case "postgres":
		return greetBytes(string([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f})), nil // SSLRequest: one byte comes back
	case "redis":
		return greetBytes("PING\r\n"), nil
	case "controller":
		return greetBytes("GET /health HTTP/1.0\r\n\r\n"), nil
	case "api":
		return greetTLS(target.Entry)
	case "dns":
		return greetDNS(dns.Fqdn(target.Entry.Name)), nil
	}
	return nil, fmt.Errorf("no greeting is known that a component of kind %q answers", to.Kind)
}

func unanswered(what string, err error) error {
	shortage.Note("a check", err)
	switch {
	case timedOut(err):
		return fmt.Errorf("its %s gets no answer", what)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("its %s is refused", what)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("its %s is cut off without an answer", what)
	}
	return fmt.Errorf("its %s fails: %w", what, err)
}

func timedOut(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &network) && network.Timeout()
}

// greetBytes sends a few bytes and reads one.
func greetBytes(hello string) greeting {
	return func(_ context.Context, conn net.Conn) error {
		if _, err := io.WriteString(conn, hello); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, 1))
		return err
	}
}

// greetTLS begins a handshake as a client of the entry point does. A certificate that cannot be trusted is still an answer.
func greetTLS(entry harness.Entry) (greeting, error) {
	config, err := strict(entry)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, conn net.Conn) error { return shakes(ctx, conn, config) }, nil
}

// shakes holds if the other end answers a handshake. A certificate that cannot be trusted is still an answer.
func shakes(ctx context.Context, conn net.Conn, config *tls.Config) error {
	err := tls.Client(conn, config).HandshakeContext(ctx)
	var untrusted *tls.CertificateVerificationError
	var wire *net.OpError
	if errors.As(err, &untrusted) || errors.As(err, &wire) && wire.Op == remoteAlert {
		return nil
	}
	return err
}

// greetAPI asks a service by the way that its target has to it, which is there once it is attached to. Nothing secret is sent.
func (v Victim) greetAPI(name string) greeting {
	return func(ctx context.Context, conn net.Conn) error {
		a, u, err := v.wayTo(name)
		if err != nil {
			return err
		}
		if a.TLS != nil {
			return shakes(ctx, conn, a.TLS)
		}
		return greetBytes("GET "+u.RequestURI()+" HTTP/1.1\r\nHost: "+u.Host+"\r\nConnection: close\r\n\r\n")(ctx, conn)
	}
}

// wayTo is the way to a service that a file describes, with the name that its certificate must have.
func (v Victim) wayTo(name string) (a harness.Access, u *url.URL, err error) {
	if a, err = v.Driver.Access(harness.Outside, name); err != nil {
		return a, nil, err
	}
	if u, err = url.Parse(a.URL); err != nil || a.URL == "" {
		return a, nil, fmt.Errorf("%s has no URL", name)
	}
	if a.TLS != nil {
		if a.TLS = a.TLS.Clone(); a.TLS.ServerName == "" {
			a.TLS.ServerName = u.Hostname()
		}
	}
	return a, u, nil
}

// greetDNS asks over an open connection.
func greetDNS(name string) greeting {
	return func(_ context.Context, conn net.Conn) error { return questionDNS(conn, name, func() {}) }
}

func questionDNS(conn net.Conn, name string, asked func()) error {
	c := &dns.Conn{Conn: conn}
	if err := c.WriteMsg(new(dns.Msg).SetQuestion(name, dns.TypeA)); err != nil {
		return err
	}
	asked()
	_, err := c.ReadMsg()
	return err
}

// askDatagram sends one DNS question and waits for its answer.
func askDatagram(ctx context.Context, address, name string, wait time.Duration, asked func()) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return questionDNS(conn, name, asked)
}
