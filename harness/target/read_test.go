package target_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/means"
	"blackstart/harness/probes"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
	"blackstart/internal/strictyaml"
)

func reader() target.Reader {
	return target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(),
		Probes: probes.Probes.Parameters(), Probe: target.ProbeRules{Fastest: probes.Fastest, Wrong: probes.Wrong, Traits: probes.TraitsOf},
		Channels: channels.Parameters(), Alerts: channels.Traits(), Transports: host.Transports.Parameters(), HostIdentity: host.Forms(), Means: means.Means.Parameters(), MeansTraits: means.Traits()}
}

// whole uses every key that there is.
const whole = `apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: staging, critical: true, service: Order entry, plan: BCP 4.2}
regions:
  - {name: east, role: primary}
  - {name: west, role: standby}
hosts:
  - {name: db1, region: east, address: 10.1.0.5}
  - {name: db2, region: west, address: 10.2.0.5, by: ssh, identity: "SHA256:jOHdBMhiFZmHWIAYLPWXLNb1gErQy9bxgpt6S4bJ3mc", with: {user: blackstart}}
  - {name: pod, region: west, address: 10.2.0.6, by: kubectl, with: {context: west, namespace: orders, pod: orders-0}}
components:
  - name: east.db
    kind: postgres
    host: db1
    port: 5432
    identity: "7412345678901234567"
    with: {database: orders, user: blackstart, password: {file: /run/secrets/orders}, encryption: tls, tls: {roots: /etc/roots.pem}}
  - {name: west.db, kind: postgres, region: west, address: "fd00::5", port: 5432, with: {database: orders, user: blackstart, password: {exec: [vault, read, orders]}, encryption: none}}
  - {name: east.api, kind: http, region: east, address: api.example.com, port: 8443, with: {scheme: https, path: /health, version: /v, headers: [{name: Authorization, secret: {file: /run/secrets/api}}]}}
  - {name: east.cache, kind: tcp, region: east, address: 10.1.0.7, port: 6379}
links:
  - {name: clients, from: outside, to: east.api}
  - {name: wal, from: west.db, to: east.db}
entry:
  url: https://orders.example.com/health
  resolver: 10.0.0.53:53
  status: 204
  tls: {certificate: /etc/client.pem, key: {env: CLIENT_KEY}}
  headers: [{name: Accept, value: text/plain}]
allows:
  - {write: ledger, on: east.db}
  - {announce: room}
  - {announce: desk}
limits:
  connections: 20
  changeWindow: {zone: America/New_York, days: [sat, sun], from: "22:00", to: "04:00", holidays: [2026-12-26]}
  ticket: "CHG[0-9]{7}"
  longestDrill: 4h
  probes: {tcp.connect: 200ms, sql.query: 5s}
clocks: {atMost: 500ms}
probes:
  - {id: orders-open, probe: sql.query, on: east.db, every: 10s, with: {query: SELECT count(*) FROM orders}}
  - {id: cache-port, probe: tcp.connect, on: east.cache, every: 200ms}
  - {id: stats, probe: http.get, on: east.api, with: {path: /stats, pointer: /open}}
  - {id: lag, probe: replication.lag}
  - {id: front, probe: tls.certificate, on: entry}
calls:
  - {name: depth, call: exec, reads: true, timeout: 5s, fields: {depth: /depth}, keep: text, with: {argv: [queue, depth], stdin: {file: /run/secrets/queue}}}
  - {name: patroni-log, call: exec, reads: true, timeout: 10s, with: {on: db2, argv: [tail, -n, "100", /var/log/patroni.log]}}
  - {name: drain, call: http, timeout: 5s, with: {method: POST, url: "https://10.1.0.6:8443/drain"}}
  - {name: open, call: sql, reads: true, timeout: 5s, with: {on: east.db, statement: SELECT 1}}
alerts:
  - {name: pagerduty, channel: pagerduty, listen: "10.0.0.2:9094", key: {file: /run/secrets/pager}, correlate: {by: first, class: down}, tls: {certificate: /etc/ours.pem, key: {file: /run/secrets/ours}}}
  - {name: slack, channel: slack, listen: "10.0.0.2:9095", key: {file: /run/secrets/slack}, correlate: {by: first}}
  - {name: webhook, channel: webhook, listen: "[fd00::2]:9096", key: {file: /run/secrets/hook}, correlate: {by: label, label: service, value: orders}, with: {fields: {status: /state, labels: /tags}}}
  - {name: alertmanager, channel: alertmanager.alerts, every: 2s, correlate: {by: dedup, pattern: "orders-.*"}, with: {url: "https://am.example.com", filter: ["service=\"orders\""]}}
decisions: {call: depth, lines: text, zone: America/New_York, detected: "(?P<time>.*) certain", done: "(?P<time>\\S+) over (?P<region>\\w+)"}
announce:
  - {name: room, slack: {file: /run/secrets/room}, text: A drill begins}
standDown:
  - {name: desk, call: drain}
`

func TestAWholeFileIsRead(t *testing.T) {
	got, err := reader().Parse("whole.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	db, _ := got.ComponentByName("east.db")
	west, _ := got.ComponentByName("west.db")
	if got.AddressOf(db) != "10.1.0.5:5432" || got.AddressOf(west) != "[fd00::5]:5432" || got.RegionOf(db).Role != "primary" ||
		!got.MayWrite("ledger", "east.db") || got.MayWrite("heartbeat", "east.db") || got.MayWrite("ledger", "west.db") ||
		!got.Limits.FitsTicket("CHG0000001") || got.Limits.FitsTicket("xCHG0000001") || (target.Limits{}).FitsTicket("") {
		t.Errorf("%+v", got)
	}
	bare := strings.NewReplacer("staging", "production").Replace(whole[:strings.Index(whole, "hosts:")]) + "components: []\n"
	if _, err := reader().Parse("bare.yaml", []byte(bare)); err == nil || !strings.Contains(err.Error(), "bare.yaml:7: the target has no components") {
		t.Errorf("without components: %v", err)
	}
	if _, err := reader().Parse("start.yaml", target.Start); err != nil {
		t.Errorf("the file to begin with: %v", err)
	}
}

// In production a probe is asked once a second at most, where no other pace is written.
func TestPacesInProduction(t *testing.T) {
	in := strings.Replace(whole, "staging", "production", 1)
	if got, err := reader().Parse("p.yaml", []byte(in)); err != nil || got.ProbePaces()["tcp.connect"] != int64(200*time.Millisecond) {
		t.Error(err)
	}
	_, err := reader().Parse("p.yaml", []byte(strings.Replace(in, "tcp.connect: 200ms, ", "", 1)))
	if err == nil || !strings.Contains(err.Error(), "probe cache-port is asked every 200ms, and limits allow it every 1s: write at least 1s, or list another pace in limits.probes") {
		t.Error(err)
	}
	if (target.Target{}).ProbePaces() != nil {
		t.Error("paces that nobody wrote")
	}
}

// changed is the whole file with one change, and the line on which it is.
func changed(t *testing.T, from, to string) (string, int) {
	t.Helper()
	at := strings.Index(whole, from)
	if at < 0 {
		t.Fatalf("the file has no %q", from)
	}
	return strings.Replace(whole, from, to, 1), 1 + strings.Count(whole[:at], "\n")
}

// Everything that can be wrong is told with its line and what to write.
func TestBadFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"critical: true", "critcal: true", `metadata has no key "critcal": did you mean "critical"?`},
		{"staging", "prod", `environment of metadata is "prod": write one of production, rehearsal, staging`},
		{"owner: Order desk", "owner: TODO", "which says nothing yet"},
		{"name: orders,", "name: ../orders,", `"../orders" cannot be a name: write small letters`},
		{"name: db1", "name: a..b", `"a..b" cannot be a name`},
		{"name: clients", "name: a/b", `"a/b" cannot be a name`},
		{"{name: west, role", "{name: east, role", `the name "east" is taken`},
		{"name: east.cache", "name: east.db", `the name "east.db" is taken`},
		{"name: east.cache", "name: outside", `the name "outside" is taken`},
		{"name: east.cache", "name: west", `the name "west" is taken`},
		{"name: wal", "name: clients", `the name "clients" is taken`},
		{"name: open", "name: drain", `the name "drain" is taken`},
		{"role: standby", "role: backup", `role of region 2 is "backup": write one of active, primary, standby, witness`},
		{"role: standby", "role: primary", "two regions are primary"},
		{"role: primary", "role: witness", "no region has the role primary or active"},
		{"role: primary", "role: active", "a region is standby and none is primary"},
		{"region: east, address: 10.1.0.5", "region: nowhere, address: 10.1.0.5", `there is no region "nowhere"`},
		{"address: 10.1.0.5", "address: https://db1", `"https://db1" is no address`},
		{"address: 10.1.0.5", `address: "10.1.0.5:5432"`, "is no address: write an address or a name, without scheme and port"},
		{"host: db1", "host: db3", `there is no host "db3"`},
		{"    host: db1\n", "    host: db1\n    region: west\n", "component east.db is in west, and its host in east"},
		{"kind: tcp", "kind: tpc", `there is no kind of component "tpc": did you mean "tcp"?`},
		{"kind: tcp, region: east, address: 10.1.0.7", "kind: tcp, region: east", "component east.cache has no address"},
		{"kind: tcp, region: east,", "kind: tcp,", "component east.cache stands nowhere"},
		{"port: 6379", "port: 70000", "is 70000: write 1 to 65535"},
		{"port: 6379", "port: 6379, identity: abc", "a component of kind tcp has no identity that could be read: leave it out"},
		{"port: 6379", "port: 6379, with: {a: b}", "component 4 (tcp) takes no with"},
		{"7412345678901234567", "east", "the identity of east.db is none of a postgres"},
		{"{roots: /etc/roots.pem}", "{roots: roots.pem}", "tls.roots of east.db is no absolute path"},
		{"encryption: none", "encryption: none, tls: {roots: system}", "is for a connection without TLS: leave tls out"},
		{"id: cache-port", "id: stats", "two probes are called stats"},
		{"id: cache-port", "id: cache.port", `id "cache.port" of a probe is not a name`},
		{"probe: tcp.connect", "probe: tcp.conect", `there is no kind of probe "tcp.conect": did you mean "tcp.connect"?`},
		{"on: east.cache", "on: west.cache", `probe cache-port cannot be asked: target orders has neither`},
		{"sql.query, on: east.db", "sql.query, on: east.api", "east.api is of kind api"},
		{"every: 200ms", "every: 150ms", "probe cache-port is asked every 150ms, and limits allow it every 200ms: write at least 200ms"},
		{"every: 10s", "every: 2s", "limits allow it every 5s"},
		{"SELECT count", "DELETE count", "query of probe orders-open may do more than read"},
		{"pointer: /open", "pionter: /open", `did you mean "pointer"?`},
		{"tcp.connect: 200ms", "tcp.connect: 1ms", "the pace of tcp.connect is 1ms, and it is asked no oftener than every 100ms"},
		{"tcp.connect: 200ms", "tcp.conect: 200ms", `there is no kind of probe "tcp.conect"`},
		{"tcp.connect: 200ms", "tcp.connect: 2h", "write at most 1h"},
		{"tcp.connect: 200ms", "tcp.connect: often", `is not a duration`},
		{"encryption: none", "encryption: maybe", `is "maybe": write one of none, tls`},
		{"{file: /run/secrets/orders}", "{file: secrets/orders}", "password names no absolute path: write the whole path"},
		{"{file: /run/secrets/orders}", "{file: /a, env: B}", "password names 2 places, not one: write where it is"},
		{"{file: /run/secrets/orders}", "{env: ORDERS}", "password is in the environment, which is gone with this process"},
		{"{file: /run/secrets/orders}", "{}", "password names 0 places"},
		{"path: /health, v", "path: health, v", "path of east.api does not begin with a slash"},
		{"secret: {file: /run/secrets/api}", "value: x-17", "the header Authorization is a secret, and is written here: write `secret:`"},
		{"from: outside", "from: anywhere", `there is no component "anywhere"`},
		{"from: outside, to: east.api", "from: outside", "link 1 has no to"},
		{"from: west.db, to: east.db", "from: west.db, to: west.db", "link wal leads from west.db to itself"},
		{"https://orders.example.com/health", "ftp://orders", "the URL of the entry is neither http nor https"},
		{"https://orders.example.com/health", "https://orders.example.com:84433/health", "the URL of the entry has a port that is none of 1 to 65535"},
		{"https://orders.example.com/health", "https://orders.example.com:0/health", "has a port that is none of 1 to 65535"},
		{"https://10.1.0.6:8443/drain", "https://10.1.0.6:70000/drain", "url of drain has a port that is none of 1 to 65535"},
		{"resolver: 10.0.0.53:53", "resolver: dns", `the resolver is "dns": write system, or a name server`},
		{"certificate: /etc/client.pem, ", "", "certificate of tls of entry and the key go together"},
		{"status: 204", "status: 204\n  identity: abc", `entry has no key "identity"`},
		{"status: 204", "status: 204\n  identities: [" + strings.Repeat("ab", 32) + ", abc]", "the identity of the entry is none of a TLS key"},
		{"{name: Accept, value: text/plain}", "{name: Accept}", `header "Accept" needs a value or a secret`},
		{"write: ledger", "write: everything", `is "everything": write one of heartbeat, ledger`},
		{"{write: ledger, on: east.db}", "{write: ledger, on: east.cache}", "a component of kind tcp holds no ledger: name one of kind postgres or redis"},
		{"by: ssh, identity", "by: telnet, identity", `there is no transport "telnet"`},
		{"by: ssh, identity", "identity", "host db2 has no transport by which anything is asked of it: write by: ssh, or leave identity and with out"},
		{"SHA256:jOHdBMhiFZmHWIAYLPWXLNb1gErQy9bxgpt6S4bJ3mc", "MD5:aa", "the identity of db2 is none of a host by ssh: write what"},
		{"with: {user: blackstart}", "with: {user: -oProxyCommand=x}", "user of db2 is no account: write its name alone"},
		{"with: {user: blackstart}", "with: {user: blackstart, key: id}", "key of db2 is no whole path"},
		{"with: {user: blackstart}", "with: {pod: x}", "takes no pod: leave it out: it is for kubectl"},
		{"with: {user: blackstart}", "ssh: yes", `host 2 has no key "ssh": write by: ssh`},
		{"pod: orders-0", "pod: --all", "pod of pod is no name"},
		{"namespace: orders, ", "", "has no namespace"},
		{"with: {on: db2", "with: {on: db3", `on of patroni-log is no host ("db3"): name one of hosts:`},
		{"with: {on: db2", "with: {on: db1", "on of patroni-log db1 has no transport by which a program is run there: write by: at the host"},
		{"{write: ledger, on: east.db}", "{channel: pagerduty}", "not supported yet"},
		{"connections: 20", "rate: 20/s", `limits has no key "rate": write it under loads:, it bounds each load`},
		{"connections: 20", "loads: {rate: 0/s}", "a load of rate 0/s does nothing: write one such as 50/s"},
		{"connections: 20", "loads: {rate: fast}", "is not a rate"},
		{"connections: 20", "loads: {}", "the limits of loads bound nothing"},
		{"connections: 20", "loads: {rows: 0}", "rows of loads of limits is 0"},
		{"{write: ledger, on: east.db}", "{path: GET /orders}", `"GET /orders" is no request that may change something: write one such as POST /orders`},
		{"{write: ledger, on: east.db}", "{path: 'POST /orders?x=1'}", `is no request that may change something`},
		{"{write: ledger, on: east.db}", "{path: POST /orders, on: east.db}", "an allowance is for one thing"},
		{"{write: ledger, on: east.db}", "{path: POST /orders}\n  - {path: POST /orders}", "POST /orders is allowed twice"},
		{"longestDrill: 4h", "longestDrill: 10s", "a drill may last 10s: write 1m to 24h"},
		{"longestDrill: 4h", "longestDrill: 0s", "a drill may last 0s: write 1m to 24h"},
		{"longestDrill: 4h", "longestDrill: 25h", "a drill may last 25h0m0s: write 1m to 24h"},
		{"longestDrill: 4h", "longestDrill: long", "is not a duration"},
		{"longestDrill: 4h", "longestDril: 4h", `did you mean "longestDrill"?`},
		{"zone: America/New_York", "zone: America/Gotham", `there is no time zone "America/Gotham"`},
		{"days: [sat, sun]", "days: [saturday]", `is "saturday"`},
		{`from: "22:00"`, `from: "25:00"`, `from of the change window is "25:00"`},
		{"2026-12-26", "2026-02-30", `holiday "2026-02-30" is no day`},
		{"CHG[0-9]{7}", "CHG[0-9", "the pattern of the ticket is none"},
		{"atMost: 500ms", "atMost: 3h", "clocks may be 3h0m0s off: write up to 1h"},
		{"timeout: 5s, fields", "timeout: 1h, fields", "the timeout of call depth is 1h0m0s: write 100ms to 10m"},
		{"{depth: /depth}", "{depth: depth}", `"depth" is no JSON pointer`},
		{"argv: [queue, depth]", "argv: []", "argv of depth is empty"},
		{"argv: [queue, depth]", "argv: [queue, --token, abcdef]", "an option that takes a secret"},
		{"call: exec", "call: exce", `there is no kind of call "exce": did you mean "exec"?`},
		{"call: http, timeout", "call: http, reads: true, timeout", "method of drain is POST, which does not only read"},
		{"with: {on: east.db", "with: {on: nodb", `on of open is "nodb", and there is no such component`},
		{"statement: SELECT 1", "statement: REINDEX TABLE orders", "statement of open may do more than read: begin it with SELECT"},
		{"statement: SELECT 1", "statement: COPY orders TO PROGRAM 'sh'", "may do more than read"},
		{"statement: SELECT 1", "statement: SELECTED", "may do more than read"},
		{"with: {on: east.db", "with: {on: east.cache", "on of open is no database"},
		{"call: http, timeout: 5s", "call: http, timeout: 5s, undo: x", `there is no call "x"`},
		{"kind: Target\n", "kind: Target\nextends: other.yaml\n", "not supported yet"},
	} {
		text, line := changed(t, c.from, c.to)
		_, err := reader().Parse("bad.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v\nwant %q", c.to, c.from, err, c.want)
			continue
		}
		var near bool
		for _, l := range strings.Split(err.Error(), "\n") {
			n, _ := strconv.Atoi(strings.Split(strings.TrimPrefix(l, "bad.yaml:"), ":")[0])
			near = near || strings.Contains(l, c.want) && n >= line-6 && n <= line+2
		}
		if !near {
			t.Errorf("%q: %v\nwant it near line %d", c.to, err, line)
		}
	}
}

// A rehearsal is on loopback, whichever address it is.
func TestARehearsalIsOnLoopback(t *testing.T) {
	rehearsal := strings.Replace(whole, "staging", "rehearsal", 1)
	_, err := reader().Parse("r.yaml", []byte(rehearsal))
	if err == nil {
		t.Fatal("foreign addresses pass for a rehearsal")
	}
	for _, want := range []string{`"10.1.0.5" is not shown to be on this machine, and this is a rehearsal: it is not a loopback address`, `"fd00::5" is not`, `"api.example.com" is not`, `"10.1.0.7" is not`,
		"the entry is not shown", "url of drain is not shown"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it lacks %q:\n%v", want, err)
		}
	}
	r := strings.NewReplacer("10.1.0.5", "127.0.0.5", "10.2.0.5", "127.0.0.8", "10.2.0.6", "127.0.0.9", "fd00::5", "::1", "api.example.com", "localhost", "10.1.0.7", "127.1.2.3", "10.0.0.53", "127.0.0.53",
		"10.1.0.6", "127.0.0.6", "10.0.0.2", "127.0.0.2", "[fd00::2]", "[::1]", "am.example.com", "127.0.0.3", "{file: /run/secrets/orders}", "{env: ORDERS}")
	if _, err := reader().Parse("r.yaml", []byte(r.Replace(rehearsal))); err != nil {
		t.Errorf("on loopback, with a secret in the environment: %v", err)
	}
	// Where its reader finds out what is on this machine, the same holds for that; a name leads anywhere all the same.
	asks := reader()
	asks.Here = func(a netip.Addr) error {
		if a == netip.MustParseAddr("10.1.0.7") {
			return errors.New("no way leads there")
		}
		return nil
	}
	_, err = asks.Parse("r.yaml", []byte(rehearsal))
	if err == nil || !strings.Contains(err.Error(), `"10.1.0.7" is not shown to be on this machine, and this is a rehearsal: no way leads there`) ||
		!strings.Contains(err.Error(), `"api.example.com" is not`) || strings.Contains(err.Error(), "10.1.0.5") {
		t.Errorf("%v", err)
	}
}

// Whatever somebody writes in place of a reference is refused, and not repeated.
func TestALiteralSecretIsRefusedAndNotRepeated(t *testing.T) {
	const reference = "{file: /run/secrets/orders}"
	for _, literal := range []string{"hunter2-planted", `"hunter2-planted"`, "*hunter2-planted", "!hunter2-planted", "&hunter2-planted x", "[hunter2-planted]",
		"{env: hunter2-planted}", "{file: hunter2-planted}", "{value: hunter2-planted}", "{hunter2-planted: x}", "{file: /a, hunter2-planted: x}", "{exec: [echo, hunter2-planted]}", "{hunter2-planted}", "|hunter2-planted", "'hunter2-planted"} {
		text, line := changed(t, reference, literal)
		_, err := reader().Parse("bad.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), "bad.yaml:"+strconv.Itoa(line)+":") && !strings.Contains(err.Error(), "this is not YAML") {
			t.Errorf("%s: %v, want line %d", literal, err, line)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s is repeated: %v", literal, err)
		}
	}
	for _, c := range []struct{ from, to string }{
		{"https://orders.example.com/health", "https://app:hunter2-planted@orders.example.com/"},
		{"address: 10.1.0.7", "address: 'app:hunter2-planted@db'"},
		{"SELECT 1", "ALTER ROLE a PASSWORD 'hunter2-planted'"},
		{"argv: [queue, depth]", "argv: [queue, --password=hunter2-planted]"},
		{"value: text/plain", "value: Bearer hunter2-planted"},
		{"https://10.1.0.6:8443/drain", "https://10.1.0.6:8443/drain?token=hunter2-planted"},
		{"plan: BCP 4.2", "password: hunter2-planted, plan: BCP 4.2"},
		{"argv: [queue, depth]", "argv: [redis-cli, -a, hunter2-planted, ping]"},
		{"argv: [queue, depth]", "argv: [queue, --db-password, hunter2-planted]"},
		{"method: POST,", "method: POST, body: '{\"password\":\"hunter2-planted\"}',"},
		{"{name: Accept, value: text/plain}", "{name: Ocp-Apim-Subscription-Key, value: hunter2-planted}"},
		{"[vault, read, orders]", "[sh, -c, echo TOKEN=hunter2-planted]"},
	} {
		text, line := changed(t, c.from, c.to)
		_, err := reader().Parse("bad.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), "bad.yaml:"+strconv.Itoa(line)+":") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want line %d", c.to, err, line)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "t.yaml")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader().Load(path); err != nil {
		t.Error(err)
	}
	if _, _, err := reader().Load(filepath.Join(dir, "missing")); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("#", strictyaml.MaxSize+2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader().Load(path); err == nil {
		t.Error("a file without end was read")
	}
}

// FuzzParse: no bytes make the reader panic, and what it takes describes something.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add(target.Start)
	f.Add([]byte("components: [{name: x, kind: postgres, with: {password: {exec: [a]}}}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := reader().Parse("f.yaml", data)
		if err == nil && (got.Metadata.Name == "" || len(got.Components) == 0 || len(got.Regions) == 0) {
			t.Errorf("taken: %+v", got)
		}
	})
}
