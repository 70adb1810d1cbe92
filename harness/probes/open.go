package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Open opens probes of these kinds on everything that they can be asked of, and those that are listed. Some work from the moment
// they are opened; marker tells whether the age of answers is wanted. What cannot be opened is told by a run that says what is
// missing and asks nothing. A probe that is listed takes the place of one of its kind that would ask the same.
func Open(kinds []registry.Kind[Factory], listed []harness.ProbeSpec, s harness.RunningTarget, marker bool) []harness.ProbeRun {
	o := opener{s, marker}
	var runs []harness.ProbeRun
	taken, ids := map[string]bool{}, map[string]bool{}
	for _, spec := range listed {
		if ids[spec.ID] {
			runs = append(runs, harness.ProbeRun{ID: spec.ID, Probe: spec.Probe, Missing: "another probe is listed under the same id"})
			continue
		}
		ids[spec.ID] = true
		run := o.listed(spec)
		taken[run.Probe+" "+run.On] = run.On != ""
		runs = append(runs, run)
	}
	for _, kind := range kinds {
		factory := kind.New()
		subjects, why := factory.Traits().Subjects(&s.Target)
		if why != nil {
			runs = append(runs, harness.ProbeRun{Probe: kind.Name, Missing: why.Error()})
		}
		for _, of := range subjects {
			if !taken[kind.Name+" "+of.On] {
				runs = append(runs, o.open(harness.ProbeSpec{Probe: kind.Name}, factory, of))
			}
		}
	}
	return runs
}

type opener struct {
	s      harness.RunningTarget
	marker bool
}

// listed opens a probe that is listed.
func (o opener) listed(spec harness.ProbeSpec) harness.ProbeRun {
	missing := func(why error) harness.ProbeRun {
		return harness.ProbeRun{ID: spec.ID, Probe: spec.Probe, Missing: why.Error()}
	}
	factory, err := made(spec)
	if err != nil {
		return missing(err)
	}
	of, err := factory.Traits().SubjectOf(&o.s.Target, spec.On)
	if err != nil {
		return missing(err)
	}
	return o.open(spec, factory, of)
}

// open opens a probe on a subject.
func (o opener) open(spec harness.ProbeSpec, factory Factory, of harness.Subject) harness.ProbeRun {
	every, slowed := o.s.Target.Paced(spec.Probe, cmp.Or(spec.Every.D(), factory.Every()))
	run := harness.ProbeRun{ID: spec.ID, Probe: spec.Probe, On: of.On, Role: of.Role, Every: every, Slowed: slowed}
	p, err := factory.Open(context.Background(), harness.ProbeConfig{Target: o.s.Target, Region: of.Region, On: of.On, Clock: o.s.Clock,
		Access: o.s.Access, Every: every, Allowed: o.s.Allowed, Marker: o.marker})
	if err != nil {
		var notAllowed *harness.NotAllowedError
		return harness.ProbeRun{ID: spec.ID, Probe: spec.Probe, On: of.On, Role: of.Role, Missing: err.Error(), Writes: errors.As(err, &notAllowed)}
	}
	run.Run = func(ctx context.Context, sink func(harness.Observation)) {
		defer p.Close()
		Run(ctx, p, every, o.s.Clock, sink)
	}
	return run
}

// made makes the kind of a probe that is listed, with its parameters.
func made(spec harness.ProbeSpec) (Factory, error) {
	k, ok := Probes.Get(spec.Probe)
	if !ok {
		return nil, fmt.Errorf("no probe of kind %q exists", spec.Probe)
	}
	return k.Make(spec.With)
}

// Judge is implemented by kinds that know more rules for their parameters than tags say: Wrong gives the key, what is wrong with it,
// and what to write instead, "" for nothing.
type Judge interface {
	Wrong() (key, wrong, hint string)
}

// TraitsOf says what a listed probe is, by its parameters; false where its kind or they cannot be read.
func TraitsOf(spec harness.ProbeSpec) (harness.ProbeTraits, bool) {
	f, err := made(spec)
	if err != nil {
		return harness.ProbeTraits{}, false
	}
	return f.Traits(), true
}

// Wrong says what is wrong with a listed probe besides what its tags say: the key, below with where its kind says so, what is wrong,
// and what to write instead; "" for nothing. What cannot be read is reported elsewhere.
func Wrong(spec harness.ProbeSpec) (key, wrong, hint string) {
	f, err := made(spec)
	if err != nil {
		return "", "", ""
	}
	if j, ok := f.(Judge); ok {
		if key, wrong, hint = j.Wrong(); wrong != "" {
			return "with." + key, wrong, hint
		}
	}
	if floor := Fastest(spec.Probe); spec.Every != 0 && spec.Every.D() < floor {
		return "every", fmt.Sprintf("is %s", spec.Every), fmt.Sprintf("write at least %s: %s is asked no oftener", floor, spec.Probe)
	}
	if spec.Every.D() > slowest {
		return "every", fmt.Sprintf("is %s", spec.Every), fmt.Sprintf("write at most %s", slowest)
	}
	return "", "", ""
}

// Fastest is the shortest time between two questions that a kind of probe is meant for; 0 of one that does not exist.
func Fastest(kind string) time.Duration {
	k, ok := Probes.Get(kind)
	if !ok {
		return 0
	}
	f := k.New()
	return cmp.Or(f.Traits().Fastest, f.Every())
}

// Pace is the time between two questions of a probe where the target does not ask for more; 0 of one that cannot be read.
func Pace(spec harness.ProbeSpec) time.Duration {
	f, err := made(spec)
	if err != nil {
		return 0
	}
	return cmp.Or(spec.Every.D(), f.Every())
}

// slowest is the longest time between two questions: what is asked less often watches nothing in a drill.
const slowest = time.Hour
