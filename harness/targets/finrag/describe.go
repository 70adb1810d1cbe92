package finrag

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/internal/pgdial"
)

// describe fills in what the running target has.
func (s *Site) describe(ctx context.Context, w Ground) error {
	d := s.Kind.outline(s.Settings, s.All, s.Profile, s.Programs)
	for i := range d.Components {
		c := &d.Components[i]
		if err := w.Examine(ctx, c); err != nil {
			return w.Explain(ctx, c.Name, err)
		}
		switch c.Kind {
		case "api":
			leaf := s.Leaves[c.Region]
			c.Identity, c.Expires = leaf.Identity, harness.Stamp(leaf.Expires.UnixNano())
			c.URL = "https://" + s.Layout.Outside[c.Name] + "/health/detailed"
			if len(d.Builds) == 0 { // it is in an image of the user's own
				d.Builds = []harness.Build{{Name: harness.BuildCurrent, Version: c.Version, SHA256: c.SHA256}}
			}
		case "controller":
			c.URL = "http://" + s.Layout.Inside[c.Name] + "/state"
		}
	}
	for i := range d.Links {
		l := &d.Links[i]
		if l.Address = s.Layout.Outside[l.To]; l.Name == WALLink {
			l.Address = s.Layout.WAL
		}
	}
	d.Entry.Resolver, d.Entry.Port, d.Entry.CAPEM = s.Layout.Inside["outside.dns"], s.Layout.Port, string(s.Authority.PEM)
	d.Decisions.URL = "http://" + s.Layout.Inside["outside.controller"] + "/audit"
	for _, delivery := range s.Request.Deliveries {
		if !slices.Contains(channels, delivery.Channel) {
			continue // finrag tells nobody there, and must not claim to
		}
		d.Channels = append(d.Channels, harness.Channel{Name: delivery.Channel, Muted: s.muted(delivery.Channel)})
	}
	d.Provides = dropMissing(d.Provides, d.Channels) // a target without deliveries tells nobody: it must not claim to
	s.Described = d
	return nil
}

// pin compares the description with the real thing, through the links: a drill
// must not touch a system other than the one described.
func (s *Site) pin(ctx context.Context, w Ground) error {
	for _, l := range s.Described.Links {
		c, _ := s.Described.ComponentByName(l.To)
		if l.From != Outside || c.Identity == "" {
			continue
		}
		ask := s.askKey
		if c.Kind == "postgres" {
			ask = s.askSystem
		}
		got, err := ask(ctx, l.Address)
		if err != nil {
			return w.Explain(ctx, c.Name, fmt.Errorf("check its identity: %w", err))
		}
		if got != c.Identity {
			return &Error{Component: c.Name, Err: fmt.Errorf("its identity is %s, the description says %s", got, c.Identity),
				Hint: "another system answers at its address; nothing was touched"}
		}
	}
	return nil
}

func (s *Site) askSystem(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pinLimit)
	defer cancel()
	conn, err := s.Dial(ctx, address, postgres.Database)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var id string
	err = conn.QueryRow(ctx, "SELECT system_identifier::text FROM pg_control_system()").Scan(&id)
	return id, err
}

// askKey verifies the certificate as a client does and returns the identity of its key.
func (s *Site) askKey(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pinLimit)
	defer cancel()
	dialer := tls.Dialer{Config: s.trust()}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return "", errors.New("it shows no certificate")
	}
	return keyIdentity(secure.ConnectionState().PeerCertificates[0]), nil
}

// trust is how a client of the target verifies.
func (s *Site) trust() *tls.Config {
	return &tls.Config{RootCAs: s.Authority.Pool, ServerName: ServerName, MinVersion: tls.VersionTLS12}
}

// Dial connects to a database of the target. What we write must not wait for a standby that may be cut off.
func (s *Site) Dial(ctx context.Context, address, database string) (*pgx.Conn, error) {
	conn, err := pgdial.Connect(ctx, pgdial.Params{
		Address: address, User: postgres.User, Password: s.Password, Database: database, Timeout: pinLimit,
		Params: map[string]string{"timezone": "UTC", "synchronous_commit": "local"},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}
