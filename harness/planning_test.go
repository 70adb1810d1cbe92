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
