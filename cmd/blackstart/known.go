package main

import (
	"context"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/targets/finrag"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
	"blackstart/scenarios"
)

// reader reads scenarios knowing every name that exists in this build, and what its target can do where nothing is missing.
// It looks at nothing of this machine: no program is run, nothing is dialled or resolved.
func reader() scenarios.Reader {
	return scenarios.Reader{Known: scenarios.Known{
		Workloads: workloads.Workloads.Parameters(), Faults: injectors.Faults.Parameters(), Traits: traitsOf, Probes: probes.Probes.Names(),
		Measures: measures, Channels: []string{receivers.PagerDuty, receivers.Slack, receivers.SMTP, receivers.StatusPage},
		Profiles: finrag.ProfileNames(), Settings: finrag.KnownSettings(),
		Carried: carried(), Asked: askedOf, Refuses: cannot,
	}}
}

// carried is what an alert of the target can say on each channel: what the channel takes, and what the target puts into it.
func carried() map[string]map[string][]string {
	all := receivers.Carried()
	all[receivers.PagerDuty]["class"], all[receivers.PagerDuty]["component"] = finrag.AlertClasses(), finrag.AlertComponents()
	all[receivers.StatusPage]["severity"] = finrag.PageStatuses()
	return all
}

// cannot is what the target cannot do of what a scenario asks. Settings that cannot be read are refused elsewhere.
func cannot(s harness.Scenario) []harness.Refusal {
	target, can, err := finrag.Nominal(s.Target.Settings)
	if err != nil {
		return nil
	}
	return harness.Refusals(context.Background(), s, target, can, injector)
}

// askedOf lists the roles of the regions that a probe is asked about.
func askedOf(probe string) []string {
	target, _, err := finrag.Nominal(nil)
	if err != nil {
		return nil
	}
	var roles []string
	for _, of := range probed(probe, &target) {
		roles = append(roles, of.role)
	}
	return roles
}

// measures are those that an objective may name.
var measures = scenarios.Measures()
