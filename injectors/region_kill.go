package injectors

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name:    "region.kill",
	Doc:     "Kills every process of the region at once (SIGKILL), database backends included. Connections are refused.",
	Example: "{at: 0s, kind: region.kill, on: primary, startsClock: true, confirmWithin: 2s}",
	New:     func() harness.Injector { return regionKill{} },
})

// regionKill is the loss of a region's power: everything in it dies, its disks survive.
type regionKill struct{}

// Plan kills all components in one step; its undo starts them again, except databases that were fenced.
func (regionKill) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	names := inRegion(target, region.Name)
	if len(names) == 0 {
		return harness.Plan{}, fmt.Errorf("plan %s: region %s of target %s has no component: there is nothing to kill",
			fault.Kind, region.Name, target.Name)
	}
	fences, err := fencesOf(target, fault, region)
	if err != nil {
		return harness.Plan{}, err
	}
	return harness.Plan{
		Fault: fault, Label: fault.Kind, What: "every process of it killed", Isolates: true,
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.ComponentKill, Region: region.Name, Components: names},
			Undo: harness.Action{Kind: harness.ComponentStart, Region: region.Name, Components: names},
		}},
		InForce:  checks(harness.ComponentGone, names),
		Restored: checks(harness.ComponentRuns, names),
		Fences:   fences,
	}, nil
}
