package harness

import (
	"context"
	"strings"
	"testing"
	"time"
)

// onLinks plans a fault that cuts the links that it is on; kinds that begin with region fence.
type onLinks struct{}

func (onLinks) Plan(_ context.Context, _ Description, f FaultSpec) (Plan, error) {
	var fences []string
	if strings.HasPrefix(f.Kind, "region.") {
		fences = []string{"east.db"}
	}
	return Plan{Fault: f, Fences: fences, Steps: []Step{step(f.On)}}, nil
}

// TestFaultsThatEnd refuses those whose end would take back another fault, or could not be seen.
func TestFaultsThatEnd(t *testing.T) {
	at := func(kind, link string, from, lasts time.Duration) FaultSpec {
		return FaultSpec{Kind: kind, On: link, At: Duration(from), For: Duration(lasts)}
	}
	for _, c := range []struct {
		name   string
		faults []FaultSpec
		want   string // part of the error, "" for none
	}{
		{"alone", []FaultSpec{at("replication.break", "a", 0, 5*time.Second)}, ""},
		{"over before the next", []FaultSpec{at("replication.break", "a", 0, 5*time.Second), at("region.kill", "a", 6*time.Second, 0)}, ""},
		{"in the middle of another place", []FaultSpec{at("replication.break", "a", 0, 5*time.Second), at("code.stale", "b", time.Second, 0)}, ""},
		{"around one that ends before it", []FaultSpec{at("code.stale", "a", 0, 9*time.Second), at("code.stale", "b", time.Second, time.Second)}, ""},
		{"on the same link", []FaultSpec{at("replication.break", "a", 0, 5*time.Second), at("code.stale", "a", time.Second, 0)},
			"replication.break: it ends at 5s, while code.stale, which begins at 1s, is in force"},
		{"twice the same", []FaultSpec{at("code.stale", "a", 0, 5*time.Second), at("code.stale", "a", 3*time.Second, 5*time.Second)}, "begins at 3s"},
		{"behind a fence", []FaultSpec{at("replication.break", "a", 0, 5*time.Second), at("region.kill", "b", time.Second, 0)}, "remove `for: 5s`"},
		{"inside one on the same link", []FaultSpec{at("code.stale", "a", 0, 0), at("replication.break", "a", time.Second, 5*time.Second)},
			"it ends at 6s, while code.stale, which begins at 0s, is in force"},
		{"inside a longer one on the same link", []FaultSpec{at("code.stale", "a", 0, 9*time.Second), at("replication.break", "a", time.Second, 5*time.Second)}, "begins at 0s"},
		{"inside one that fences", []FaultSpec{at("region.kill", "b", 0, 0), at("replication.break", "a", time.Second, 5*time.Second)}, "which begins at 0s, is in force"},
		{"inside one of another place", []FaultSpec{at("code.stale", "b", 0, 0), at("replication.break", "a", time.Second, 5*time.Second)}, ""},
		{"after one that has ended", []FaultSpec{at("code.stale", "a", 0, time.Second), at("replication.break", "a", 2*time.Second, 5*time.Second)}, ""},
		{"a fence that ends", []FaultSpec{at("region.kill", "a", 0, 5*time.Second)}, "its undo fences east.db first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := PlanFaults(t.Context(), Scenario{Faults: c.faults}, rigTarget(), newRig().Can(), func(FaultSpec) (Injector, error) { return onLinks{}, nil })
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// What people break is told by what is to show it: no other fault on it ends meanwhile.
func TestNothingEndsOnWhatPeopleHold(t *testing.T) {
	manual := Plan{Fault: FaultSpec{Kind: FaultManual}, Steps: []Step{{Do: Action{Kind: PersonAct, Person: &PersonTask{}}}}, InForce: []Check{{Kind: LinkSilent, On: "a"}}}
	for on, free := range map[string]bool{"a": false, "b": true} {
		other := Plan{Fault: FaultSpec{Kind: "link.cut", At: Duration(time.Second), For: Duration(time.Second)}, Steps: []Step{step(on)}}
		if err := ending([]Plan{manual, other}, 1); (err == nil) != free {
			t.Errorf("on %s: %v", on, err)
		}
	}
}

// TestASteadyStateIsAskedOfAll: a probe that is asked of one of two regions leaves the other unknown.
func TestASteadyStateIsAskedOfAll(t *testing.T) {
	d := &drill{Parts: Parts{Scenario: Scenario{SteadyState: SteadyState{Require: []Requirement{{Probe: "http.health"}}}}}}
	asked := []ProbeRun{{Probe: "http.health", Role: Primary}}
	if err := d.requireProbes(asked); err != nil {
		t.Error(err)
	}
	for want, all := range map[string][]ProbeRun{
		"the standby has none": append(asked, ProbeRun{Probe: "http.health", Missing: "the standby has none"}), "there is no such probe": nil,
	} {
		if err := d.requireProbes(all); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A fault that lasts a stated time ends then: where people act meanwhile, its end would be as late as they are.
func TestAFaultThatWouldWaitForPeopleIsRefused(t *testing.T) {
	fault := func(id, kind string, at, lasts time.Duration) FaultSpec {
		return FaultSpec{ID: id, Kind: kind, At: Duration(at), For: Duration(lasts)}
	}
	step := func(at time.Duration, do string) RecoveryStep {
		return RecoveryStep{At: Duration(at), Name: "decide", Do: do, Call: "failover"}
	}
	const s = time.Second
	for name, c := range map[string]struct {
		faults []FaultSpec
		steps  []RecoveryStep
		late   string // id of the fault that would end late, "" for none
	}{
		"nobody acts":                    {[]FaultSpec{fault("a", "link.cut", 0, 10*s)}, []RecoveryStep{step(5*s, "")}, ""},
		"a step of people meanwhile":     {[]FaultSpec{fault("a", "link.cut", 0, 10*s)}, []RecoveryStep{step(5*s, "decide")}, "a"},
		"a step of people before":        {[]FaultSpec{fault("a", "link.cut", 5*s, 10*s)}, []RecoveryStep{step(s, "decide")}, ""},
		"a step of people at its end":    {[]FaultSpec{fault("a", "link.cut", 0, 10*s)}, []RecoveryStep{step(10*s, "decide")}, ""},
		"a fault by people meanwhile":    {[]FaultSpec{fault("a", "link.cut", 0, 10*s), fault("b", FaultManual, 5*s, 0)}, nil, "a"},
		"people who take back meanwhile": {[]FaultSpec{fault("b", FaultManual, 0, 5*s), fault("a", "link.cut", 2*s, 10*s)}, nil, "a"},
		"one of its own alone":           {[]FaultSpec{fault("b", FaultManual, 0, 5*s)}, nil, ""},
		"one by people, and a step":      {[]FaultSpec{fault("b", FaultManual, 0, 5*s)}, []RecoveryStep{step(s, "decide")}, "b"},
		"one that lasts to the undo":     {[]FaultSpec{fault("a", "link.cut", 0, 0)}, []RecoveryStep{step(5*s, "decide")}, ""},
		"people first, at the same time": {[]FaultSpec{fault("b", FaultManual, 0, 0), fault("a", "link.cut", 0, 10*s)}, nil, ""},
	} {
		sc := Scenario{Faults: c.faults, Recovery: Recovery{Steps: c.steps}}
		for _, f := range c.faults {
			if err := overrun(sc, Plan{Fault: f}); (err != nil) != (f.ID == c.late) {
				t.Errorf("%s: %s: %v", name, f.ID, err)
			}
		}
	}
}
