package harness

import (
	"context"
	"errors"
	"fmt"
)

// startLoads opens and starts every load of the scenario.
func (d *drill) startLoads(ctx context.Context) error {
	id := 1
	for _, spec := range d.Scenario.Load {
		l, used, err := d.OpenLoad(id, spec, d.around())
		if err != nil {
			return fmt.Errorf("open load %s: %w", spec.ID, err)
		}
		id += used
		if err := l.Start(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("start load %s: %w", spec.ID, err)
		}
		d.loads, d.loadIDs = append(d.loads, l), append(d.loadIDs, spec.ID)
		d.note("load.started", fmt.Sprintf("load %s: %s at %s from %s", spec.ID, spec.Workload, spec.Rate, spec.Place), nil)
	}
	return nil
}

// stopLoads stops every load once and collects its streams; the observation ends here.
func (d *drill) stopLoads() error {
	if d.loadsDone || len(d.loads) == 0 {
		return nil
	}
	if d.rec.Observation.Lo != 0 {
		d.rec.Observation.Hi = d.clock.Now()
	}
	for _, l := range d.loads {
		l.Stop()
	}
	d.loadsDone = true
	var errs []error
	for i, l := range d.loads {
		streams, err := l.Wait()
		d.rec.Streams = append(d.rec.Streams, streams...)
		if err != nil {
			errs = append(errs, fmt.Errorf("load %s: %w", d.loadIDs[i], err))
		}
	}
	d.note("load.stopped", "load stopped; every request that was due is on record", nil)
	return errors.Join(errs...)
}
