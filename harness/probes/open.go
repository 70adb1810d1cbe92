package probes

import (
	"context"
	"fmt"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Open opens probes of these kinds on everything that they can be asked of: all of them, or none. Some work from the moment
// they are opened; marker tells whether the age of answers is wanted. What a target lacks is told by a run that says what is missing and asks nothing.
func Open(kinds []registry.Kind[Factory], s harness.RunningTarget, marker bool) (runs []harness.ProbeRun, err error) {
	var opened []harness.Probe
	defer func() {
		if err != nil {
			for _, p := range opened {
				p.Close()
			}
		}
	}()
	for _, kind := range kinds {
		factory := kind.New()
		subjects, why := factory.Traits().Subjects(&s.Target)
		if why != nil {
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, Missing: why.Error()})
		}
		for _, of := range subjects {
			p, err := factory.Open(context.Background(), harness.ProbeConfig{Target: s.Target, Region: of.Region, Clock: s.Clock,
				Access: s.Access, Every: factory.Every(), Marker: marker})
			if err != nil {
				return nil, fmt.Errorf("open %s: %w", kind.Name, err)
			}
			opened = append(opened, p)
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, On: of.On, Role: of.Role, Every: factory.Every(),
				Run: func(ctx context.Context, sink func(harness.Observation)) {
					defer p.Close()
					Run(ctx, p, factory.Every(), s.Clock, sink)
				}})
		}
	}
	return runs, nil
}
