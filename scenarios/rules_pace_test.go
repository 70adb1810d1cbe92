package scenarios

import (
	"os"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

// What the target's file slows, a probe or a channel that is polled, is held against the scenario as well.
func TestPacesOfTheTargetAreHeldAgainstTheScenario(t *testing.T) {
	theirs := known
	theirs.Target = func(harness.Scenario) harness.Description {
		d, _, _ := finrag.Nominal(nil)
		d.ProbePaces = map[string]int64{"http.health": int64(20 * time.Second), "replication.heartbeat": int64(2 * time.Minute)}
		d.Channels = []harness.Channel{{Name: "pagerduty", PolledNS: int64(time.Minute)}}
		return d
	}
	data, err := os.ReadFile(examples + "/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read := func(k Known, profile string, change ...string) string {
		beside := func(name string) ([]byte, error) { return os.ReadFile(examples + "/" + name) }
		_, _, err := Reader{Known: k}.Parse("valid.yaml", []byte(strings.NewReplacer(change...).Replace(string(data))), beside, profile)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	caught := []string{"  - {id: page,", "  - {id: caught, measure: replication.catchup, from: fault, atMost: 10m, source: \"BCP 4.4\"}\n  - {id: page,"}
	if got := read(known, ""); got != "" {
		t.Errorf("where nothing is slowed: %s", got)
	}
	for _, want := range []string{
		"valid.yaml:27: requirement 3: replication.heartbeat is asked every 2m0s, not every 100ms: the target's file allows no more, and the steady state lasts 10s: it may hold no answer",
		"valid.yaml:43: guard 1 bears it for 5s, and http.health is asked every 20s, not every 500ms: the target's file allows no more",
		"under profile fast, objective page: channel pagerduty is asked for its state every 1m, and clients are watched for 30s: write observe: 1m or more",
	} {
		if got := read(theirs, "fast"); !strings.Contains(got, want) {
			t.Errorf("want %s\n%s", want, got)
		}
	}
	if got := read(theirs, ""); strings.Contains(got, "valid.yaml: objective page") {
		t.Errorf("clients are watched long enough: %s", got)
	}
	want := "under profile fast, objective caught needs replication.heartbeat, which is asked every 2m0s, not every 100ms: the target's file allows no more, and clients are watched for 30s"
	if got := read(theirs, "fast", caught...); !strings.Contains(got, want) {
		t.Errorf("want %s\n%s", want, got)
	}
}
