package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/victim"
	"blackstart/injectors"
	"blackstart/internal/registry"

	"gopkg.in/yaml.v3"
)

// TestWhatEveryFaultTakesAway shows, of each fault in each region, which probes get no good answer any more: nobody wrote that
// down, it follows from what its plan does and from what the probes ask. With * only where the target promotes by itself.
func TestWhatEveryFaultTakesAway(t *testing.T) {
	var page strings.Builder
	target := outlineOf(harness.Scenario{})
	for _, kind := range injectors.Faults.All() {
		for _, role := range []string{harness.Primary, harness.Standby} {
			name := kind.Name + " " + role
			plan, err := planned(target, harness.FaultSpec{Kind: kind.Name, On: role, With: exampleWith(t, kind)})
			if err != nil {
				fmt.Fprintf(&page, "%s: refused\n", name)
				continue
			}
			for _, check := range slices.Concat(plan.InForce, plan.Follows, plan.Restored) {
				if _, ok := victim.Checks.Get(string(check.Kind)); !ok {
					t.Errorf("%s is seen by %s, which does not exist", name, check.Kind)
				}
			}
			fmt.Fprintf(&page, "%s: %s\n", name, cmp.Or(silenced(&plan, &target), "nothing"))
		}
	}
	golden(t, "testdata/takes-away.golden", page.String())
	valid := harness.FaultSpec{Kind: "certificate.expire", On: harness.Standby, With: harness.With{"certificate": harness.CertificateExpiring, "days": float64(3)}}
	plan, err := planned(target, valid)
	if got := silenced(&plan, &target); err != nil || got != "" {
		t.Errorf("a certificate that is valid for days takes away %q, %v", got, err)
	}
}

// exampleWith is what the example of a fault tells it.
func exampleWith(t *testing.T, kind registry.Kind[harness.Injector]) harness.With {
	t.Helper()
	var f harness.FaultSpec
	if err := yaml.Unmarshal([]byte(kind.Example), &f); err != nil {
		t.Fatalf("example of %s: %v", kind.Name, err)
	}
	return f.With
}

// silenced lists what a plan takes away.
func silenced(plan *harness.Plan, target *harness.Description) string {
	traits := probeTraits()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(traits)) {
		subjects, _ := traits[name].Subjects(target)
		for _, of := range subjects {
			always, promoted := plan.Silences(traits[name], of, target, false), plan.Silences(traits[name], of, target, true)
			switch {
			case always:
				all = append(all, name+" "+of.Role)
			case promoted:
				all = append(all, name+" "+of.Role+"*")
			}
		}
	}
	return strings.Join(all, ", ")
}

// TestTheTargetSaysOnlyWhatChannelsCarry: a word for a field that no alert has would allow an objective that never passes.
func TestTheTargetSaysOnlyWhatChannelsCarry(t *testing.T) {
	for name, fields := range finrag.AlertWords() {
		channel, ok := receivers.Channels.Get(name)
		if !ok {
			t.Errorf("there is no channel %s", name)
			continue
		}
		for field := range fields {
			if words, ok := channel.New().Carries[field]; !ok || words != nil {
				t.Errorf("the target says the %s on %s, which carries %v", field, name, channel.New().Carries)
			}
		}
	}
}

// golden compares a text with a file, or rewrites the file under -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != got {
		t.Errorf("%s is older than the code: run make golden and look at the difference (%v). It would be\n%s", file, err, got)
	}
}
