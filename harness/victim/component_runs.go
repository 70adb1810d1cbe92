package victim

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
	"blackstart/internal/shortage"
)

var (
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.ComponentRuns),
		Doc:     "Holds when the private path shows the component's process running.",
		Example: "component.runs on east.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Plan: running(true)} },
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.ComponentGone),
		Doc:     "Holds when the private path shows no process of the component.",
		Example: "component.gone on east.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Plan: running(false)} },
	})
)

// running asks for the component's process.
func running(want bool) func(Victim, harness.Check) (Ask, error) {
	return func(v Victim, check harness.Check) (Ask, error) {
		return func(ctx context.Context, _ func()) error {
			running, err := v.Driver.Running(ctx, check.On)
			shortage.Note("a check", err)
			switch {
			case err != nil:
				return fmt.Errorf("private path does not tell: %w", err)
			case running && !want:
				return found("its process still runs")
			case !running && want:
				return found("no process of it runs")
			}
			return nil
		}, nil
	}
}
