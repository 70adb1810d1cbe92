package harness

import (
	"cmp"
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
	watched []*watched
	recent  recent
}

func (s *series) take(o Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.write(o)
	for _, w := range s.watched {
		w.take(o, s.run.Every)
	}
	s.recent.take(o)
}

// startProbes opens every probe and lets each ask in its own goroutine until stopProbes.
func (d *drill) startProbes(ctx context.Context) error {
	all := d.OpenProbe(d.runningTarget())
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
		name := cmp.Or(run.ID, run.Probe+"-"+strings.ReplaceAll(run.On, "→", "-")) + ".jsonl" // a kind has a dot, an id has none
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return fmt.Errorf("open observations: %w", err)
		}
		s := &series{run: run, path: "data/observations/" + name, out: observationWriter{to: f, redact: d.Redact}}
		s.watch(d.Scenario.Guards, d.clock.Now().Add(run.Every))
		d.series = append(d.series, s)
		d.rec.Probes = append(d.rec.Probes, ProbeSeries{ID: run.ID, Probe: run.Probe, On: run.On, File: s.path,
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

// watch puts the guards on a series that watch its probe, whose first answer is due at a moment.
func (s *series) watch(guards []Guard, due Stamp) {
	for i, g := range guards {
		if g.watches(s.run) {
			s.watched = append(s.watched, &watched{guard: g, number: i + 1, due: due})
		}
	}
}

// probesAvailable gives the probes that can be asked, and tells of the others why not, and of those that are asked less often than
// they are meant to be.
func (d *drill) probesAvailable(all []ProbeRun) (runs []ProbeRun) {
	for _, run := range all {
		name := cmp.Or(run.ID, run.Probe)
		if run.Missing != "" && run.Writes && d.rec.ObserveOnly != nil {
			d.leaveOut(run)
			continue
		}
		if run.Missing != "" {
			d.note("probe.unavailable", fmt.Sprintf("%s is not available: %s", name, run.Missing), map[string]string{"probe": name})
			continue
		}
		if run.Slowed != "" {
			d.note("probe.slowed", name+" "+run.Slowed, map[string]string{"probe": name})
		}
		runs = append(runs, run)
	}
	return runs
}

// requireProbes refuses a drill that needs a probe which is not asked: a guard that sees nothing stops nothing, and what nobody asks
// would hold.
func (d *drill) requireProbes(all []ProbeRun) error {
	for i, r := range d.Scenario.SteadyState.Require {
		if r.Probe == "" {
			continue
		}
		if why := missingProbe(all, Guard{Probe: r.Probe}); why != nil {
			return fmt.Errorf("requirement %d of the steady state asks for %s, which is not available: %w", i+1, r.Probe, why)
		}
	}
	for i, g := range d.Scenario.Guards {
		if why := missingProbe(all, g); why != nil {
			what := g.Probe
			if g.Region != "" {
				what += fmt.Sprintf(" of the %s region", g.Region)
			}
			return fmt.Errorf("guard %d watches %s, which is not available and could never stop anything: %w", i+1, what, why)
		}
	}
	for _, r := range all {
		if r.Missing != "" && r.Needs != "" && d.rec.ObserveOnly == nil { // an observation judges no objective
			return fmt.Errorf("%s needs %s, which is not available: %s", r.Needs, cmp.Or(r.ID, r.Probe), r.Missing)
		}
	}
	return nil
}

// missingProbe tells why a probe is not asked where a guard wants it. Without a region it is wanted wherever it can be asked: on all
// that it speaks of it holds, or is not known.
func missingProbe(all []ProbeRun, of Guard) error {
	why, asked := "there is no such probe", false
	for _, r := range all {
		switch {
		case r.Named(of.Probe) && r.Missing != "":
			if why = r.Missing; of.Region == "" {
				return errors.New(why)
			}
		case of.watches(r):
			asked = true
		}
	}
	if asked {
		return nil
	}
	return errors.New(why)
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
