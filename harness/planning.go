package harness

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Refusal is one thing a scenario asks of a target that cannot do it, with the place where the scenario asks: keys (string)
// and places in a list (int), such as "faults", 1.
type Refusal struct {
	At  []any
	Err error
}

// NeedBuilds is provided by a target on which another build of its code can be deployed.
const NeedBuilds = "code.builds"

// A LackingError refuses what needs something that a target does not provide.
type LackingError struct {
	Need string // one of TargetSpec.Needs
	Err  error
}

func (e *LackingError) Error() string { return e.Err.Error() }

// PlanFaults plans every fault of a scenario against a target, in order of time. What the target cannot do is refused; the
// error is the first refusal of PlanAll.
func PlanFaults(ctx context.Context, s Scenario, target Description, can []ActionKind, injector func(FaultSpec) (Injector, error)) ([]Plan, error) {
	plans, refused := PlanAll(ctx, s, target, can, injector)
	if len(refused) > 0 {
		return nil, refused[0].Err
	}
	return plans, nil
}

// noPeople says how people can be asked.
const noPeople = "run it in a terminal, or with --people dir:PATH or http://ADDRESS:PORT"

// PlanAll plans the faults that can be planned, and gives everything that is refused, in the order of the scenario's parts: needs,
// faults, ends of faults, runbook steps.
func PlanAll(ctx context.Context, s Scenario, target Description, can []ActionKind, injector func(FaultSpec) (Injector, error)) ([]Plan, []Refusal) {
	refused := missing(s, target)
	var plans []Plan
	places := map[int]int{} // of plans among the faults
	for i, spec := range s.Faults {
		p, err := planOne(ctx, spec, target, can, injector)
		if err != nil {
			refused = append(refused, Refusal{[]any{"faults", i}, err})
			continue
		}
		places[len(plans)] = i
		plans = append(plans, p)
	}
	for i := range plans {
		if err := cmp.Or(ending(plans, i), overrun(s, plans[i])); err != nil {
			refused = append(refused, Refusal{[]any{"faults", places[i], "for"}, err})
		}
	}
	for i, step := range s.Recovery.Steps {
		if step.Do != "" {
			if !slices.Contains(can, PersonAct) {
				refused = append(refused, Refusal{[]any{"recovery", "steps", i, "do"}, fmt.Errorf("nobody can be asked to %q: %s", step.Do, noPeople)})
			}
			continue
		}
		if err := callable(target, can, step.Call, step.Name); err != nil {
			refused = append(refused, Refusal{[]any{"recovery", "steps", i, "call"}, err})
		}
	}
	for i, r := range s.Restore {
		if err := callable(target, can, r.Call, r.Name); err != nil {
			refused = append(refused, Refusal{[]any{"restore", i, "call"}, err})
		}
	}
	sort.SliceStable(plans, func(i, j int) bool { return plans[i].Fault.At < plans[j].Fault.At })
	return plans, refused
}

// callable refuses a call of a step that the target does not have, or does not let a drill make.
func callable(target Description, can []ActionKind, call, step string) error {
	has := slices.Contains(target.Calls, call)
	switch {
	case !has:
		return fmt.Errorf("target %s has no runbook call %q, which step %q needs; it has: %s", target.Name, call, step, strings.Join(target.Calls, ", "))
	case !slices.Contains(can, RunbookCall):
		return fmt.Errorf("target %s (%s) lets the harness make no call, and step %q needs %q: leave it to its people", target.Name, target.Environment, step, call)
	}
	return nil
}

// A CannotError refuses a fault whose plan has an action that the target does not carry out.
type CannotError struct {
	Target, Fault string
	Action        ActionKind
}

func (e *CannotError) Error() string {
	return fmt.Sprintf("target %s cannot carry out %s, which %s needs", e.Target, e.Action, e.Fault)
}

// planOne plans one fault, and refuses a plan that the target cannot carry out and take back.
func planOne(ctx context.Context, spec FaultSpec, target Description, can []ActionKind, injector func(FaultSpec) (Injector, error)) (Plan, error) {
	in, err := injector(spec)
	if err != nil {
		return Plan{}, fmt.Errorf("plan %s: %w", spec.Kind, err)
	}
	p, err := in.Plan(ctx, target, spec)
	if err != nil {
		return Plan{}, err
	}
	for _, st := range p.Steps {
		for _, a := range []Action{st.Do, st.Undo} {
			if a.Kind == PersonAct && !slices.Contains(can, a.Kind) {
				return Plan{}, fmt.Errorf("plan %s: nobody can be asked to %q: %s", spec.Kind, a.Person.What, noPeople)
			}
			if !slices.Contains(can, a.Kind) {
				return Plan{}, &CannotError{target.Name, spec.Kind, a.Kind}
			}
		}
	}
	if err := covered(p, target); err != nil {
		return Plan{}, err
	}
	if len(p.Fences) > 0 && spec.For > 0 {
		return Plan{}, fmt.Errorf("plan %s: it cannot end while clients are watched: its undo fences %s first; remove `for: %s`",
			spec.Kind, strings.Join(p.Fences, ", "), spec.For)
	}
	if err := fenceable(p, target); err != nil {
		return Plan{}, err
	}
	if len(p.Fences) > 0 && !slices.Contains(can, ComponentFence) {
		return Plan{}, fmt.Errorf("target %s cannot carry out %s, without which undoing %s could leave two primaries",
			target.Name, ComponentFence, spec.Kind)
	}
	return p, nil
}

// ending refuses a fault that would end while another is in force on the same links or components, since its undo would
// take back both, or after one behind which a standby may have been promoted, since it could not be seen to be over.
func ending(plans []Plan, i int) error {
	p := plans[i]
	over := p.Fault.At + p.Fault.For
	for j, other := range plans {
		begun := other.Fault.At <= over
		lasts := other.Fault.For == 0 || other.Fault.At+other.Fault.For >= over
		if p.Fault.For == 0 || i == j || !begun || !lasts || len(other.Fences) == 0 && !touchTheSame(p, other) {
			continue
		}
		return fmt.Errorf("plan %s: it ends at %s, while %s, which begins at %s, is in force: let it end before that, or remove `for: %s`",
			p.Fault.Kind, over, other.Fault.Kind, other.Fault.At, p.Fault.For)
	}
	return nil
}

// overrun refuses a fault that lasts a stated time in which people are to act: nobody else does anything while they take their time, so
// its end would come as late as they are.
func overrun(s Scenario, p Plan) error {
	from, over := p.Fault.At, p.Fault.At+p.Fault.For
	own, within := false, ""
	for _, a := range timedActs(s) { // in the order in which they are done
		mine := a.Fault == p.Fault.ID && a.Name == p.Fault.Kind && (a.Kind == ActInject && a.Due == from || a.Kind == ActEnd && a.Due == over)
		if mine {
			own = true
		} else if within == "" && own && a.By == ByPerson && a.Due < over {
			within = a.title()
		}
	}
	if p.Fault.For == 0 || within == "" {
		return nil
	}
	return fmt.Errorf("plan %s: it ends at %s, and people, for whom it would wait, act before that (%s): let it end before they do, or remove `for: %s`",
		p.Fault.Kind, over, within, p.Fault.For)
}

// touchTheSame tells whether two plans change the same link or component.
func touchTheSame(a, b Plan) bool {
	touched := func(p Plan) (names []string) {
		for _, s := range p.Steps {
			names = append(append(names, s.Do.Links...), s.Do.Components...)
		}
		if p.Task() != nil { // what people touch is told by what is to show it
			for _, c := range slices.Concat(p.InForce, p.Follows, p.Restored) {
				names = append(names, c.On)
			}
		}
		return names
	}
	others := touched(b)
	return slices.ContainsFunc(touched(a), func(n string) bool { return slices.Contains(others, n) })
}

// missing refuses what a scenario needs and the target does not provide.
func missing(s Scenario, target Description) []Refusal {
	var refused []Refusal
	for i, need := range s.Target.Needs {
		if !slices.Contains(target.Provides, need) {
			refused = append(refused, Refusal{[]any{"target", "needs", i}, &LackingError{need, fmt.Errorf(
				"target %s has no %s, which the scenario needs; it provides: %s", target.Name, need, strings.Join(target.Provides, ", "))}})
		}
	}
	return refused
}

// fenceable refuses a plan whose undo would fence what the target does not have, or what takes no writes.
func fenceable(p Plan, target Description) error {
	for _, name := range p.Fences {
		c, ok := target.ComponentByName(name)
		if !ok {
			return fmt.Errorf("plan %s: its undo fences %s, and target %s has no such component", p.Fault.Kind, name, target.Name)
		}
		if !c.Replicates() {
			return fmt.Errorf("plan %s: its undo fences %s, of kind %s, which neither leads nor follows another: only a database can be fenced", p.Fault.Kind, name, c.Kind)
		}
	}
	return nil
}
