package main

import (
	"context"
	"maps"
	"slices"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/measure"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/reconcile"
	"blackstart/harness/targets/finrag"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
	"blackstart/scenarios"
)

// reader reads scenarios knowing every name that exists in this build, and what its target can do where nothing is missing.
// It looks at nothing of this machine: no program is run, nothing is dialled or resolved.
func reader() scenarios.Reader {
	return scenarios.Reader{Known: scenarios.Known{
		Workloads: workloads.Workloads.Parameters(), Faults: injectors.Faults.Parameters(), Traits: loads.Traits, Probes: probeTraits(),
		ProbeKinds: probes.Probes.Parameters(), ListedTraits: probes.TraitsOf, WrongProbe: probes.Wrong, Pace: probes.Pace, WrongLoad: loads.Wrong, WrongBeside: loads.WrongBeside,
		Measures: measure.Specs(), Channels: receivers.Channels.Names(),
		Profiles: finrag.ProfileNames(), Settings: finrag.KnownSettings(),
		Carried: alertVocabulary(), Refuses: cannot, Target: outlineOf, Plan: planned,
	}}
}

// alertVocabulary is what an alert of the target can say on each channel: what the channel takes, and what the target puts into
// it.
func alertVocabulary() map[string]map[string][]string {
	said, all := finrag.AlertWords(), alertFields()
	for name := range all {
		maps.Copy(all[name], said[name])
	}
	return all
}

// alertFields is what each channel takes, whoever sends it.
func alertFields() map[string]map[string][]string {
	all := map[string]map[string][]string{}
	for _, k := range receivers.Channels.All() {
		all[k.Name] = maps.Clone(k.New().Carries)
	}
	return all
}

// cannot is what the target cannot do of what a scenario asks. Settings that cannot be read are refused elsewhere.
func cannot(s harness.Scenario) []harness.Refusal {
	target, can, err := finrag.Nominal(s.Target.Settings)
	if err != nil {
		return nil
	}
	plans, refused := harness.PlanAll(context.Background(), s, target, withPeople(can), injector)
	return slices.Concat(reconcile.Refusals(s.Load, target), reconcile.UnfencedLedgers(s.Load, target, plans), refused, unshown(target, nil, s))
}

// probeTraits is what every probe says of itself.
func probeTraits() map[string]harness.ProbeTraits {
	all := map[string]harness.ProbeTraits{}
	for _, k := range probes.Probes.All() {
		all[k.Name] = k.New().Traits()
	}
	return all
}

// outlineOf is the target of a scenario where nothing is missing; one with settings that cannot be read is as it is without.
func outlineOf(s harness.Scenario) harness.Description {
	target, _, err := finrag.Nominal(s.Target.Settings)
	if err != nil {
		target, _, _ = finrag.Nominal(nil) // which can be read
	}
	return target
}

// planned is what a fault would do on a target.
func planned(target harness.Description, f harness.FaultSpec) (harness.Plan, error) {
	in, err := injector(f)
	if err != nil {
		return harness.Plan{}, err
	}
	return in.Plan(context.Background(), target, f)
}
