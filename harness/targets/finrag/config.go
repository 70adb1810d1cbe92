package finrag

import (
	"fmt"
	"net"

	"gopkg.in/yaml.v3"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// object is one level of a YAML file.
type object map[string]any

// A Layout says where everything is, as finrag's own parts see it.
type Layout struct {
	Listen  map[string]string // by component, and outside.control: address that it listens on
	Inside  map[string]string // by component: its address in its own place
	Outside map[string]string // of APIs and databases: address for those who stand outside
	WAL     string            // address for the standby that follows east.db
	Port    int               // shared by the APIs

	// Paths of files, as the component that reads or writes them sees them.
	Config func(name string) string
	Secret func(name string) string
	State  func(name string) string // what a part writes itself
	TLS    func(name string) string // certificates and keys of the regions, which renew theirs

	// Releases is where a region's builds lie, NAME/finrag each; nil: they are not known.
	Releases func(region string) string
}

// Release is the file in which a region keeps which build was deployed last.
func (l Layout) Release(region string) string { return l.State(ReleaseFile(region)) }

// ReleaseFile is the name of that file.
func ReleaseFile(region string) string { return region + ".release" }

// WriteConfigs makes the configuration of every part, keeps it in the state directory and returns it by file name.
func (s *Site) WriteConfigs(l Layout) (map[string][]byte, error) {
	files := map[string][]byte{}
	for name, content := range map[string]object{
		"east.yaml": s.regionConfig(East, l), "west.yaml": s.regionConfig(West, l),
		"dns.yaml": dnsConfig(s.Profile, l), "controller.yaml": s.controllerConfig(l),
	} {
		b, err := yaml.Marshal(content)
		if err == nil {
			err = procs.WriteFile(s.Config(name), b, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("write the configuration %s: %w", name, err)
		}
		files[name] = b
	}
	return files, nil
}

func database(l Layout, address string) object {
	return object{
		"url":          fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", postgres.User, address, postgres.Database),
		"passwordFile": l.Secret(DatabasePassword),
	}
}

// regionConfig is that of one region's API. It reaches its database by the private path.
func (s *Site) regionConfig(region string, l Layout) object {
	c := object{
		"region":   region,
		"listen":   l.Listen[region+".api"],
		"tls":      object{"certificate": l.TLS(region + ".crt"), "key": l.TLS(region + ".key")},
		"database": database(l, l.Inside[region+".db"]),
		"vector":   object{"syncInterval": "1s", "lookback": "10m"},
		"cache":    object{"address": l.Inside[region+".cache"]},
		"seed":     object{"documents": s.Settings.Documents},
		"admin":    object{"tokenFile": l.Secret(AdminToken(region))},
	}
	if l.Releases != nil {
		c["releases"] = object{"dir": l.Releases(region), "state": l.Release(region)}
	}
	return c
}

func dnsConfig(p Profile, l Layout) object {
	return object{
		"name":    EntryName,
		"listen":  l.Listen["outside.dns"],
		"ttl":     p.TTL.String(),
		"records": object{"primary": hostOf(l.Outside["east.api"]), "secondary": hostOf(l.Outside["west.api"])},
		"state":   l.State("dns-state.json"),
		"control": object{"listen": l.Listen["outside.control"], "tokenFile": l.Secret(DNSToken)},
	}
}

func (s *Site) controllerConfig(l Layout) object {
	end := func(region string) object {
		return object{
			"name": region, "api": "https://" + l.Outside[region+".api"], "serverName": ServerName,
			"database": database(l, l.Outside[region+".db"]), "adminTokenFile": l.Secret(AdminToken(region)),
		}
	}
	set := s.Settings
	return object{
		"profile": s.Profile.Name,
		"listen":  l.Listen["outside.controller"],
		"check": object{
			"interval": s.Profile.Interval.String(), "failures": s.Profile.Failures,
			"timeout": s.Profile.Timeout.String(), "confirm": 1,
		},
		"regions": object{"primary": end(East), "standby": end(West)},
		"ca":      l.Config("ca.crt"),
		"dns": object{
			"control": "http://" + l.Listen["outside.control"], "tokenFile": l.Secret(DNSToken),
			"resolver": l.Listen["outside.dns"], "name": EntryName, "port": l.Port,
		},
		"failover": object{"enabled": set.Failover, "manual": set.Manual, "tokenFile": l.Secret(CallToken)},
		"preflight": object{"enabled": set.Preflight, "rowConsistency": 0.99, "readinessMaxAge": "10s",
			"dataAge": "5s", "certificate": set.Certificates, "parity": set.Parity},
		"replication": object{"enabled": set.Alarm, "warn": "3s", "checks": 2, "silentWhenBroken": set.Silent},
		"certificates": object{"check": set.Certificates, "renew": set.Certificates, "warn": "720h",
			"authority": object{"certificate": l.Config("ca.crt"), "key": l.Secret(AuthorityKey)}},
		"parity": object{"enabled": set.Parity, "deploy": set.Parity && l.Releases != nil, "release": harness.BuildCurrent},
		"commit": object{"mode": s.All["commit"]},
		"notify": s.notifyConfig(l),
		"audit":  l.State(AuditFile),
		"state":  l.State("controller-state.json"),
	}
}

// notifyConfig points the alert channels at where the harness receives. Each
// delivery's secret, which tells this drill's alerts from others, goes into the
// place where the channel's own secret belongs.
func (s *Site) notifyConfig(l Layout) object {
	n := object{}
	for _, d := range s.Delivered {
		muted := s.muted(d.Channel)
		switch d.Channel {
		case "pagerduty":
			n["pagerduty"] = object{"url": d.URL, "routingKeyFile": l.Secret(PagerKey), "muted": muted}
		case "slack": // the secret is part of the URL, as it is with Slack
			n["slack"] = object{"url": d.URL, "muted": muted}
		case "smtp":
			n["smtp"] = object{"address": d.URL, "from": "dr@finrag.test", "to": []string{d.Secret}, "muted": muted}
		case "statuspage":
			n["statusPage"] = object{"url": d.URL, "tokenFile": l.Secret(StatusToken), "muted": muted}
		}
	}
	return n
}

// hostOf is the host of an address; the address itself when it has no port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// DatabaseSettings are the lines of a region's PostgreSQL configuration that depend on the settings, beside those of every
// server: whom a commit waits for, and how soon both ends notice that nothing comes any more.
func (s *Site) DatabaseSettings(region string) []string {
	var lines []string
	switch {
	case region != East:
	case s.Settings.Synchronous:
		lines = append(lines, "synchronous_commit = on", "synchronous_standby_names = '"+West+"'")
	default:
		lines = append(lines, "synchronous_commit = local")
	}
	if late := s.Settings.WALLatency; late > 0 { // an answer takes two ways: what is slow must not count as gone
		patience := (postgres.StreamTimeout + 4*late).Milliseconds()
		lines = append(lines, fmt.Sprintf("wal_receiver_timeout = %dms", patience), fmt.Sprintf("wal_sender_timeout = %dms", patience))
	}
	return lines
}
