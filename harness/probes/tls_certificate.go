package probes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

const certificateName = "tls.certificate"

var _ = Probes.Add(registry.Kind[Factory]{
	Name: certificateName,
	Doc: "Shakes hands with a component that speaks TLS, or with the public entry, and verifies its certificate as a client would: the value is the " +
		"number of whole days until it, or one that it depends on, ends. A certificate that a client refuses is not OK.",
	Example: "{id: entry-certificate, probe: tls.certificate, on: entry, every: 1m}",
	New:     func() Factory { return certificateFactory{} },
})

type certificateFactory struct{}

// Every is the pace of questions.
func (certificateFactory) Every() time.Duration { return 10 * time.Second }

// Traits: it is asked of anything that speaks TLS, as clients do.
func (certificateFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Any: true, Entry: true, Public: true, Fastest: time.Second, Unit: unitCount}
}

// Open finds the way there, and what is trusted.
func (certificateFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	if r.tls == nil {
		return nil, fmt.Errorf("%s speaks no TLS", config.On)
	}
	c, _ := config.Target.ComponentByName(config.On)
	ask := func(ctx context.Context) (reply, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		conn, err := r.dial(ctx)
		if err != nil {
			return reply{}, err
		}
		defer conn.Close() //nolint:errcheck // nothing was said
		if until, ok := ctx.Deadline(); ok {
			_ = conn.SetDeadline(until) // a connection that has none gives its own error
		}
		if c.Kind == postgresKind {
			if err := startPostgresTLS(conn); err != nil {
				return reply{}, err
			}
		}
		secure := tls.Client(conn, r.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			return reply{}, err
		}
		return untilEnd(secure.ConnectionState(), config.Clock.Now().Time())
	}
	return &asking{clock: config.Clock, kind: certificateName, on: config.On, unit: unitCount, ask: ask}, nil
}

// startPostgresTLS asks a PostgreSQL server to go on with TLS: it has a message of its own for that.
func startPostgresTLS(conn net.Conn) error {
	if _, err := conn.Write([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return err
	}
	said := make([]byte, 1)
	if _, err := io.ReadFull(conn, said); err != nil {
		return err
	}
	if said[0] != 'S' {
		return no(errors.New("it does not speak TLS"))
	}
	return nil
}

// day is a whole one.
const day = 24 * time.Hour

// untilEnd counts the days until a client will refuse the certificate that it has just accepted: of the chains that lead to what it
// trusts, the one that holds longest counts.
func untilEnd(s tls.ConnectionState, now time.Time) (reply, error) {
	var latest time.Time
	for _, chain := range s.VerifiedChains {
		end := chain[0].NotAfter
		for _, c := range chain {
			if c.NotAfter.Before(end) {
				end = c.NotAfter
			}
		}
		if end.After(latest) {
			latest = end
		}
	}
	if latest.IsZero() {
		return reply{}, no(errors.New("its certificate was not verified"))
	}
	return reply{int64(latest.Sub(now) / day), "until " + latest.UTC().Format("2006-01-02")}, nil
}
