package external

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
)

// Around is what the alert channels, the log and the calls of the target are reached with. Its secrets are told to the request's AddSecrets
// before anybody has them.
func (d *Driver) Around(req harness.StartRequest) channels.Around {
	d.begin(req)
	return channels.Around{Secrets: d.resolve, Database: d.database, Pins: d.pins, Host: d.host, Redis: d.redis, Redact: d.redact}
}

// database opens a connection to a component, which is held to its identity.
func (d *Driver) database(ctx context.Context, name string) (*pgx.Conn, error) {
	p, err := d.find(name)
	if err != nil {
		return nil, err
	}
	db, ok := p.kind.(*component.Postgres)
	if !ok {
		return nil, fmt.Errorf("%s is no database", name)
	}
	return db.Connect(ctx, p.at)
}

// redis gives the way to a component that speaks Redis.
func (d *Driver) redis(_ context.Context, name string) (harness.Access, error) {
	p, err := d.find(name)
	if err != nil {
		return harness.Access{}, err
	}
	return ownCopy(p.access), nil
}

// host gives a host that programs can be run on; each run is held to its identity.
func (d *Driver) host(name string) (*host.Host, error) { return host.Named(d.Target, name) }

// pins gives the TLS keys that whoever listens on "host:port" may have: those of a component, or of the entry.
func (d *Driver) pins(address string) ([]string, error) {
	for _, c := range d.Target.Components {
		if d.Target.AddressOf(c) != address || c.Identity == "" {
			continue
		}
		kind, err := component.Make(c)
		if err != nil {
			return nil, err
		}
		if component.HasKey(kind) {
			return []string{c.Identity}, nil
		}
	}
	if e := d.Target.Entry; e != nil {
		if u, wrong := target.WebAddress(e.URL); wrong == "" && target.ListenerOf(u) == address {
			return e.Identities, nil
		}
	}
	return nil, nil
}
