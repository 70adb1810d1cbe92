package injectors

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name:    "component.stop",
	Doc:     "Stops one component of the region, as its own stop does. Who is connected to it hears so, and who starts it again meanwhile takes the fault back.",
	Example: "{at: 0s, kind: component.stop, on: primary, with: {of: postgres}, startsClock: true, confirmWithin: 45s}",
	New:     func() harness.Injector { return &componentStop{} },
})

// componentStop is a component that somebody has stopped, or whose host is shut down in order.
type componentStop struct{ with componentWith }

// With implements registry.Parametrised.
func (c *componentStop) With() any { return &c.with }

// Plan stops it; its undo starts it again, unless it was fenced.
func (c *componentStop) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	return c.with.ofComponent(target, fault, "stopped, as its own stop does", harness.ComponentStop, harness.ComponentStart)
}
