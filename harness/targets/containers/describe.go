package containers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/processes"
)

// simulated is what stands in for the real thing here.
var simulated = []string{
	"two regions on one machine: links are the engine's bridge networks, without the latency of distance",
	"alerts pass a forwarder of ours from the network outside to the receivers on loopback",
}

// sketch is the description without what only a running target has.
func sketch(s processes.Settings, all map[string]string, p processes.Profile) harness.Description {
	d := processes.Sketch(s, all, p)
	d.Kind = "containers"
	d.Simulated = slices.Concat(simulated, d.Simulated[1:])
	if s.WALLatency > 0 {
		d.Simulated = append(d.Simulated, "the WAL passes a relay of ours, which delays it")
	}
	return d
}

// Outline describes the target before it is started, with the fast timings: no addresses, no identities.
func (d *Driver) Outline(settings map[string]string) (harness.Description, error) {
	s, all, err := processes.ParseSettings(settings)
	if err != nil {
		return harness.Description{}, &Error{Component: "settings", Err: err}
	}
	p, err := processes.ProfileOf("")
	if err != nil {
		return harness.Description{}, err
	}
	o := sketch(s, all, p)
	for _, name := range []string{"pagerduty", "slack", "smtp", "statuspage"} {
		o.Channels = append(o.Channels, harness.Channel{Name: name, Muted: name == "pagerduty" && s.PagerMuted})
	}
	return o, nil
}

// Description describes the target as it was when it had started.
func (d *Driver) Description() harness.Description {
	r := d.current()
	if r == nil {
		return harness.Description{}
	}
	return r.described
}

// linkEnd is where a link ends: the gate that can cut it and the network it goes through.
func linkEnd(l harness.Link) (gate, network string) {
	region, _, _ := strings.Cut(l.To, ".")
	if l.From == outside {
		return l.To, upTo(region)
	}
	return l.To, walNet
}

// portOf is where a component of a kind listens.
func portOf(kind string) int {
	switch kind {
	case "postgres":
		return databasePort
	case "redis":
		return cachePort
	case "dns":
		return dnsPort
	case "controller":
		return controllerPort
	}
	return apiPort
}

// linkAddress is what the dialling end of a link uses.
func (r *run) linkAddress(l harness.Link) string {
	if l.Name == processes.WALLink && r.walRelay != nil {
		return r.walRelay.Addr()
	}
	gate, network := linkEnd(l)
	kind := "api"
	if strings.HasSuffix(l.To, ".db") {
		kind = "postgres"
	}
	return join(r.gates[gate].address[network], portOf(kind))
}

// describe fills in what the running target has.
func (r *run) describe(ctx context.Context) error {
	d := sketch(r.settings, r.all, r.profile)
	if err := r.askBuild(ctx); err != nil {
		return r.trouble(ctx, "east.api", err)
	}
	for i := range d.Components {
		c := &d.Components[i]
		switch c.Kind {
		case "postgres":
			c.SHA256 = r.images[imagePostgres].digest
			var err error
			if c.Version, c.Identity, err = r.askDatabase(ctx, c.Name); err != nil {
				return r.trouble(ctx, c.Name, err)
			}
		case "redis":
			c.SHA256 = r.images[imageRedis].digest
		default:
			c.Version, c.SHA256 = r.build, r.images[imageFinrag].digest
		}
		switch c.Kind {
		case "api":
			leaf := r.leaves[c.Region]
			c.Identity, c.Expires = leaf.Identity, harness.Stamp(leaf.Expires.UnixNano())
			c.URL = "https://" + join(r.gates[c.Name].address[upTo(c.Region)], apiPort) + "/health/detailed"
		case "controller":
			c.URL = "http://" + r.outsideAddress(controllerPort) + "/state"
		}
	}
	for i := range d.Links {
		d.Links[i].Address = r.linkAddress(d.Links[i])
	}
	d.Entry.Resolver, d.Entry.Port, d.Entry.CAPEM = r.outsideAddress(dnsPort), apiPort, string(r.ca.CAPEM)
	d.Decisions.URL = "http://" + r.outsideAddress(controllerPort) + "/audit"
	for _, delivery := range r.req.Deliveries {
		d.Channels = append(d.Channels, harness.Channel{Name: delivery.Channel, Muted: r.muted(delivery)})
	}
	d.Provides = processes.DropMissingChannels(d.Provides, d.Channels)
	r.described = d
	return nil
}

// askBuild asks what runs which build it is: the image may be one of the user's own.
func (r *run) askBuild(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, PartReady)
	defer cancel()
	var answer struct{ Build string }
	address := join(r.gates["east.api"].address[east], apiPort)
	if err := r.get(ctx, "https://"+processes.ServerName+"/version", address, &answer); err != nil {
		return fmt.Errorf("ask for its build: %w", err)
	}
	r.build = answer.Build
	return nil
}

// askDatabase asks by the private path which version runs and which system it is.
func (r *run) askDatabase(ctx context.Context, component string) (version, system string, err error) {
	conn, err := r.connect(ctx, component)
	if err != nil {
		return "", "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT current_setting('server_version'), system_identifier::text FROM pg_control_system()").Scan(&version, &system)
	version, _, _ = strings.Cut(version, " ")
	return version, system, err
}

// pin compares the description with the real thing, through the links: a drill must not touch a system other than the one
// described.
func (r *run) pin(ctx context.Context) error {
	for _, l := range r.described.Links {
		c, _ := r.described.ComponentByName(l.To)
		if l.From != outside || c.Identity == "" {
			continue
		}
		ask := r.askKey
		if c.Kind == "postgres" {
			ask = r.askSystem
		}
		got, err := ask(ctx, l.Address)
		if err != nil {
			return r.trouble(ctx, c.Name, fmt.Errorf("check its identity: %w", err))
		}
		if got != c.Identity {
			return &Error{Component: c.Name, Err: fmt.Errorf("its identity is %s, the description says %s", got, c.Identity),
				Hint: "another system answers at its address; nothing was touched"}
		}
	}
	return nil
}

func (r *run) askSystem(ctx context.Context, address string) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, PartReady)
	defer cancel()
	conn, err := r.dial(ctx, address, postgres.Database)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, "SELECT system_identifier::text FROM pg_control_system()").Scan(&id)
	return id, err
}

func (r *run) askKey(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, PartReady)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: r.ca.Pool, ServerName: processes.ServerName, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return "", errors.New("it shows no certificate")
	}
	return processes.KeyIdentity(secure.ConnectionState().PeerCertificates[0]), nil
}

// connect connects to finrag's database of a component by the private path.
func (r *run) connect(ctx context.Context, component string) (*pgx.Conn, error) {
	return r.connectTo(ctx, component, postgres.Database)
}

func (r *run) connectTo(ctx context.Context, component, database string) (*pgx.Conn, error) {
	address := r.alone[component]
	if address == "" {
		region, _, _ := strings.Cut(component, ".")
		address = join(r.gates[component].address[region], databasePort)
	}
	return r.dial(ctx, address, database)
}

func (r *run) dial(ctx context.Context, address, database string) (*pgx.Conn, error) {
	// What we write must not wait for a standby that may be cut off.
	cfg, err := pgx.ParseConfig(fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&connect_timeout=2&application_name=blackstart&timezone=UTC&synchronous_commit=local",
		postgres.User, address, database))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	cfg.Password = r.password
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}
