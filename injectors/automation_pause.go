package injectors

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "automation.pause",
	Doc: "Pauses the automation of a Patroni cluster, by the member whose REST API is the component of kind api: nobody is promoted, and nobody is told. " +
		"Alone it hurts nobody; with the loss of the leader it shows whether people notice and decide.",
	Example: "{at: 0s, kind: automation.pause, on: primary, with: {of: api}, confirmWithin: 10s}",
	New:     func() harness.Injector { return &automationPause{} },
})

// automationPause is a cluster that somebody has put into maintenance, and forgotten.
type automationPause struct{ with componentWith }

// With implements registry.Parametrised.
func (a *automationPause) With() any { return &a.with }

// Plan pauses the automation; its undo lets it run again, and promote somebody where nobody leads by then. It fences nothing: while it is
// paused nobody is promoted.
func (a *automationPause) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, c, err := componentVictim(target, fault, a.with)
	if err != nil {
		return harness.Plan{}, err
	}
	on := []string{c.Name}
	return harness.Plan{
		Fault: fault, Label: fmt.Sprintf("%s (%s)", fault.Kind, c.Name), What: "the automation of " + c.Name + " paused", Fences: []string{},
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.AutomationPause, Region: region.Name, Components: on},
			Undo: harness.Action{Kind: harness.AutomationResume, Region: region.Name, Components: on},
		}},
		InForce:  checks(harness.AutomationPaused, on),
		Restored: checks(harness.AutomationRuns, on),
	}, nil
}
