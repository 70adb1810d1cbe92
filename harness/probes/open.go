package probes

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Open opens probes of these kinds on everything that they can be asked of. Some work from the moment they are opened; marker tells
// whether the age of answers is wanted. What cannot be opened, and what a target lacks, is told by a run that says what is missing
// and asks nothing.
func Open(kinds []registry.Kind[Factory], s harness.RunningTarget, marker bool) (runs []harness.ProbeRun, err error) {
	for _, kind := range kinds {
		factory := kind.New()
		subjects, why := factory.Traits().Subjects(&s.Target)
		if why != nil {
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, Missing: why.Error()})
		}
		for _, of := range subjects {
			p, err := factory.Open(context.Background(), harness.ProbeConfig{Target: s.Target, Region: of.Region, Clock: s.Clock,
				Access: s.Access, Every: factory.Every(), Allowed: s.Allowed, Marker: marker})
			if err != nil {
				runs = append(runs, harness.ProbeRun{Probe: kind.Name, On: of.On, Role: of.Role, Missing: err.Error()})
				continue
			}
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, On: of.On, Role: of.Role, Every: factory.Every(),
				Run: func(ctx context.Context, sink func(harness.Observation)) {
					defer p.Close()
					Run(ctx, p, factory.Every(), s.Clock, sink)
				}})
		}
	}
	return runs, nil
}
