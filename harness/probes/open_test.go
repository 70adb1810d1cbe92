package probes

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var noPath = func(string, string) (harness.Access, error) { return harness.Access{}, errors.New("no path") }

// full is a target that lacks nothing that a probe asks for.
func full(t *testing.T) harness.Description {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	d := twoRegions()
	d.Entry.CAPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	d.Questions = []harness.Question{{ID: "q", Namespace: "public", Text: "t", Right: "r"}}
	return d
}

// TestTraitsAreTrue holds what every probe says of itself against what it does.
func TestTraitsAreTrue(t *testing.T) {
	target := full(t)
	for _, kind := range Probes.All() {
		traits := kind.New().Traits()
		subjects, why := traits.Subjects(&target)
		if why != nil || len(subjects) == 0 || traits.Unit == "" {
			t.Errorf("%s: asked of %v, answers in %q: %v", kind.Name, subjects, traits.Unit, why)
		}
		for _, of := range subjects {
			p, err := kind.New().Open(t.Context(), harness.ProbeConfig{Target: target, Region: of.Region, Clock: harness.NewClock(), Access: noPath})
			if err != nil {
				t.Errorf("%s: %v", kind.Name, err)
				continue
			}
			o := p.Ask(t.Context())
			p.Close()
			if o.Probe != kind.Name || o.Unit != traits.Unit || traits.Speaks != "" && o.On != of.On {
				t.Errorf("%s on %v answers as %s on %s in %s", kind.Name, of, o.Probe, o.On, o.Unit)
			}
		}
		if traits.Speaks == "" {
			continue
		}
		lacking := full(t)
		lacking.Components = slices.DeleteFunc(lacking.Components, func(c harness.Component) bool { return c.Kind == traits.Speaks })
		runs, err := Open([]registry.Kind[Factory]{kind}, harness.RunningTarget{Target: lacking, Clock: harness.NewClock(), Access: noPath}, false)
		if err != nil || len(runs) != 1 || !strings.Contains(runs[0].Missing, "no component of kind "+traits.Speaks) {
			t.Errorf("%s, where nothing speaks %s: %v, %v", kind.Name, traits.Speaks, runs, err)
		}
	}
}

// plantedProbe is a probe that works from the moment it is opened, or cannot be opened.
type plantedProbe struct {
	open *int // how many are open
	fail bool
}

func (p plantedProbe) Open(context.Context, harness.ProbeConfig) (harness.Probe, error) {
	if p.fail {
		return nil, errors.New("planted")
	}
	*p.open++
	return p, nil
}
func (plantedProbe) Traits() harness.ProbeTraits             { return lagFactory{}.Traits() }
func (plantedProbe) Every() time.Duration                    { return time.Second }
func (plantedProbe) Ask(context.Context) harness.Observation { return harness.Observation{} }
func (p plantedProbe) Close()                                { *p.open-- }

// A probe that cannot be opened says so, and keeps no other from its work.
func TestAProbeThatCannotBeOpenedSaysWhy(t *testing.T) {
	open := 0
	kind := func(fail bool) registry.Kind[Factory] {
		return registry.Kind[Factory]{Name: lagName, New: func() Factory { return plantedProbe{&open, fail} }}
	}
	s := harness.RunningTarget{Target: full(t), Clock: harness.NewClock()}
	runs, err := Open([]registry.Kind[Factory]{kind(true)}, s, false)
	if err != nil || len(runs) != 1 || runs[0].Missing != "planted" || runs[0].Run != nil || open != 0 {
		t.Errorf("%+v, %v, %d probes are open", runs, err, open)
	}
	runs, err = Open([]registry.Kind[Factory]{kind(false), kind(false)}, s, false)
	if err != nil || len(runs) != 2 || open != 2 {
		t.Fatalf("%v, %d runs, %d open", err, len(runs), open)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, run := range runs {
		run.Run(ended, func(harness.Observation) {})
	}
	if open != 0 {
		t.Errorf("%d probes are open after their runs", open)
	}
}
