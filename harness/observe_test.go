package harness

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestAnObservationBreaksNothing: of a scenario with a fault and a step of its runbook neither is carried out, nobody is asked, and it is
// watched for as long as a drill would be, the time after the undo included.
func TestAnObservationBreaksNothing(t *testing.T) {
	r := newRig()
	asked := false
	rec, err, _ := tell(t, r, func(p *Parts) {
		p.Scenario.ObserveUndo = Duration(5 * time.Second)
		p.Scenario.Recovery = Recovery{By: "runbook", Steps: []RecoveryStep{{At: Duration(time.Second), Name: "decide", Call: "failover"}, {At: Duration(time.Second), Name: "call them", Do: "call"}}}
		p.Scenario.Load = append(p.Scenario.Load, LoadSpec{ID: "orders", Workload: "http.request"})
		p.Scenario.SteadyState.Require = append(p.Scenario.SteadyState.Require, Requirement{Probe: "replication.heartbeat", AgeAtMost: 1}, Requirement{Load: "orders", SuccessAtLeast: 1})
		p.People = peopleFunc(func() { asked = true })
		p.ObserveOnly = &ObserveOnly{LeftOut: append(NotDone(p.Scenario), LeftOut{What: LeftLoad, Name: "orders", Kind: "http.request", Why: "it writes"})}
		probes := p.OpenProbe
		p.OpenProbe = func(s RunningTarget) []ProbeRun {
			return append(probes(s), ProbeRun{Probe: "replication.heartbeat", Missing: "allows does not list heartbeat on east.db", Writes: true, Needs: "objective x"}, ProbeRun{Probe: "dns.answer", Missing: "there is no name"})
		}
	})
	if err != nil || rec.Status != Completed || asked {
		t.Fatalf("%v, %s %q, people asked: %v", err, rec.Status, rec.StatusReason, asked)
	}
	if want := []string{"start", "load on", "load off", "reconcile", "stop"}; !slices.Equal(r.told, want) {
		t.Errorf("told %v\nwant %v", r.told, want)
	}
	var acts, left []string
	for _, a := range rec.Acts {
		acts = append(acts, a.Kind)
	}
	for _, l := range rec.ObserveOnly.LeftOut {
		left = append(left, l.String())
	}
	if want := []string{ActSetup, ActPlan, ActSoak, ActBaseline, ActWatch, ActSettle, ActUndo, ActReconcile, ActStop}; !slices.Equal(acts, want) {
		t.Errorf("acts %v, want %v", acts, want)
	}
	if want := []string{"fault (region.partition): nothing is broken", "step decide: no step is taken", "step call them: no step is taken",
		"load orders (http.request): it writes", "probe (replication.heartbeat): it would write, and allows does not list heartbeat on east.db"}; !slices.Equal(left, want) {
		t.Errorf("left out %q, want %q", left, want)
	}
	n := 0
	for _, e := range r.events {
		if e == "observe.left-out" {
			n++
		}
	}
	if n != len(left) || slices.Contains(r.events, "fault.planned") || slices.Contains(r.events, "people.told") {
		t.Errorf("%d events of what was left out: %v", n, r.events)
	}
	if len(rec.Faults) != 0 || len(rec.Scenario.Faults) != 1 || len(rec.Scenario.Load) != 2 || rec.Observation.Hi.Sub(rec.Observation.Lo) < 15*time.Second {
		t.Errorf("%d faults on record, %d in its scenario, %d loads, observed for %s", len(rec.Faults), len(rec.Scenario.Faults), len(rec.Scenario.Load), rec.Observation.Hi.Sub(rec.Observation.Lo))
	}
}

// TestAnObservationIsEndedAsADrillIs: by an unsteady state, and by a guard. A guard that nobody could watch ends it before the load.
func TestAnObservationIsEndedAsADrillIs(t *testing.T) {
	only := func(p *Parts) { p.ObserveOnly = &ObserveOnly{LeftOut: NotDone(p.Scenario)} }
	ill := newRig()
	ill.success = 0.9
	if rec, err, _ := tell(t, ill, only); err != nil || rec.Status != Unsteady {
		t.Errorf("%v %s", err, rec.Status)
	}
	down := newRig()
	down.health = func() bool { return false }
	if rec, err, _ := tell(t, down, only); err != nil || rec.Status != Stopped || !strings.Contains(rec.StatusReason, "http.health") {
		t.Errorf("%v %s %q", err, rec.Status, rec.StatusReason)
	}
	blind := newRig()
	rec, err, _ := tell(t, blind, func(p *Parts) {
		only(p)
		p.OpenProbe = func(RunningTarget) []ProbeRun {
			return []ProbeRun{{Probe: "http.health", Role: Standby, Missing: "it may not be written", Writes: true}}
		}
	})
	if err == nil || rec.Status != Broken || slices.Contains(blind.told, "load on") || !strings.Contains(err.Error(), "could never stop anything") {
		t.Errorf("%v %s %v", err, rec.Status, blind.told)
	}
}

// peopleFunc is people who are asked.
type peopleFunc func()

func (f peopleFunc) Ask(context.Context, PersonTask, func(string)) (string, error) {
	f()
	return "somebody", nil
}
