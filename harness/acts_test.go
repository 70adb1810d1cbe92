package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// brief is an act in a word: its kind, its name, and when it is due.
func brief(a PlannedAct) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %d", a.Kind, a.Name, int(a.Due.D().Seconds()))), " ")
}

// What a scenario says becomes what the drill does, in order of time: faults before steps, ends last.
func TestActsOfAScenario(t *testing.T) {
	at := func(n int) Duration { return Duration(n) * Duration(time.Second) }
	fault := func(kind string, from, lasts int) FaultSpec {
		return FaultSpec{Kind: kind, At: at(from), For: at(lasts)}
	}
	step := func(name string, from int) RecoveryStep { return RecoveryStep{Name: name, At: at(from)} }
	for _, c := range []struct {
		name   string
		faults []FaultSpec
		steps  []RecoveryStep
		want   []string
	}{
		{"nothing is broken", nil, nil, []string{"watch 20"}},
		{"one fault at once", []FaultSpec{fault("cut", 0, 0)}, nil, []string{"inject cut 0", "watch 20"}},
		{"one fault later", []FaultSpec{fault("cut", 5, 0)}, nil, []string{"watch 5", "inject cut 5", "watch 20"}},
		{"a runbook", []FaultSpec{fault("cut", 0, 0)}, []RecoveryStep{step("promote", 3), step("switch", 3), step("tell", 4)},
			[]string{"inject cut 0", "watch 3", "step promote 3", "step switch 3", "watch 4", "step tell 4", "watch 20"}},
		{"a fault after a step", []FaultSpec{fault("kill", 8, 0), fault("cut", 0, 0)}, []RecoveryStep{step("promote", 3)},
			[]string{"inject cut 0", "watch 3", "step promote 3", "watch 8", "inject kill 8", "watch 20"}},
		{"all at one time", []FaultSpec{fault("pause", 2, 3), fault("cut", 5, 0)}, []RecoveryStep{step("promote", 5)},
			[]string{"watch 2", "inject pause 2", "watch 5", "inject cut 5", "step promote 5", "end pause 5", "watch 20"}},
		{"two at one time keep their order", []FaultSpec{fault("b", 1, 0), fault("a", 1, 0)}, nil,
			[]string{"watch 1", "inject b 1", "inject a 1", "watch 20"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := Acts(Scenario{Faults: c.faults, Recovery: Recovery{Steps: c.steps}, Observe: at(20)})
			var got []string
			for _, a := range all {
				got = append(got, brief(a))
			}
			want := slices.Concat([]string{"setup 0", "plan 0", "soak 0", "baseline 0"}, c.want, []string{"settle 0", "undo 0", "reconcile 0", "stop 0"})
			if !slices.Equal(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			for i, a := range all {
				if actFuncs[a.Kind] == nil {
					t.Errorf("nobody carries out %s", a.Kind)
				}
				if slices.Index(all, a) != i {
					t.Errorf("%s is not told from another act", brief(a))
				}
			}
		})
	}
}

// Where the undo is observed, load stops after it.
func TestActsOfAnObservedUndo(t *testing.T) {
	var kinds []string
	for _, a := range Acts(Scenario{Observe: Duration(time.Minute), ObserveUndo: Duration(time.Second)}) {
		kinds = append(kinds, a.Kind)
	}
	if got := strings.Join(kinds, " "); got != "setup plan soak baseline watch undo watch-undo settle reconcile stop" {
		t.Error(got)
	}
}

// A step of the runbook comes when it is due, also before a later fault.
func TestAStepBeforeASecondFault(t *testing.T) {
	r := newRig()
	rec, err, _ := tell(t, r, func(p *Parts) {
		second := p.Scenario.Faults[0]
		second.At, second.StartsClock = Duration(5*time.Second), false
		p.Scenario.Faults = append(p.Scenario.Faults, second)
		p.Scenario.Recovery.Steps = []RecoveryStep{{At: Duration(3 * time.Second), Name: "promote", Call: "promote"}}
		p.Driver = calling{r}
	})
	if err != nil || rec.Status != Completed {
		t.Fatal(err, rec.StatusReason)
	}
	var did []string
	for _, what := range r.told {
		if what == string(LinkCut) || what == string(RunbookCall) {
			did = append(did, what)
		}
	}
	if want := []string{"link.cut", "runbook.call", "link.cut"}; !slices.Equal(did, want) {
		t.Errorf("did %v, want %v", did, want)
	}
}

// calling is a rig whose target has a runbook.
type calling struct{ *rig }

func (c calling) Can() []ActionKind { return append(c.rig.Can(), RunbookCall) }
func (c calling) Description() Description {
	d := c.rig.Description()
	d.Calls = []string{"promote"}
	return d
}
