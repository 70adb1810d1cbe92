package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The ledger of a Redis needs an allowance on each that may come to lead; without one it is refused with its line, and an observation leaves it out.
func TestALedgerInARedisNeedsItsAllowance(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	dir := t.TempDir()
	node := func(region, port string) string {
		return "  - {name: " + region + ".cache, kind: redis, region: " + region + ", address: 127.78.6.9, port: " + port + ", with: {encryption: none}}\n"
	}
	head := "apiVersion: blackstart.target/v1\nkind: Target\nmetadata: {name: cache, owner: Session desk, environment: rehearsal, service: Sessions, plan: BCP 4.3}\n" +
		"regions: [{name: east, role: primary}, {name: west, role: standby}]\ncomponents:\n" + node("east", "1") + node("west", "2") + "links: []\n"
	scenario := filepath.Join(dir, "quiet.yaml")
	text := strings.NewReplacer("postgres.ledger", "redis.ledger", "[postgres.primary, postgres.standby]", "[redis.primary, redis.standby]", `amount: "100.00", currency: USD`, `amount: "1.00"`,
		", {probe: replication.heartbeat, ageAtMost: 2s}", "").Replace(readText(t, quietDrill(t)))
	both := "allows: [{write: ledger, on: east.cache}, {write: ledger, on: west.cache}]\n"
	one := "allows: [{write: ledger, on: east.cache}]\n"
	for name, c := range map[string]struct {
		allows string
		args   []string
		exit   int
		want   string
	}{
		"on both":            {both, []string{"validate"}, 0, ""},
		"on one":             {one, []string{"validate"}, 10, "quiet.yaml:6: load ledger writes there, and allows does not list ledger on west.cache: let the target's owner allow it"},
		"on none":            {"", []string{"plan"}, 10, "quiet.yaml:6: load ledger writes there, and allows does not list ledger on east.cache"},
		"observed":           {one, []string{"plan", "--observe-only"}, 0, "load ledger (redis.ledger): it writes there, and allows does not list ledger on west.cache"},
		"observed, on both":  {both, []string{"plan", "--observe-only"}, 0, "load"},
		"what it holds none": {"allows: [{write: heartbeat, on: east.cache}]\n", []string{"validate"}, 10, "cache.target.yaml:9: a component of kind redis holds no heartbeat: name one of kind postgres"},
	} {
		file := filepath.Join(dir, "cache.target.yaml")
		for path, text := range map[string]string{file: head + c.allows, scenario: text} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		exit := execute(t.Context(), append(append([]string{c.args[0], scenario}, c.args[1:]...), "--target", file), &out, &out)
		if exit != c.exit || !strings.Contains(strings.Join(strings.Fields(out.String()), " "), c.want) || name == "observed, on both" && strings.Contains(out.String(), "allows does not list") {
			t.Errorf("%s: exit %d: %s", name, exit, &out)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
