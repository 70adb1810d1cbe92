package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/reconcile"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/processes"
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

// TestAnUnfencedLedgerIsRefusedBeforeTheStart with the line that asks for it: as validate, plan and run read a scenario.
func TestAnUnfencedLedgerIsRefusedBeforeTheStart(t *testing.T) {
	text, err := os.ReadFile(examples + "/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	with := bytes.Replace(text, []byte("load:\n"), []byte("load:\n  - {id: notes, workload: redis.ledger, place: outside, rate: 10/s, timeout: 1s}\n"), 1)
	target := outlineOf(harness.Scenario{})
	for region, role := range map[string]string{"east": harness.Primary, "west": harness.Standby} {
		target.Components = append(target.Components, harness.Component{Name: region + ".cache", Kind: "redis", Region: region, Role: role})
	}
	for fences, wanted := range map[string]bool{"east.db": true, "east.db east.cache": false} {
		r := reader()
		r.Known.Refuses = func(s harness.Scenario) []harness.Refusal {
			return reconcile.UnfencedLedgers(s.Load, target, []harness.Plan{{Label: "region.partition", Fences: strings.Fields(fences)}})
		}
		_, _, err = r.Parse("valid.yaml", with, nil, "")
		if refused := err != nil && strings.Contains(err.Error(), "valid.yaml:17") && strings.Contains(err.Error(), "load notes keeps its ledger on east.cache, and the undo of region.partition fences east.db only"); refused != wanted {
			t.Errorf("fences %s: %v", fences, err)
		}
	}
	_, _, err = reader().Parse("valid.yaml", with, nil, "")
	if err == nil || !strings.Contains(err.Error(), "has no two nodes of it") {
		t.Errorf("on a target without a pair: %v", err)
	}
}

// TestWhatIsLackingIsToldByItsType: the reason why no other build can be deployed is given for a lack of builds, not for the word.
func TestWhatIsLackingIsToldByItsType(t *testing.T) {
	driver := processes.New(processes.Options{Finrag: "/nowhere"})
	lacks := &harness.LackingError{Need: harness.NeedBuilds, Err: errors.New("it has one")}
	if hint := missingBuildHint(driver, fmt.Errorf("plan code.stale: %w", lacks)); hint == "" || hint != driver.MissingBuild() {
		t.Errorf("of builds: %q", hint)
	}
	lacks.Need = "cache"
	for _, err := range []error{lacks, errors.New("both builds of target finrag say they are 1.2.0")} {
		if hint := missingBuildHint(driver, err); hint != "" {
			t.Errorf("of %v: %q", err, hint)
		}
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
