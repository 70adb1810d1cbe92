package processes

import (
	"errors"
	"fmt"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
)

// object is one level of a YAML file.
type object map[string]any

// Names of secrets.
const (
	dbPassword = "db.pass"
	dnsToken   = "dns.token"
	callToken  = "controller.token"
)

// writeConfigs writes finrag's configuration files and the secrets they name.
func (r *run) writeConfigs() error {
	r.secrets[dbPassword] = r.password
	r.secrets[dnsToken] = postgres.NewPassword()
	r.secrets[callToken] = postgres.NewPassword()
	errs := []error{
		r.write("east.yaml", r.regionConfig(east)),
		r.write("west.yaml", r.regionConfig(west)),
		r.write("dns.yaml", r.dnsConfig()),
		r.write("controller.yaml", r.controllerConfig()),
		procs.WriteFile(r.config("ca.crt"), r.ca.pem, 0o644),
	}
	for name, secret := range r.secrets {
		errs = append(errs, procs.WriteFile(r.secret(name), []byte(secret+"\n"), 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

func (r *run) write(name string, v any) error {
	b, err := yaml.Marshal(v)
	if err != nil {
		return err
	}
	return procs.WriteFile(r.config(name), b, 0o600)
}

func (r *run) database(address string) object {
	return object{
		"url":          fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", postgres.User, address, postgres.Database),
		"passwordFile": r.secret(dbPassword),
	}
}

func (r *run) regionConfig(region string) object {
	return object{
		"region":   region,
		"listen":   r.listen[region+".api"],
		"tls":      object{"certificate": r.leaves[region].certFile, "key": r.leaves[region].keyFile},
		"database": r.database(r.listen[region+".db"]),
		"vector":   object{"syncInterval": "1s", "lookback": "10m"},
		"cache":    object{"address": r.listen[region+".cache"]},
		"seed":     object{"documents": r.settings.Documents},
	}
}

func (r *run) dnsConfig() object {
	first, _, _ := splitPort(r.links["outside→east.api"].Addr()) // an address of a listener of ours
	second, _, _ := splitPort(r.links["outside→west.api"].Addr())
	return object{
		"name":    entryName,
		"listen":  r.listen["outside.dns"],
		"ttl":     r.timings.ttl.String(),
		"records": object{"primary": first, "secondary": second},
		"state":   filepath.Join(r.dir, "outside", "dns-state.json"),
		"control": object{"listen": r.listen["outside.control"], "tokenFile": r.secret(dnsToken)},
	}
}

func (r *run) controllerConfig() object {
	end := func(region string) object {
		return object{
			"name": region, "api": "https://" + r.links["outside→"+region+".api"].Addr(), "serverName": serverName,
			"database": r.database(r.links["outside→"+region+".db"].Addr()),
		}
	}
	return object{
		"profile": r.timings.name,
		"listen":  r.listen["outside.controller"],
		"check": object{
			"interval": r.timings.interval.String(), "failures": r.timings.failures,
			"timeout": r.timings.timeout.String(), "confirm": 1,
		},
		"regions": object{"primary": end(east), "standby": end(west)},
		"ca":      r.config("ca.crt"),
		"dns": object{
			"control": "http://" + r.listen["outside.control"], "tokenFile": r.secret(dnsToken),
			"resolver": r.listen["outside.dns"], "name": entryName, "port": r.apiPort,
		},
		"failover":  object{"enabled": r.settings.Failover, "manual": r.settings.Manual, "tokenFile": r.secret(callToken)},
		"preflight": object{"enabled": true, "rowConsistency": 0.99, "readinessMaxAge": "10s"},
		"commit":    object{"mode": r.all["commit"]},
		"notify":    r.notifyConfig(),
		"audit":     r.auditFile(),
		"state":     filepath.Join(r.dir, "outside", "controller-state.json"),
	}
}

func (r *run) auditFile() string { return filepath.Join(r.dir, "outside", "audit.jsonl") }

// notifyConfig points the alert channels at where the harness receives. Each
// delivery's secret, which tells this drill's alerts from others, goes into the
// place where the channel's own secret belongs.
func (r *run) notifyConfig() object {
	n := object{}
	for _, d := range r.req.Deliveries {
		switch d.Channel {
		case "pagerduty":
			r.secrets["pagerduty.key"] = d.Secret
			n["pagerduty"] = object{"url": d.URL, "routingKeyFile": r.secret("pagerduty.key"), "muted": r.muted(d)}
		case "slack": // the secret is part of the URL, as it is with Slack
			n["slack"] = object{"url": d.URL, "muted": r.muted(d)}
		case "smtp":
			n["smtp"] = object{"address": d.URL, "from": "dr@finrag.test", "to": []string{d.Secret}, "muted": r.muted(d)}
		case "statuspage":
			r.secrets["status.token"] = d.Secret
			n["statusPage"] = object{"url": d.URL, "tokenFile": r.secret("status.token"), "muted": r.muted(d)}
		}
	}
	return n
}

// muted tells whether a channel is muted. Only the pager can be, by pager.muted.
func (r *run) muted(d harness.Delivery) bool {
	return d.Channel == "pagerduty" && r.settings.PagerMuted
}
