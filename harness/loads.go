package harness

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// bindEvery is how often the records that loads have written are bound by a signed checkpoint: as much as a process that is
// killed can leave unbound.
const bindEvery = 10 * time.Second

// LoadLimits is what each load may do on a target at most; zero values bound nothing.
type LoadLimits struct {
	Rate        Rate `yaml:"rate" json:"rate" doc:"operations that are due per unit of time, such as 50/s, retries of a write not counted"`
	Connections int  `yaml:"connections" json:"connections" min:"1" max:"65536" doc:"connections at a time: of http loads to the entry, of others to each component"`
	Rows        int  `yaml:"rows" json:"rows" min:"1" max:"1000000000" doc:"writes and requests that may change something, in all, retries counted"`
	Bytes       Size `yaml:"bytes" json:"bytes,omitempty" doc:"what these come to in all, at most: of a request its method and path, the headers of the scenario and its body; of a ledger the row, or the key with its value"`
}

// startLoads opens and starts every load of the scenario.
func (d *drill) startLoads(ctx context.Context) error {
	id := 1
	for _, spec := range d.Scenario.Load {
		l, used, err := d.OpenLoad(id, spec, d.runningTarget())
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
	if len(d.loads) > 0 {
		d.bindLoads()
	}
	return nil
}

// bindLoads binds what the loads write, again and again until unbindLoads is called.
func (d *drill) bindLoads() {
	stop, failed := make(chan struct{}), make(chan error, 1)
	loads, journal := d.loads, d.Journal // the goroutine owns nothing of the drill
	go func() {
		ticker := time.NewTicker(bindEvery)
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				failed <- nil
				return
			case <-ticker.C:
			}
			if err := bindWritten(loads, journal); err != nil {
				failed <- err
				return
			}
		}
	}()
	d.unbindLoads = func() error { close(stop); return <-failed }
}

// bindWritten binds what the loads have written by now.
func bindWritten(loads []Load, journal Journal) error {
	var all []Written
	for _, l := range loads {
		written, err := l.Flush()
		if err != nil {
			return fmt.Errorf("bind what the load has written: %w", err)
		}
		all = append(all, written...)
	}
	return journal.LoadCheckpoint(all)
}

// endObservation ends it once: when loads stop, or the undo begins. Without a load, too, something was watched.
func (d *drill) endObservation() {
	if d.rec.Observation.Lo != 0 && d.rec.Observation.Hi == 0 {
		d.rec.Observation.Hi = d.clock.Now()
	}
}

// stopLoads stops every load once and collects its streams.
func (d *drill) stopLoads() error {
	d.endObservation()
	d.noteShortages()
	if d.loadsDone || len(d.loads) == 0 {
		return nil
	}
	d.loadsDone = true
	errs := make([]error, len(d.loads)) // of those that could not be stopped: nobody waits for them
	for i, l := range d.loads {
		errs[i] = safely("stop load "+d.loadIDs[i], func() error { l.Stop(); return nil })
	}
	if d.unbindLoads != nil {
		errs = append(errs, d.unbindLoads())
	}
	for i, l := range d.loads {
		if errs[i] != nil {
			continue
		}
		streams, err := l.Wait()
		d.rec.Streams = append(d.rec.Streams, streams...)
		if err != nil {
			errs = append(errs, fmt.Errorf("load %s: %w", d.loadIDs[i], err))
		}
	}
	if err := errors.Join(errs...); err == nil { // the whole of every file, however the drill goes on
		errs = append(errs, bindWritten(d.loads, d.Journal))
	}
	d.noteShortages()
	d.note("load.stopped", "load stopped; every request that was due is on record", nil)
	return errors.Join(errs...)
}

// noteShortages puts what this machine was short of so far on record.
func (d *drill) noteShortages() {
	if d.Shortages != nil {
		d.rec.Shortages = d.Shortages()
	}
}

// slowLookUps is how many writes a second can be looked up at the entry of a target whose file bounds nothing, and which is slow.
const slowLookUps = 20

// lookUpTime is what reading a ledger may take longer where each write is looked up at the public entry, twice if it is not there, and no
// faster than the target's file lets a load be. People are told, since nothing else is to be seen meanwhile.
func (d *drill) lookUpTime() time.Duration {
	writes, rate := 0, float64(slowLookUps)
	for _, s := range d.rec.Streams {
		if s.Kind == "ledger" && s.Traits().LookedUp == EntryName {
			writes += s.Count
		}
	}
	if writes == 0 {
		return 0
	}
	if l := d.rec.Target.LoadLimits; l != nil && l.Rate.Count > 0 {
		rate = min(rate, l.Rate.PerSecond())
	}
	most := time.Duration(2*float64(writes)/rate)*time.Second + time.Minute
	d.note("target.progress", fmt.Sprintf("%d writes are looked up at the entry, which may take up to %s", writes, most), nil)
	return most
}
