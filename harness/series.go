package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// series is one probe at work: its answers go to the file, and the guards and the gate keep of them what they need.
type series struct {
	run  ProbeRun
	path string // in the pack

	mu      sync.Mutex // guards what follows
	out     observationWriter
	failing failing
	recent  recent
}

func (s *series) take(o Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.write(o)
	s.failing.take(o)
	s.recent.take(o)
}

// startProbes opens every probe and lets each ask in its own goroutine until stopProbes.
func (d *drill) startProbes(ctx context.Context) error {
	all, err := d.OpenProbe(d.runningTarget())
	if err != nil {
		return err
	}
	runs := d.probesAvailable(all)
	left := runs // opened, and not yet asking
	defer func() {
		ended, end := context.WithCancel(context.WithoutCancel(ctx))
		end()
		for _, run := range left { // a probe is closed by the end of its run
			run.Run(ended, func(Observation) {})
		}
	}()
	if err := d.requireProbes(all); err != nil {
		return err
	}
	ctx, d.probesOff = context.WithCancel(context.WithoutCancel(ctx))
	dir := filepath.Join(d.DataDir, "observations")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make %s: %w", dir, err)
	}
	for _, run := range runs {
		name := run.Probe + "-" + strings.ReplaceAll(run.On, "→", "-") + ".jsonl"
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("open observations: %w", err)
		}
		s := &series{run: run, path: "data/observations/" + name, out: observationWriter{to: f, redact: d.Redact}}
		d.series = append(d.series, s)
		d.rec.Probes = append(d.rec.Probes, ProbeSeries{Probe: run.Probe, On: run.On, File: s.path,
			EveryNS: int64(run.Every), Ran: Interval{Lo: d.clock.Now()}})
		left = left[1:]
		d.probes.Add(1)
		go func() {
			defer d.probes.Done()
			run.Run(ctx, s.take)
		}()
	}
	return nil
}

// probesAvailable gives the probes that can be asked, and tells of the others why not.
func (d *drill) probesAvailable(all []ProbeRun) (runs []ProbeRun) {
	for _, run := range all {
		if run.Missing == "" {
			runs = append(runs, run)
			continue
		}
		d.note("probe.unavailable", fmt.Sprintf("%s is not available: %s", run.Probe, run.Missing), map[string]string{"probe": run.Probe})
	}
	return runs
}

// requireProbes refuses a drill whose guard or steady state names a probe that is not asked: a guard that sees nothing stops
// nothing, and what nobody asks would hold.
func (d *drill) requireProbes(all []ProbeRun) error {
	missing := func(probe, role string) error {
		why, asked := "there is no such probe", false
		for _, r := range all {
			switch {
			case r.Probe == probe && r.Missing != "":
				why = r.Missing
				if role == "" { // a steady state holds on all that the probe speaks of, or is not known
					return errors.New(why)
				}
			case r.Probe == probe && (role == "" || r.Role == role):
				asked = true
			}
		}
		if asked {
			return nil
		}
		return errors.New(why)
	}
	for i, r := range d.Scenario.SteadyState.Require {
		if r.Probe == "" {
			continue
		}
		if why := missing(r.Probe, ""); why != nil {
			return fmt.Errorf("requirement %d of the steady state asks for %s, which is not available: %w", i+1, r.Probe, why)
		}
	}
	for i, g := range d.Scenario.Guards {
		if why := missing(g.Probe, g.Region); why != nil {
			return fmt.Errorf("guard %d watches %s of the %s region, which is not available and could never stop anything: %w", i+1, g.Probe, g.Region, why)
		}
	}
	return nil
}

// stopProbes ends the probes and fills in the series of the Record.
func (d *drill) stopProbes() {
	if d.probesOff == nil {
		return
	}
	d.probesOff()
	d.probes.Wait()
	d.probesOff = nil
	for i, s := range d.series {
		d.rec.Probes[i].Ran.Hi, d.rec.Probes[i].Count = d.clock.Now(), s.out.count
		if err := s.out.close(); err != nil && d.journalErr == nil {
			d.journalErr = fmt.Errorf("write observations: %w", err)
		}
	}
}
