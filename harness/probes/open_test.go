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
		if traits.Listed {
			continue // see TestListedKinds
		}
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
		runs := Open([]registry.Kind[Factory]{kind}, nil, harness.RunningTarget{Target: lacking, Clock: harness.NewClock(), Access: noPath}, false)
		if len(runs) != 1 || !strings.Contains(runs[0].Missing, "no component of kind "+traits.Speaks) {
			t.Errorf("%s, where nothing speaks %s: %v", kind.Name, traits.Speaks, runs)
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

// A probe that cannot be opened says why, and the others are asked.
func TestWhatCannotBeOpenedIsMissing(t *testing.T) {
	open := 0
	kind := func(fail bool) registry.Kind[Factory] {
		return registry.Kind[Factory]{Name: lagName, New: func() Factory { return plantedProbe{&open, fail} }}
	}
	s := harness.RunningTarget{Target: full(t), Clock: harness.NewClock()}
	runs := Open([]registry.Kind[Factory]{kind(false), kind(false), kind(true)}, nil, s, false)
	if len(runs) != 3 || open != 2 || runs[2].Missing != "planted" || runs[2].Run != nil || runs[0].Missing != "" {
		t.Fatalf("%d runs, %d open: %+v", len(runs), open, runs)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, run := range runs[:2] {
		run.Run(ended, func(harness.Observation) {})
	}
	if open != 0 {
		t.Errorf("%d probes are open after their runs", open)
	}
}
