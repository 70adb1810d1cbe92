package main

import (
	"blackstart/evidence/controls"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/processes"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
	"blackstart/scenarios"
)

// reader reads scenarios knowing every name that exists in this build.
func reader() scenarios.Reader {
	var cohorts []string
	for _, c := range workloads.AllCohorts() {
		cohorts = append(cohorts, c.String())
	}
	var components []string
	if target, err := processes.New(processes.Options{}).Outline(map[string]string{"cache": "auto"}); err == nil {
		for _, c := range target.Components {
			components = append(components, c.Name)
		}
	}
	return scenarios.Reader{Known: scenarios.Known{
		Components: components,
		Workloads:  workloads.Workloads.Names(), Cohorts: cohorts, Faults: injectors.Faults.Names(), Probes: probes.Probes.Names(),
		Measures:   measures,
		Channels:   []string{receivers.PagerDuty, receivers.Slack, receivers.SMTP, receivers.StatusPage},
		Frameworks: controls.Names(), Settings: finrag.KnownSettings(),
	}}
}

// measures are those that an objective may name.
var measures = scenarios.Measures()
