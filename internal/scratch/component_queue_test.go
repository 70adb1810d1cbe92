package scratch

import (
	"context"
	"fmt"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = component.Kinds.Add(registry.Kind[component.Kind]{
	Name:    "queue",
	Doc:     "A queue: how many messages wait in it.",
	Example: "{name: east.queue, kind: queue, region: east, address: 127.0.0.1, port: 7000}",
	New:     func() component.Kind { return queueComponent{} },
})

type queueComponent struct{}

func (queueComponent) Traits() target.Traits { return target.Traits{} }

func (queueComponent) Look(_ context.Context, at component.At) (component.Seen, error) {
	depth, err := depthAt(at.Address)
	return component.Seen{Also: fmt.Sprintf("%d messages wait", depth)}, err
}
