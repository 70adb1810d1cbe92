package scenarios

import (
	"os"
	"strings"
	"testing"

	"blackstart/harness"
)

// What is listed can be named by its id, and what a target's file lists, too.
func TestListedProbesAreNamed(t *testing.T) {
	read := func(known Known, change ...string) (*harness.Scenario, error) {
		data, err := os.ReadFile(examples + "/valid-probes.yaml")
		if err != nil {
			t.Fatal(err)
		}
		beside := func(name string) ([]byte, error) { return os.ReadFile(examples + "/" + name) }
		s, _, err := Reader{Known: known}.Parse("valid-probes.yaml", []byte(strings.NewReplacer(change...).Replace(string(data))), beside, "fast")
		return s, err
	}
	s, err := read(known)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Probes) != 5 || s.Probes[0].With["unit"] != "age" || s.Guards[1].AtLeast != "1" || s.SteadyState.Require[2].AtMost != "5s" {
		t.Errorf("%+v", s)
	}
	theirs := known
	theirs.Listed = []harness.ProbeSpec{{ID: "orders", Probe: "sql.query", On: "east.db", With: harness.With{"query": "SELECT 1"}}}
	if _, err := read(theirs, "probe: depth, atMost", "probe: orders, atMost"); err != nil {
		t.Error(err)
	}
	for want, change := range map[string][]string{
		`no probe "orders" exists`: {"probe: depth, atMost", "probe: orders, atMost"}, "values of its probe are in ns": {"{probe: stats, atMost: 5s}", "{probe: stats, atMost: 5}"},
		"which fault 1 (region.partition) takes away": {"- {probe: stats, region: standby, failingFor: 10s}", "- {probe: east, atLeast: 1, forLonger: 5s}",
			"- {id: leads, probe: postgres.role, on: west.db}", "- {id: east, probe: http.get, on: primary}"},
	} {
		if _, err := read(known, change...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	if _, err := read(theirs, "id: depth", "id: orders", "probe: depth", "probe: orders"); err == nil || !strings.Contains(err.Error(), `the target's file lists a probe "orders", too: give it another id`) {
		t.Error(err)
	}
}
