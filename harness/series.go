package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// seriesFile writes a probe's answers and remembers what guards and the gate need.
type seriesFile struct {
	run    ProbeRun
	path   string
	file   *os.File
	redact func([]byte) []byte

	mu      sync.Mutex // guards what follows
	count   int
	failing Stamp // start of the present run of failures, 0 if the last answer was good
	recent  []Observation
	err     error
}

// recentKept bounds what a series remembers: a window of 60 s at 10 answers a second.
const recentKept = 600

func (s *seriesFile) take(o Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.write(o); err != nil && s.err == nil {
		s.err = err
	}
	s.count++
	switch {
	case o.OK:
		s.failing = 0
	case s.failing == 0:
		s.failing = o.At.Lo
	}
	s.recent = append(s.recent, o)
	if len(s.recent) > recentKept {
		s.recent = s.recent[len(s.recent)-recentKept:]
	}
}

// write adds one line, redacted: an answer holds what the target said in its own words.
func (s *seriesFile) write(o Observation) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return err
	}
	_, err := s.file.Write(s.redact(line.Bytes()))
	return err
}

func (s *seriesFile) failingSince() Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

// worstSince is the greatest value answered since from; false when there was no answer or a bad one.
func (s *seriesFile) worstSince(from Stamp) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	worst, any := int64(0), false
	for _, o := range s.recent {
		if o.At.Lo < from {
			continue
		}
		if !o.OK {
			return 0, false
		}
		any, worst = true, max(worst, o.Value)
	}
	return worst, any
}

// startProbes opens every probe and lets each ask in its own goroutine until stopProbes.
func (d *drill) startProbes(ctx context.Context) error {
	all, err := d.OpenProbe(d.around())
	if err != nil {
		return err
	}
	runs := d.available(all)
	left := runs // opened, and not yet asking
	defer func() {
		ended, end := context.WithCancel(context.WithoutCancel(ctx))
		end()
		for _, run := range left { // a probe is closed by the end of its run
			run.Run(ended, func(Observation) {})
		}
	}()
	if err := d.watchable(all); err != nil {
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
		s := &seriesFile{run: run, path: "data/observations/" + name, file: f, redact: d.Redact}
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

// available gives the probes that can be asked, and tells of the others why not.
func (d *drill) available(all []ProbeRun) (runs []ProbeRun) {
	for _, run := range all {
		if run.Missing == "" {
			runs = append(runs, run)
			continue
		}
		d.note("probe.unavailable", fmt.Sprintf("%s is not available: %s", run.Probe, run.Missing), map[string]string{"probe": run.Probe})
	}
	return runs
}

// watchable refuses a drill whose guard or steady state names a probe that is not asked: a guard that sees nothing stops
// nothing, and what nobody asks would hold.
func (d *drill) watchable(all []ProbeRun) error {
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
		d.rec.Probes[i].Ran.Hi, d.rec.Probes[i].Count = d.clock.Now(), s.count
		if err := errors.Join(s.err, s.file.Close()); err != nil && d.journalErr == nil {
			d.journalErr = fmt.Errorf("write observations: %w", err)
		}
	}
}
