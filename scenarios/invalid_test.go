package scenarios

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/harness/targets/finrag"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
)

const examples = "../testdata/scenarios"

// known are the kinds of fault and load of the product, and names as it has them.
var known = Known{
	Workloads: workloads.Workloads.Parameters(), Faults: injectors.Faults.Parameters(), Traits: traits,
	Probes: map[string]harness.ProbeTraits{
		"http.health":           {Speaks: "api", Roles: []string{"primary", "standby"}, Public: true},
		"postgres.writable":     {Speaks: "postgres", Roles: []string{"standby"}, Leads: true},
		"replication.heartbeat": {Speaks: "postgres", Roles: []string{"standby"}, Follows: true},
		"replication.lag":       {Speaks: "postgres", Roles: []string{"standby"}, Follows: true},
		"dns.answer":            {Roles: []string{"standby"}},
	},
	ProbeKinds: probes.Probes.Parameters(), ListedTraits: probes.TraitsOf, WrongProbe: probes.Wrong, Pace: probes.Pace, WrongLoad: loads.Wrong, WrongBeside: loads.WrongBeside,
	Measures: measure.Specs(),
	Channels: []string{"pagerduty", "slack", "smtp", "statuspage"},
	Profiles: []string{"fast", "standard"},
	Carried: map[string]map[string][]string{
		"pagerduty": {"class": nil, "component": {"west.db"}, "region": nil, "summary": nil,
			"event": {"trigger", "acknowledge", "resolve"}, "severity": {"critical", "warning", "error", "info"}},
		"slack": {"event": {"message"}, "summary": nil},
	},
	Target: func(s harness.Scenario) harness.Description {
		d, _, _ := finrag.Nominal(nil)
		return d
	},
	Plan: func(d harness.Description, f harness.FaultSpec) (harness.Plan, error) {
		k, _ := injectors.Faults.Get(f.Kind)
		in, err := k.Make(f.With)
		if err != nil {
			return harness.Plan{}, err
		}
		return in.Plan(context.Background(), d, f)
	},
	Settings: map[string]func(string) error{
		"commit": oneOf("synchronous", "asynchronous"), "wal.latency": aSpan, "controller.failover": oneOf("enabled", "disabled", "manual"),
		"replication.alarm": oneOf("enabled", "silent-when-broken", "disabled"), "preflight": oneOf("enabled", "disabled"),
		"certificates.check": oneOf("enabled", "disabled"), "parity": oneOf("enabled", "disabled"),
		"pager.muted": oneOf("true", "false"), "documents": func(string) error { return nil }, "cache": oneOf("auto", "none"),
	},
}

func traits(l harness.LoadSpec) (harness.Traits, bool) {
	kind, ok := workloads.Workloads.Get(l.Workload)
	if !ok {
		return harness.Traits{}, false
	}
	w, err := kind.Make(l.With)
	return w.Traits(), err == nil
}

func oneOf(words ...string) func(string) error {
	return func(v string) error {
		if slices.Contains(words, v) {
			return nil
		}
		return errors.New("write " + strings.Join(words, " or "))
	}
}

func aSpan(v string) error {
	if _, err := harness.ParseDuration(v); err != nil {
		return errors.New("write a number with a unit, such as 200ms")
	}
	return nil
}

// problemsOf loads a file that must be refused.
func problemsOf(t *testing.T, file, profile string) Problems {
	t.Helper()
	s, l, err := Reader{Known: known}.Load(file, profile)
	var all Problems
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("%s: error %v, want problems", file, err)
	}
	if s != nil || l.SHA256 != "" {
		t.Errorf("%s: a refused scenario was handed out", file)
	}
	return all
}

// TestInvalid reads one file for each rule, but for those that only the target can know. What a person reads of them stands in
// invalid.golden, which the tests of the command line write.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob(examples + "/invalid-*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "invalid-cannot-") {
			continue
		}
		for _, p := range problemsOf(t, file, "fast") {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Hint == "" {
				t.Errorf("%s: a problem lacks a part: %+v", file, p)
			}
		}
	}
}

func TestValid(t *testing.T) {
	for _, profile := range []string{"", "standard", "fast"} {
		for _, name := range []string{"valid.yaml", "two-clocks.yaml"} {
			if _, _, err := (Reader{Known: known}).Load(examples+"/"+name, profile); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestEveryInvalidFileSaysItsRule keeps the folder readable.
func TestEveryInvalidFileSaysItsRule(t *testing.T) {
	files, err := filepath.Glob(examples + "/invalid-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "# ") {
			t.Errorf("%s does not begin with a comment that says what is wrong", file)
		}
	}
}
