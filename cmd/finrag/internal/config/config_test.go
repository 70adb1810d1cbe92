package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const regionText = `region: east
listen: 127.0.0.1:18443
tls: {certificate: east.crt, key: /keys/east.key}
database: {url: "postgres://finrag@127.0.0.1:5433/finrag?sslmode=disable", passwordFile: db.pass}
vector: {syncInterval: 1s, lookback: 10m}
cache: {address: ""}
limits: {maxBody: 1MiB, queryTimeout: 2s}
`

const dnsText = `name: api.finrag.test.
listen: 127.0.0.1:5353
ttl: 2s
records: {primary: 127.77.1.1, secondary: 127.77.2.1}
state: dns-state.json
control: {listen: 127.0.0.1:5380, tokenFile: dns.token}
`

const controllerText = `profile: fast
listen: 127.0.0.1:5390
check: {interval: 1s, failures: 3, timeout: 1s, confirm: 1}
regions:
  primary: {name: east, api: "https://127.77.1.1:8443", serverName: api.finrag.test, database: {url: "postgres://finrag@127.0.0.1/finrag", passwordFile: db.pass}}
  standby: {name: west, api: "https://127.77.2.1:8443", serverName: api.finrag.test, database: {url: "postgres://finrag@127.0.0.2/finrag", passwordFile: db.pass}}
ca: ca.crt
dns: {control: "http://127.0.0.1:5380", tokenFile: dns.token, resolver: 127.0.0.1:5353, name: api.finrag.test., port: 8443}
failover: {enabled: true}
preflight: {enabled: true, rowConsistency: 0.99, readinessMaxAge: 10s}
commit: {mode: synchronous}
notify:
  pagerduty: {url: "http://127.0.0.1:1/v2/enqueue", routingKeyFile: pagerduty.key, muted: false}
  slack: {url: "http://127.0.0.1:1", muted: false}
  smtp: {address: "127.0.0.1:2525", from: dr@finrag.test, to: [oncall@finrag.test], muted: false}
  statusPage: {url: "http://127.0.0.1:1", tokenFile: status.token, muted: false}
audit: audit.jsonl
state: controller-state.json
`

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestContractExamplesLoad(t *testing.T) {
	path := file(t, regionText)
	r, err := LoadRegion(path)
	if err != nil {
		t.Fatal(err)
	}
	if r.TLS.Certificate != filepath.Join(filepath.Dir(path), "east.crt") || r.TLS.Key != "/keys/east.key" {
		t.Errorf("paths %v: want the relative one beside the file, the other as it is", r.TLS)
	}
	if r.Limits.MaxBody != 1<<20 || r.Vector.Lookback.D() != 10*time.Minute {
		t.Errorf("limits %v, vector %v", r.Limits, r.Vector)
	}
	if _, err := LoadDNS(file(t, dnsText)); err != nil {
		t.Error(err)
	}
	if c, err := LoadController(file(t, controllerText)); err != nil || c.Verify.Namespace != "public" {
		t.Errorf("%v, %v", c.Verify, err)
	}
}

func TestEachMistakeIsNamed(t *testing.T) {
	loaders := map[string]func(string) error{
		regionText:     func(p string) error { _, err := LoadRegion(p); return err },
		dnsText:        func(p string) error { _, err := LoadDNS(p); return err },
		controllerText: func(p string) error { _, err := LoadController(p); return err },
	}
	for _, test := range []struct{ text, old, new, want string }{
		{regionText, "limits:", "limit:", "limit not found"},
		{regionText, "queryTimeout: 2s", "queryTimeout: 2", "line 7"},
		{regionText, "queryTimeout: 2s", "queryTimeout: 0s", "limits.queryTimeout"},
		{regionText, "1MiB", "1MB", "line 7"},
		{regionText, "1MiB", "-1MiB", "line 7"},
		{regionText, "region: east", "region: ''", "region: is missing"},
		{regionText, "127.0.0.1:18443", "127.0.0.1", "listen"},
		{regionText, "finrag@", "finrag:pw@", "database.url: holds a password"},
		{regionText, "sslmode=disable", "password=pw", "database.url: holds a password"},
		{regionText, "postgres://", "mysql://", "database.url"},
		{regionText, `address: ""`, "address: redis", "cache.address"},
		{regionText, "limits:", "seed: {documents: -1}\nlimits:", "seed.documents"},
		{regionText, "limits:", "---\nlimits:", "second YAML document"},
		{regionText, regionText, "", "empty"},
		{dnsText, "name: api.finrag.test.", "name: api.finrag.test", "name"},
		{dnsText, "ttl: 2s", "ttl: 500ms", "ttl"},
		{dnsText, "127.77.1.1", "\"::1\"", "records.primary"},
		{dnsText, "127.77.2.1", "nowhere", "nowhere"},
		{dnsText, "state: dns-state.json\n", "", "state: is missing"},
		{dnsText, "tokenFile: dns.token", "tokenFile: ''", "control.tokenFile"},
		{controllerText, "failures: 3", "failures: 0", "check.failures"},
		{controllerText, "confirm: 1", "confirm: -1", "check.confirm"},
		{controllerText, "timeout: 1s", "timeout: 5m", "check.timeout"},
		{controllerText, "name: west", "name: east", "both are called"},
		{controllerText, "https://127.77.2.1", "http://127.77.2.1", "regions.standby.api"},
		{controllerText, "rowConsistency: 0.99", "rowConsistency: 99", "preflight.rowConsistency"},
		{controllerText, "readinessMaxAge: 10s", "readinessMaxAge: 0s", "preflight.readinessMaxAge"},
		{controllerText, "port: 8443}", "port: 0}", "dns.port"},
		{controllerText, "routingKeyFile: pagerduty.key, ", "", "notify.pagerduty.routingKeyFile"},
		{controllerText, "[oncall@finrag.test]", "[]", "notify.smtp.to"},
		{controllerText, "tokenFile: status.token, ", "", "notify.statusPage.tokenFile"},
		{controllerText, "ca: ca.crt\n", "", "ca: is missing"},
	} {
		if !strings.Contains(test.text, test.old) {
			t.Fatalf("the example lacks %q", test.old)
		}
		err := loaders[test.text](file(t, strings.Replace(test.text, test.old, test.new, 1)))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q for %q: error %v, want one with %q", test.new, test.old, err, test.want)
		}
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	text := strings.NewReplacer("region: east", "region: ''", "127.0.0.1:18443", "nowhere", "key: /keys/east.key", "key: ''").Replace(regionText)
	_, err := LoadRegion(file(t, text))
	for _, want := range []string{"region: is missing", "listen", "tls.key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
