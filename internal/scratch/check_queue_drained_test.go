package scratch

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/harness/victim"
	"blackstart/internal/registry"
)

var _ = victim.Checks.Add(registry.Kind[victim.Kind]{
	Name:    "queue.drained",
	Doc:     "Holds when no message waits in the queue.",
	Example: "queue.drained on west.queue",
	New: func() victim.Kind {
		return victim.Kind{Scope: victim.ScopeComponent, Protocol: "queue", Follows: true, Plan: drained}
	},
})

func drained(v victim.Victim, check harness.Check) (victim.Ask, error) {
	of, _ := v.Target.ComponentByName(check.On)
	return func(context.Context, func()) error {
		depth, err := depthOf(v.Driver.Access, of)
		if err == nil && depth > 0 {
			err = fmt.Errorf("%d messages wait in it", depth)
		}
		return err
	}, nil
}
