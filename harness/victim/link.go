package victim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
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

// linkAsker finds out how a link is asked: what is dialled, and what makes the other end speak. The dialling end of a link
// may stand inside a region; the address is the relay's, which is the same for everybody.
func linkAsker(target *harness.Description, link harness.Link, to harness.Component, kind harness.CheckKind) (asker, error) {
	if _, _, err := net.SplitHostPort(link.Address); err != nil {
		return nil, fmt.Errorf("read address of the link: %w", err)
	}
	silent := kind == harness.LinkSilent
	switch link.Protocol {
	case "udp":
		if to.Kind != "dns" {
			return nil, fmt.Errorf("no question is known that a component of kind %q answers over UDP", to.Kind)
		}
		name := dns.Fqdn(target.Entry.Name)
		if silent {
			return func(ctx context.Context, asked func()) error { return datagramSilent(ctx, link.Address, name, asked) }, nil
		}
		return func(ctx context.Context, _ func()) error { return datagramAnswers(ctx, link.Address, name) }, nil
	case "tcp":
		if silent {
			return func(ctx context.Context, asked func()) error { return dialSilent(ctx, link.Address, asked) }, nil
		}
		greet, err := greetingOf(target, to)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, _ func()) error { return dialAnswers(ctx, link.Address, greet) }, nil
	}
	return nil, fmt.Errorf("protocol %q is not known", link.Protocol)
}

// greetingOf is what makes a component of a kind speak first.
func greetingOf(target *harness.Description, to harness.Component) (greeting, error) {
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

// silentIf judges an error of a question that was to go unanswered: only having waited long enough is silence.
func silentIf(err error, began time.Time) error {
	shortage.Note("a check", err)
	switch {
	case errors.Is(err, errAccepted):
		return err
	case timedOut(err) && time.Since(began) < silence:
		return fmt.Errorf("the time was over before %v of silence had passed", silence)
	case timedOut(err):
		return nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("it refuses connections, and a refusal is not silence")
	case errors.Is(err, syscall.ECONNRESET):
		return errors.New("it resets connections, and a reset is not silence")
	}
	return fmt.Errorf("could not be asked: %w", err)
}

// dialAnswers holds if a dial succeeds and the other end answers the greeting: a relay accepts for a dead end too.
func dialAnswers(ctx context.Context, address string, greet greeting) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return unanswered("dial", err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes whoever waits on it
	defer stop()
	if err := greet(ctx, conn); err != nil {
		return unanswered("greeting", err)
	}
	return nil
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
	return func(ctx context.Context, conn net.Conn) error {
		err := tls.Client(conn, config).HandshakeContext(ctx)
		var untrusted *tls.CertificateVerificationError
		var wire *net.OpError
		if errors.As(err, &untrusted) || errors.As(err, &wire) && wire.Op == remoteAlert {
			return nil
		}
		return err
	}, nil
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

func datagramSilent(ctx context.Context, address, name string, asked func()) error {
	began := time.Now()
	err := askDatagram(ctx, address, name, silence, asked)
	if err == nil {
		return errors.New("it answers questions")
	}
	return silentIf(err, began)
}

func datagramAnswers(ctx context.Context, address, name string) error {
	if err := askDatagram(ctx, address, name, answerTimeout, func() {}); err != nil {
		return unanswered("question", err)
	}
	return nil
}
