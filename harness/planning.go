package harness

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// PlanFaults plans every fault of a scenario against a target and refuses, naming it, whatever the target cannot do.
func PlanFaults(ctx context.Context, s Scenario, target Description, can []ActionKind, injector func(string) (Injector, bool)) ([]Plan, error) {
	if missing := Missing(s, target); len(missing) > 0 {
		return nil, fmt.Errorf("target %s has no %s, which the scenario needs; it provides: %s",
			target.Name, strings.Join(missing, ", "), strings.Join(target.Provides, ", "))
	}
	var plans []Plan
	for _, spec := range s.Faults {
		in, ok := injector(spec.Kind)
		if !ok {
			return nil, fmt.Errorf("no fault of kind %q exists: see `blackstart list faults`", spec.Kind)
		}
		p, err := in.Plan(ctx, target, spec)
		if err != nil {
			return nil, err
		}
		for _, st := range p.Steps {
			for _, a := range []Action{st.Do, st.Undo} {
				if !slices.Contains(can, a.Kind) {
					return nil, fmt.Errorf("target %s cannot carry out %s, which %s needs", target.Name, a.Kind, spec.Kind)
				}
			}
		}
		if p.FencesOld && spec.For > 0 {
			return nil, fmt.Errorf("plan %s: it cannot end while clients are watched: its undo fences the old primary first; remove `for: %s`",
				spec.Kind, spec.For)
		}
		if p.FencesOld && !slices.Contains(can, ComponentFence) {
			return nil, fmt.Errorf("target %s cannot carry out %s, without which undoing %s could leave two primaries",
				target.Name, ComponentFence, spec.Kind)
		}
		plans = append(plans, p)
	}
	if err := endings(plans); err != nil {
		return nil, err
	}
	for _, step := range s.Recovery.Steps {
		if !slices.Contains(target.Calls, step.Call) || !slices.Contains(can, RunbookCall) {
			return nil, fmt.Errorf("target %s has no runbook call %q, which step %q needs; it has: %s",
				target.Name, step.Call, step.Name, strings.Join(target.Calls, ", "))
		}
	}
	sort.SliceStable(plans, func(i, j int) bool { return plans[i].Fault.At < plans[j].Fault.At })
	return plans, nil
}

// endings refuses a fault that would end while another is in force on the same links or components, since its undo would
// take back both, or after one behind which a standby may have been promoted, since it could not be seen to be over.
func endings(plans []Plan) error {
	for _, p := range plans {
		over := p.Fault.At + p.Fault.For
		for _, other := range plans {
			begun := other.Fault.At >= p.Fault.At && other.Fault.At <= over
			lasts := other.Fault.For == 0 || other.Fault.At+other.Fault.For >= over
			if p.Fault.For == 0 || reflect.DeepEqual(p, other) || !begun || !lasts || !other.FencesOld && !touchTheSame(p, other) {
				continue
			}
			return fmt.Errorf("plan %s: it ends at %s, while %s, which begins at %s, is in force: let it end before that, or remove `for: %s`",
				p.Fault.Kind, over, other.Fault.Kind, other.Fault.At, p.Fault.For)
		}
	}
	return nil
}

// touchTheSame tells whether two plans change the same link or component.
func touchTheSame(a, b Plan) bool {
	touched := func(p Plan) (names []string) {
		for _, s := range p.Steps {
			names = append(append(names, s.Do.Links...), s.Do.Components...)
		}
		return names
	}
	others := touched(b)
	return slices.ContainsFunc(touched(a), func(n string) bool { return slices.Contains(others, n) })
}

// Missing lists what a scenario needs and the target does not provide.
func Missing(s Scenario, target Description) []string {
	var missing []string
	for _, need := range s.Target.Needs {
		if !slices.Contains(target.Provides, need) {
			missing = append(missing, need)
		}
	}
	return missing
}
