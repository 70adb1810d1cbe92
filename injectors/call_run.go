package injectors

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: "call.run",
	Doc: "Makes a call of the target's own file, which has an undo: there. When it is in force, and when it is over, is told by checks from " +
		"the victim's side alone, whatever the call says.",
	Example: "{at: 0s, kind: call.run, on: primary, with: {call: stop-api, inForce: [{check: link.silent, of: api}], promotion: impossible}, " +
		"startsClock: true, confirmWithin: 10s}",
	New: func() harness.Injector { return &callRun{} },
})

// callRun makes a call that the target's file names.
type callRun struct{ with callWith }

// callWith are the parameters of call.run.
type callWith struct {
	Call      string        `yaml:"call" need:"yes" doc:"the call of the target's file that is made; it has an undo: there"`
	InForce   []manualCheck `yaml:"inForce" need:"yes" doc:"what shows that it is in force, from the victim's side: all of it dates the fault"`
	Follows   []manualCheck `yaml:"follows" doc:"what must be seen to follow from it, and dates nothing"`
	Restored  []manualCheck `yaml:"restored" doc:"what shows that it is over; if not written, the opposite of inForce"`
	Isolates  bool          `yaml:"isolates" doc:"while it is in force nothing of the region can be reached, or reaches anything"`
	Promotion string        `yaml:"promotion" need:"yes" one:"possible|impossible" doc:"whether another database may be promoted behind it: then that of the region is fenced, or seen to refuse writes, before it is undone"`
}

// With implements registry.Parametrised.
func (c *callRun) With() any { return &c.with }

// Plan makes one call, and the one that undoes it.
func (c *callRun) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	undo, ok := target.Undoes[c.with.Call]
	switch {
	case !ok && slices.Contains(target.Calls, c.with.Call):
		return harness.Plan{}, fmt.Errorf("plan %s: call %s of target %s has no way back: write undo: at the call, or make it a step of the recovery", fault.Kind, c.with.Call, target.Name)
	case !ok:
		return harness.Plan{}, fmt.Errorf("plan %s: target %s has no call %q that changes something", fault.Kind, target.Name, c.with.Call)
	}
	p := harness.Plan{
		Fault: fault, Label: fault.Kind, What: "call " + c.with.Call, Isolates: c.with.Isolates, Fences: []string{},
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.CallMake, Region: region.Name, Call: c.with.Call},
			Undo: harness.Action{Kind: harness.CallMake, Region: region.Name, Call: undo},
		}},
	}
	if c.with.Promotion == "possible" {
		if p.Fences, err = fencesOf(target, fault, region); err != nil {
			return harness.Plan{}, err
		}
	}
	if err := shownBy(&p, target, region, c.with.InForce, c.with.Follows, c.with.Restored); err != nil {
		return harness.Plan{}, fmt.Errorf("plan %s: %w", fault.Kind, err)
	}
	return p, nil
}

// shownBy finds what shows that a fault is in force, what follows, and what shows that it is over.
func shownBy(p *harness.Plan, target harness.Description, region harness.Region, inForce, follows, restored []manualCheck) (err error) {
	if p.InForce, err = resolve(inForce, target, region); err != nil {
		return fmt.Errorf("inForce: %w", err)
	}
	if len(p.InForce) == 0 {
		return errors.New("nothing shows that it is in force: write inForce: [{check: link.silent, of: api}], or another check")
	}
	if p.Follows, err = resolve(follows, target, region); err != nil {
		return fmt.Errorf("follows: %w", err)
	}
	if p.Restored, err = resolve(restored, target, region); err != nil {
		return fmt.Errorf("restored: %w", err)
	}
	if len(p.Restored) == 0 {
		p.Restored, err = oppositesOf(slices.Concat(p.InForce, p.Follows))
	}
	return err
}
