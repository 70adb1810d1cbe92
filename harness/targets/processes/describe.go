package processes

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// linkOrder is the order of the links in the description.
var linkOrder = []struct{ name, from, to string }{
	{"outside→east.api", harness.Outside, "east.api"},
	{"outside→east.db", harness.Outside, "east.db"},
	{"outside→west.api", harness.Outside, "west.api"},
	{"outside→west.db", harness.Outside, "west.db"},
	{walLink, west, "east.db"},
}

// outline is the description without what only a running target has.
func outline(s Settings, all map[string]string, t timings) harness.Description {
	d := harness.Description{
		Name: "finrag", Kind: "processes", Environment: harness.Rehearsal,
		Regions: []harness.Region{{Name: east, Role: harness.Primary}, {Name: west, Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: east, Role: harness.Primary},
			{Name: "east.api", Kind: "api", Region: east},
			{Name: "west.db", Kind: "postgres", Region: west, Role: harness.Standby},
			{Name: "west.api", Kind: "api", Region: west},
			{Name: "outside.dns", Kind: "dns", Region: harness.Outside},
			{Name: "outside.controller", Kind: "controller", Region: harness.Outside},
		},
		Entry: harness.Entry{Name: entryName, TTLNS: t.ttl.Nanoseconds()},
		Timings: harness.Timings{
			Profile: t.name, CheckIntervalNS: t.interval.Nanoseconds(), CheckFailures: t.failures,
			TTLNS: t.ttl.Nanoseconds(), AlertFloorNS: t.alertFloor().Nanoseconds(),
		},
		Calls:     []string{callFailover},
		Settings:  maps.Clone(all),
		Breakable: []string{east, west, "east.db", "east.api", "west.db", "west.api"},
		Provides: []string{"postgres.primary", "postgres.standby", "entrypoint.https", "dns", "controller",
			"alert.pagerduty", "alert.slack", "alert.smtp", "alert.statuspage"},
		Simulated: []string{
			"two regions on one machine: links are relays on loopback, without the latency of distance",
			"public DNS is one authoritative server, asked without a caching resolver in between",
			"embeddings are feature hashes of words, not those of a language model",
			"alert channels end at receivers of the harness, which validate as the real ones do",
			"documents are generated; no production data",
		},
		Nonce: "routing-key",
		Decisions: &harness.DecisionLog{
			Detected: "failure.detected", Declared: "failover.declared", Refused: "failover.refused",
			Promoted: "promote.done", Switched: "dns.switched", Done: "failover.done",
		},
	}
	if s.Cache {
		d.Components = append(d.Components,
			harness.Component{Name: "east.cache", Kind: "redis", Region: east},
			harness.Component{Name: "west.cache", Kind: "redis", Region: west})
		d.Provides = append(d.Provides, "cache")
	}
	for _, l := range linkOrder {
		link := harness.Link{Name: l.name, From: l.from, To: l.to, Protocol: "tcp"}
		if l.name == walLink {
			link.Latency = s.WALLatency.Nanoseconds()
		}
		d.Links = append(d.Links, link)
	}
	return d
}

// Outline describes the target before it is started, with the fast timings: no addresses, no identities.
func (d *Driver) Outline(settings map[string]string) (harness.Description, error) {
	s, all, err := ParseSettings(settings)
	if err != nil {
		return harness.Description{}, &Error{Component: "settings", Err: err}
	}
	o := outline(s, all, profiles[0])
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

// describe fills in what the running target has.
func (r *run) describe() error {
	d := outline(r.settings, r.all, r.timings)
	finrag := digest(r.finrag)
	for i := range d.Components {
		c := &d.Components[i]
		switch c.Kind {
		case "postgres":
			cluster := r.clusters[c.Name]
			c.Version, c.SHA256 = cluster.Install.Version, digest(cluster.Install.Bin+"/postgres")
			id, err := cluster.SystemIdentifier()
			if err != nil {
				return err
			}
			c.Identity = id
		case "api":
			c.Version, c.SHA256 = r.build, finrag
			c.Identity, c.Expires = r.leaves[c.Region].identity, harness.Stamp(r.leaves[c.Region].expires.UnixNano())
			c.URL = "https://" + r.links["outside→"+c.Name].Addr() + "/health/detailed"
		case "dns":
			c.Version, c.SHA256 = r.build, finrag
		case "controller":
			c.Version, c.SHA256 = r.build, finrag
			c.URL = "http://" + r.listen[c.Name] + "/state"
		case "redis":
			c.SHA256 = digest(r.specs[c.Name].Argv[0])
		}
	}
	for i := range d.Links {
		d.Links[i].Address = r.links[d.Links[i].Name].Addr()
	}
	d.Entry.Resolver, d.Entry.Port, d.Entry.CAPEM = r.listen["outside.dns"], r.apiPort, string(r.ca.pem)
	d.Decisions.URL = "http://" + r.listen["outside.controller"] + "/audit"
	for _, delivery := range r.req.Deliveries {
		d.Channels = append(d.Channels, harness.Channel{Name: delivery.Channel, Muted: r.muted(delivery)})
	}
	// A target without deliveries tells nobody: it must not claim to.
	d.Provides = slices.DeleteFunc(d.Provides, func(p string) bool {
		for _, name := range []string{"pagerduty", "slack", "smtp", "statuspage"} {
			if p == "alert."+name {
				return !slices.ContainsFunc(d.Channels, func(c harness.Channel) bool { return c.Name == name })
			}
		}
		return false
	})
	r.described = d
	return nil
}

// pin compares the description with the real thing, through the links: a drill
// must not touch a system other than the one described.
func (r *run) pin(ctx context.Context) error {
	for _, c := range r.described.Components {
		var got string
		var err error
		switch c.Kind {
		case "postgres":
			got, err = r.askSystemIdentifier(ctx, r.links["outside→"+c.Name].Addr())
		case "api":
			got, err = r.askKey(ctx, r.links["outside→"+c.Name].Addr())
		default:
			continue
		}
		if err != nil {
			return r.trouble(c.Name, fmt.Errorf("check its identity: %w", err))
		}
		if got != c.Identity {
			return &Error{Component: c.Name, Err: fmt.Errorf("its identity is %s, the description says %s", got, c.Identity),
				Hint: "another system answers at its address; nothing was touched"}
		}
	}
	return nil
}

func (r *run) askSystemIdentifier(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, StreamReady) // an entry may be slow, never silent
	defer cancel()
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgres.User, r.password), Host: address,
		Path: postgres.Database, RawQuery: "sslmode=disable",
	}
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var id string
	err = conn.QueryRow(ctx, "SELECT system_identifier::text FROM pg_control_system()").Scan(&id)
	return id, err
}

func (r *run) askKey(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, APIReady)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: r.ca.pool, ServerName: serverName, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return keyIdentity(conn.(*tls.Conn).ConnectionState().PeerCertificates[0]), nil
}
