package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// channel is an alert channel of the firm: a name, how its alerts are told to be the drill's, and what more there is to say.
type channel struct{ name, correlate string }

// describe writes the target file of the firm, with these alert channels, which are received, and more lines. Its secrets stand in files, in the environment and
// with a program.
func (d *desk) describe(channels []channel, more string) (file string) {
	d.t.Helper()
	hostPort := func(address string) (string, string) {
		host, port, err := net.SplitHostPort(address)
		must(d.t, err)
		return host, port
	}
	db := func(region, address string) string {
		host, port := hostPort(address)
		return fmt.Sprintf("  - {name: %s.db, kind: postgres, region: %[1]s, address: %s, port: %s, with: {database: finrag, user: watcher, password: {file: DIR/password}, encryption: none}}\n",
			region, host, port)
	}
	host, port := hostPort(d.service.address())
	api := func(name, region, path, headers string) string {
		return fmt.Sprintf("  - {name: %s, kind: http, region: %s, address: %s, port: %s, with: {scheme: https, path: %s, tls: TLS, headers: [%s]}}\n", name, region, host, port, path, headers)
	}
	header := "{name: X-Desk-Key, secret: {env: " + headerVariable + "}}"
	text := `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: order-desk, owner: Order desk, environment: rehearsal, critical: true, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}, {name: west, role: standby}]
limits: {connections: 40}
components:
` + db("east", d.clients.Addr()) + db("west", net.JoinHostPort(deskHost, strconv.Itoa(d.west.Port))) +
		api("metrics", "east", "/health", "{name: Authorization, secret: {exec: [DIR/vault, bearer]}}") + api("desk.api", "west", "/health", header) + `
links: [{name: writers-east, from: outside, to: east.db}, {name: writers-west, from: outside, to: west.db}, {name: replication, from: west.db, to: east.db},
  {name: clients, from: outside, to: desk.api}, {name: watchers, from: outside, to: metrics}]
entry: {url: "https://` + d.service.address() + `/health", resolver: system, tls: TLS, headers: [` + header + `]}
allows:
  - {path: POST /orders}
  - {write: ledger, on: east.db}
  - {write: ledger, on: west.db}
  - {write: heartbeat, on: east.db}
  - {write: heartbeat, on: west.db}
  - {announce: begins}
  - {announce: over}
announce: [{name: begins, slack: {file: DIR/hook}, text: A drill begins, tls: TLS}]
standDown: [{name: over, slack: {file: DIR/hook}, text: The drill is over, tls: TLS}]
probes:
  - {id: taken, probe: sql.query, on: west.db, with: {query: "SELECT count(*) FROM orders"}}
  - {id: port, probe: tcp.connect, on: west.db}
  - {id: certificate, probe: tls.certificate, on: entry, every: 1s}
  - {id: queue, probe: exec.run, every: 1s, with: {argv: [DIR/queue]}}
  - {id: failing, probe: prometheus.query, on: metrics, every: 1s, with: {query: job_errors_ratio, unit: share}}
  - {id: served, probe: http.get, on: entry, every: 500ms}
  - {id: age, probe: http.get, on: desk.api, every: 500ms, with: {path: /stats, pointer: /asOf, unit: age}}
calls:
  - {name: ask, call: exec, reads: true, timeout: 5s, with: {argv: [wc, -c], stdin: {exec: [DIR/vault, stdin]}}}
decisions: {file: DIR/failover.log, lines: text, declared: '^(?P<time>\S+) failover declared', done: '^(?P<time>\S+) failover complete'}
`
	d.note("ready")
	var alerts strings.Builder
	for _, c := range channels {
		d.listens[c.name] = net.JoinHostPort(deskHost, strconv.Itoa(freePort(d.t)))
		fmt.Fprintf(&alerts, "  - {name: %s, channel: webhook, listen: %q, key: {exec: [DIR/vault, page]}, tls: {certificate: DIR/alerts.pem, key: {exec: [DIR/vault, alerts.key]}}, correlate: %s, "+
			"with: {fields: {status: /state, class: /check, incident: /id, summary: /text, labels: /tags}}}\n", c.name, d.listens[c.name], c.correlate)
	}
	if alerts.Len() > 0 || more != "" {
		text += "alerts:\n" + alerts.String() + more
	}
	text = strings.ReplaceAll(text, "TLS", "{roots: DIR/roots.pem, certificate: DIR/client.pem, key: {file: DIR/client.key}}")
	file = filepath.Join(d.dir, "order-desk.target.yaml")
	must(d.t, os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", d.dir)), 0o600))
	return file
}
