package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/victim"
	"blackstart/injectors"
)

// TestWhatEveryFaultTakesAway shows, of each fault in each region, which probes get no good answer any more: nobody wrote that
// down, it follows from what its plan does and from what the probes ask. With * only where the target promotes by itself.
func TestWhatEveryFaultTakesAway(t *testing.T) {
	copies := "replication.heartbeat standby, replication.lag standby"
	want := map[string]string{
		"region.kill primary":        "http.health primary, " + copies,
		"region.kill standby":        "http.health standby, postgres.writable standby, " + copies,
		"region.partition primary":   "http.health primary, replication.heartbeat standby*, replication.lag standby*",
		"region.partition standby":   "http.health standby",
		"certificate.expire primary": "http.health primary",
		"certificate.expire standby": "http.health standby",
		"replication.break standby":  "",
		"replication.pause standby":  "",
		"code.stale primary":         "",
		"code.stale standby":         "",
	}
	target := nominal(harness.Scenario{})
	for _, kind := range injectors.Faults.All() {
		for _, role := range []string{harness.Primary, harness.Standby} {
			name := kind.Name + " " + role
			plan, err := planned(target, harness.FaultSpec{Kind: kind.Name, On: role})
			expected, ok := want[name]
			if (err == nil) != ok {
				t.Errorf("%s: planned with %v, expected %t", name, err, ok)
				continue
			}
			for _, check := range slices.Concat(plan.InForce, plan.Follows, plan.Restored) {
				if _, ok := victim.Checks.Get(string(check.Kind)); !ok {
					t.Errorf("%s is seen by %s, which does not exist", name, check.Kind)
				}
			}
			if got := silenced(&plan, &target); got != expected {
				t.Errorf("%s takes away %q, want %q", name, got, expected)
			}
		}
	}
	valid := harness.FaultSpec{Kind: "certificate.expire", On: harness.Standby, With: harness.With{"certificate": harness.CertificateExpiring, "days": float64(3)}}
	plan, err := planned(target, valid)
	if got := silenced(&plan, &target); err != nil || got != "" {
		t.Errorf("a certificate that is valid for days takes away %q, %v", got, err)
	}
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
