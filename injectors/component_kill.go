package injectors

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name:    "component.kill",
	Doc:     "Kills one component of the region, with all that it has begun (SIGKILL). Whoever starts it again meanwhile does what life does.",
	Example: "{at: 0s, kind: component.kill, on: primary, with: {of: postgres}, startsClock: true, confirmWithin: 5s}",
	New:     func() harness.Injector { return &componentKill{} },
})

// componentKill is a process that dies: nothing of it says goodbye, and its port refuses.
type componentKill struct{ with componentWith }

// With implements registry.Parametrised.
func (c *componentKill) With() any { return &c.with }

// Plan kills it; its undo starts it again, unless it was fenced.
func (c *componentKill) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	return c.with.ofComponent(target, fault, "killed", harness.ComponentKill, harness.ComponentStart)
}
