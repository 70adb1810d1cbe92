package injectors

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// componentWith are the parameters of the faults of one component.
type componentWith struct {
	Component string `yaml:"component" doc:"its name; this or of"`
	Of        string `yaml:"of" doc:"kind of the component; the only one of that kind in the region"`
}

// find finds the one component that is meant, in the region that the fault names.
func (w componentWith) find(target harness.Description, fault harness.FaultSpec, region harness.Region) (harness.Component, error) {
	if (w.Component == "") == (w.Of == "") {
		return harness.Component{}, fmt.Errorf("plan %s: write with: {component: NAME}, or with: {of: KIND} for the only one of that kind in the region", fault.Kind)
	}
	var all []harness.Component
	var names []string
	for _, c := range target.Components {
		if c.Region == region.Name && (c.Name == w.Component || c.Kind == w.Of) {
			all, names = append(all, c), append(names, c.Name)
		}
	}
	switch {
	case len(all) == 0 && w.Of != "":
		return harness.Component{}, fmt.Errorf("plan %s: region %s of target %s has no component of kind %s", fault.Kind, region.Name, target.Name, w.Of)
	case len(all) == 0:
		return harness.Component{}, fmt.Errorf("plan %s: region %s of target %s has no component %s", fault.Kind, region.Name, target.Name, w.Component)
	case len(all) > 1:
		return harness.Component{}, fmt.Errorf("plan %s: region %s of target %s has several components of kind %s: write with: {component: NAME} with one of %s",
			fault.Kind, region.Name, target.Name, w.Of, strings.Join(names, ", "))
	}
	return all[0], nil
}

// componentVictim finds the component that a fault names, and refuses one that the target does not allow to be broken.
func componentVictim(target harness.Description, fault harness.FaultSpec, w componentWith) (harness.Region, harness.Component, error) {
	region, ok := target.RegionByRole(fault.On)
	if !ok {
		_, err := victim(target, fault)
		return region, harness.Component{}, err
	}
	c, err := w.find(target, fault, region)
	if err == nil && !slices.Contains(target.Breakable, c.Name) {
		_, err = victim(target, fault)
	}
	return region, c, err
}

// ofComponent plans a fault of one component. It is in force when a client gets no answer from it, and, on a target whose processes can be
// looked at, when nothing of it runs, if it ends.
//
// One that leads is fenced before the undo, whether it ended or was frozen: another may lead by then, and what is started or goes on
// would be a second that does. What does not run takes no writes, so fencing it asks nothing of anybody; a target may say that a leader of
// its own steps back by itself.
func (w componentWith) ofComponent(target harness.Description, fault harness.FaultSpec, what string, do, undo harness.ActionKind) (harness.Plan, error) {
	region, c, err := componentVictim(target, fault, w)
	if err != nil {
		return harness.Plan{}, err
	}
	on := []string{c.Name}
	p := harness.Plan{
		Fault: fault, Label: fmt.Sprintf("%s (%s)", fault.Kind, c.Name), What: c.Name + " " + what, Fences: []string{},
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: do, Region: region.Name, Components: on},
			Undo: harness.Action{Kind: undo, Region: region.Name, Components: on},
		}},
	}
	if c.Role == harness.Primary {
		p.Fences = on
	}
	for _, l := range target.Links {
		if l.From == harness.Outside && l.To == c.Name {
			p.InForce = checks(harness.LinkUnanswered, []string{l.Name})
			p.Restored = checks(harness.LinkAnswers, []string{l.Name})
			break
		}
	}
	if undo == harness.ComponentStart && target.Kind != harness.External {
		p.InForce = append(p.InForce, checks(harness.ComponentGone, on)...)
		p.Restored = append(p.Restored, checks(harness.ComponentRuns, on)...)
	}
	if len(p.InForce) == 0 {
		return p, fmt.Errorf("plan %s: target %s has no link from outside to %s, and nobody could see the fault: write {from: outside, to: %s} under its links",
			fault.Kind, target.Name, c.Name, c.Name)
	}
	return p, nil
}
