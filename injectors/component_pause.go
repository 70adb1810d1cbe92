package injectors

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name:    "component.pause",
	Doc:     "Freezes one component of the region, with all that it has begun. Its connections stay open and nothing answers; when it goes on, it believes what it believed before.",
	Example: "{at: 0s, kind: component.pause, on: primary, with: {of: postgres}, startsClock: true, confirmWithin: 10s}",
	New:     func() harness.Injector { return &componentPause{} },
})

// componentPause is a process that hangs, or a machine that is suspended: ports accept, and nobody reads.
type componentPause struct{ with componentWith }

// With implements registry.Parametrised.
func (c *componentPause) With() any { return &c.with }

// Plan freezes it; its undo lets it go on. What is frozen cannot be asked whether it leads, nor fenced: one that leads must be cut off before it goes on.
func (c *componentPause) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	return c.with.ofComponent(target, fault, "frozen, with everything open", harness.ComponentPause, harness.ComponentResume)
}
