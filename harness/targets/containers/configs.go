package containers

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	"gopkg.in/yaml.v3"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/processes"
	"blackstart/harness/targets/procs"
)

// object is one level of a YAML file.
type object map[string]any

// Where things stand inside a container.
const (
	inside    = "/etc/blackstart/"
	stateDir  = "/state/"
	auditFile = stateDir + "audit.jsonl"
	dataDir   = "/data/pg"
)

// Names of secrets.
const (
	dbPassword = "db.pass"
	dnsToken   = "dns.token"
	callToken  = "controller.token"
	pagerKey   = "pagerduty.key"
	statusKey  = "status.token"
	slackToken = "slack.token" // part of its URL
	mailTo     = "smtp.to"
)

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// makeSecrets draws the secrets and keeps them in the state directory, from where an undo can redact.
func (r *run) makeSecrets() error {
	r.secrets[dbPassword] = r.password
	r.secrets[dnsToken] = postgres.NewPassword()
	r.secrets[callToken] = postgres.NewPassword()
	names := map[string]string{"pagerduty": pagerKey, "statuspage": statusKey, "slack": slackToken, "smtp": mailTo}
	for _, d := range r.req.Deliveries {
		if name := names[d.Channel]; name != "" && d.Secret != "" {
			r.secrets[name] = d.Secret
		}
	}
	var errs []error
	for name, secret := range r.secrets {
		errs = append(errs, procs.WriteFile(r.secret(name), []byte(secret+"\n"), 0o600))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("keep the secrets: %w", err)
	}
	return nil
}

// text is a file to be copied into a container before it starts.
func text(name, content string) testcontainers.ContainerFile {
	return testcontainers.ContainerFile{Reader: strings.NewReader(content), ContainerFilePath: inside + name, FileMode: 0o444}
}

// secretFiles are those secrets as files.
func (r *run) secretFiles(names ...string) (files []testcontainers.ContainerFile) {
	for _, n := range names {
		if s, ok := r.secrets[n]; ok {
			files = append(files, text(n, s+"\n"))
		}
	}
	return files
}

// configFile is a component's own file; a copy stays in the state directory for people.
func (r *run) configFile(name string, v any) (testcontainers.ContainerFile, error) {
	b, err := yaml.Marshal(v)
	if err == nil {
		err = procs.WriteFile(r.config(name), b, 0o600)
	}
	if err != nil {
		return testcontainers.ContainerFile{}, fmt.Errorf("write the configuration %s: %w", name, err)
	}
	return text(name, string(b)), nil
}

func database(host string) object {
	return object{
		"url":          fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", postgres.User, join(host, databasePort), postgres.Database),
		"passwordFile": inside + dbPassword,
	}
}

// regionFiles are the files of one region's API. It reaches its database by the private path.
func (r *run) regionFiles(region string) ([]testcontainers.ContainerFile, error) {
	cache := ""
	if g := r.gates[region+".cache"]; g != nil {
		cache = join(g.address[region], cachePort)
	}
	config, err := r.configFile(region+".yaml", object{
		"region":   region,
		"listen":   join("0.0.0.0", apiPort),
		"tls":      object{"certificate": inside + region + ".crt", "key": inside + region + ".key"},
		"database": database(r.gates[region+".db"].address[region]),
		"vector":   object{"syncInterval": "1s", "lookback": "10m"},
		"cache":    object{"address": cache},
		"seed":     object{"documents": r.settings.Documents},
	})
	if err != nil {
		return nil, err
	}
	files := append(r.secretFiles(dbPassword), config)
	for name, path := range map[string]string{region + ".crt": r.leaves[region].CertFile, region + ".key": r.leaves[region].KeyFile} {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the certificate of %s: %w", region, err)
		}
		files = append(files, text(name, string(b)))
	}
	return files, nil
}

func (r *run) dnsFiles() ([]testcontainers.ContainerFile, error) {
	self := r.gates[outside].address[outside]
	config, err := r.configFile("dns.yaml", object{
		"name":    processes.EntryName,
		"listen":  join(self, dnsPort),
		"ttl":     r.profile.TTL.String(),
		"records": object{"primary": r.gates["east.api"].address[upTo(east)], "secondary": r.gates["west.api"].address[upTo(west)]},
		"state":   stateDir + "dns-state.json",
		"control": object{"listen": join(self, dnsControlPort), "tokenFile": inside + dnsToken},
	})
	return append(r.secretFiles(dnsToken), config), err
}

func (r *run) controllerFiles() ([]testcontainers.ContainerFile, error) {
	self := r.gates[outside].address[outside]
	end := func(region string) object {
		return object{
			"name": region, "api": "https://" + join(r.gates[region+".api"].address[upTo(region)], apiPort),
			"serverName": processes.ServerName, "database": database(r.gates[region+".db"].address[upTo(region)]),
		}
	}
	config, err := r.configFile("controller.yaml", object{
		"profile": r.profile.Name,
		"listen":  join(self, controllerPort),
		"check": object{
			"interval": r.profile.Interval.String(), "failures": r.profile.Failures,
			"timeout": r.profile.Timeout.String(), "confirm": 1,
		},
		"regions": object{"primary": end(east), "standby": end(west)},
		"ca":      inside + "ca.crt",
		"dns": object{
			"control": "http://" + join(self, dnsControlPort), "tokenFile": inside + dnsToken,
			"resolver": join(self, dnsPort), "name": processes.EntryName, "port": apiPort,
		},
		"failover":  object{"enabled": r.settings.Failover, "manual": r.settings.Manual, "tokenFile": inside + callToken},
		"preflight": object{"enabled": true, "rowConsistency": 0.99, "readinessMaxAge": "10s"},
		"commit":    object{"mode": r.all["commit"]},
		"notify":    r.notify(),
		"audit":     auditFile,
		"state":     stateDir + "controller-state.json",
	})
	files := append(r.secretFiles(dbPassword, dnsToken, callToken, pagerKey, statusKey), config)
	return append(files, text("ca.crt", string(r.ca.CAPEM))), err
}

// notify points the alert channels at where the harness receives, as seen from the network outside.
func (r *run) notify() object {
	n := object{}
	for _, d := range r.delivered {
		switch d.Channel {
		case "pagerduty":
			n["pagerduty"] = object{"url": d.URL, "routingKeyFile": inside + pagerKey, "muted": r.muted(d)}
		case "slack": // the secret is part of the URL, as it is with Slack
			n["slack"] = object{"url": d.URL, "muted": r.muted(d)}
		case "smtp":
			n["smtp"] = object{"address": d.URL, "from": "dr@finrag.test", "to": []string{d.Secret}, "muted": r.muted(d)}
		case "statuspage":
			n["statusPage"] = object{"url": d.URL, "tokenFile": inside + statusKey, "muted": r.muted(d)}
		}
	}
	return n
}

// muted tells whether a channel is muted. Only the pager can be, by pager.muted.
func (r *run) muted(d harness.Delivery) bool {
	return d.Channel == "pagerduty" && r.settings.PagerMuted
}

// databaseFiles are those of a database's container: how it starts, its configuration, its password.
func (r *run) databaseFiles(region string, start []byte) []testcontainers.ContainerFile {
	lines := append([]string{
		"# Written by the harness; changes are lost.",
		"listen_addresses = '*'", // of its own network, whose ends are the links and the private path
		fmt.Sprintf("port = %d", databasePort),
		"unix_socket_directories = '/tmp'",
		"cluster_name = '" + region + "'",
	}, postgres.ServerSettings()...)
	if region == east {
		if r.settings.Synchronous {
			lines = append(lines, "synchronous_commit = on", "synchronous_standby_names = '"+west+"'")
		} else {
			lines = append(lines, "synchronous_commit = local")
		}
	}
	script := text("postgres-start.sh", string(start))
	script.FileMode = 0o555
	return append(r.secretFiles(dbPassword), script, text("server.conf", strings.Join(lines, "\n")+"\n"))
}
