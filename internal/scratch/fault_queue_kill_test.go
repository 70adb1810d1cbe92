package scratch

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/injectors"
	"blackstart/internal/registry"
)

var _ = injectors.Faults.Add(registry.Kind[harness.Injector]{
	Name:    "queue.kill",
	Doc:     "Kills the queue of a region, and, if told so, what else is of the named kind.",
	Example: "{at: 0s, kind: queue.kill, on: standby, with: {also: postgres}, startsClock: true}",
	New:     func() harness.Injector { return &queueKill{} },
})

type queueKill struct{ with queueKillWith }

type queueKillWith struct {
	Also string `yaml:"also" one:"api|postgres" doc:"kind of the components that are killed with it"`
}

func (q *queueKill) With() any { return &q.with }

func (q *queueKill) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, _ := target.RegionByRole(fault.On)
	var names []string
	p := harness.Plan{Fault: fault, Label: fault.Kind, What: "its queue killed"}
	for _, c := range target.Components {
		if c.Region == region.Name && (c.Kind == "queue" || c.Kind == q.with.Also) {
			names = append(names, c.Name)
			p.InForce = append(p.InForce, harness.Check{Kind: harness.ComponentGone, On: c.Name})
			p.Restored = append(p.Restored, harness.Check{Kind: "queue.drained", On: c.Name})
		}
	}
	if len(names) == 0 {
		return p, fmt.Errorf("plan %s: region %s has no queue: remove it", fault.Kind, region.Name)
	}
	p.Steps = []harness.Step{{Do: harness.Action{Kind: harness.ComponentKill, Region: region.Name, Components: names},
		Undo: harness.Action{Kind: harness.ComponentStart, Region: region.Name, Components: names}}}
	return p, nil
}
