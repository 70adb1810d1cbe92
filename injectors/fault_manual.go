package injectors

import (
	"context"
	"fmt"
	"time"

	"blackstart/harness"
	questions "blackstart/harness/victim"
	"blackstart/internal/registry"
)

var _ = Faults.Add(registry.Kind[harness.Injector]{
	Name: harness.FaultManual,
	Doc: "People carry it out, and take it back, as they are asked to in words. When it is in force, and when it is over, is told by " +
		"checks from the victim's side alone, whatever people say.",
	Example: "{at: 0s, kind: fault.manual, on: primary, with: {do: cut the data centre off, by: network operator, " +
		"inForce: [{check: link.silent, of: api}], undo: let it be reached again}, startsClock: true, confirmWithin: 30s}",
	New: func() harness.Injector { return &faultManual{} },
})

// faultManual asks people.
type faultManual struct{ with manualWith }

// manualWith are the parameters of fault.manual.
type manualWith struct {
	Do         string           `yaml:"do" need:"yes" doc:"what is to be done, in words"`
	By         string           `yaml:"by" need:"yes" doc:"who does it: a name, or a role that people know"`
	Takes      harness.Duration `yaml:"takes" doc:"how long it is planned to take"`
	Within     harness.Duration `yaml:"within" doc:"how long is waited for somebody to say that it is done; 10m if not written"`
	InForce    []manualCheck    `yaml:"inForce" need:"yes" doc:"what shows that it is in force, from the victim's side: all of it dates the fault"`
	Follows    []manualCheck    `yaml:"follows" doc:"what must be seen to follow from it, and dates nothing"`
	Undo       string           `yaml:"undo" need:"yes" doc:"what is to be done to take it back, in words"`
	UndoWithin harness.Duration `yaml:"undoWithin" doc:"how long is waited for somebody to say that it is taken back; 10m if not written"`
	Restored   []manualCheck    `yaml:"restored" doc:"what shows that it is over; if not written, the opposite of inForce"`
	Isolates   bool             `yaml:"isolates" doc:"while it is in force nothing of the region can be reached, or reaches anything"`
}

// manualCheck is one check, of something by its name, or by what it is.
type manualCheck struct {
	Check string `yaml:"check" need:"yes" doc:"kind of check"`
	On    string `yaml:"on" doc:"name of the component or link that is asked about; this or of"`
	Of    string `yaml:"of" doc:"kind of the component that is asked about; of a check about links the link from outside to it"`
	In    string `yaml:"in" one:"primary|standby" doc:"role of the region that the component of that kind is in; that of the fault if not written"`
	Want  string `yaml:"want" doc:"what it is compared with, where the check wants something"`
}

// With implements registry.Parametrised.
func (m *faultManual) With() any { return &m.with }

// patience is how long people may take where a scenario does not say.
const patience = harness.Duration(10 * time.Minute)

// opposites are the checks that hold when another does no more.
var opposites = map[harness.CheckKind]harness.CheckKind{
	harness.LinkSilent: harness.LinkAnswers, harness.LinkUnanswered: harness.LinkAnswers, harness.ComponentGone: harness.ComponentRuns, harness.ReceiverGone: harness.ReceiverStreams,
	harness.SlotInactive: harness.SlotActive, harness.ReplayPaused: harness.ReplayRuns, harness.HeartbeatStalls: harness.HeartbeatFlows,
	harness.AutomationPaused: harness.AutomationRuns,
}

// Plan has people do one thing, and take it back. It fences nothing: who undoes it sees to that, and a check can ask.
func (m *faultManual) Plan(_ context.Context, target harness.Description, fault harness.FaultSpec) (harness.Plan, error) {
	region, err := victim(target, fault)
	if err != nil {
		return harness.Plan{}, err
	}
	task := func(what string, within harness.Duration) harness.PersonTask {
		if within == 0 {
			within = patience
		}
		return harness.PersonTask{What: what, By: m.with.By, Within: within}
	}
	do, undo := task(m.with.Do, m.with.Within), task(m.with.Undo, m.with.UndoWithin)
	do.Takes, undo.Undoing = m.with.Takes, true
	p := harness.Plan{
		Fault: fault, Label: fault.Kind, What: m.with.Do + " (by people)", Isolates: m.with.Isolates, Fences: []string{},
		Steps: []harness.Step{{
			Do:   harness.Action{Kind: harness.PersonAct, Region: region.Name, Person: &do},
			Undo: harness.Action{Kind: harness.PersonAct, Region: region.Name, Person: &undo},
		}},
	}
	if err := shownBy(&p, target, region, m.with.InForce, m.with.Follows, m.with.Restored); err != nil {
		return harness.Plan{}, fmt.Errorf("plan %s: %w", fault.Kind, err)
	}
	return p, nil
}

// oppositesOf are the checks that show that others do not hold any more.
func oppositesOf(inForce []harness.Check) (all []harness.Check, err error) {
	for _, c := range inForce {
		opposite, ok := opposites[c.Kind]
		if !ok {
			return nil, fmt.Errorf("nothing shows that %s is over: write restored: [{check: …}]", c.Kind)
		}
		if k, found := questions.Checks.Get(string(opposite)); found && k.New().Follows {
			return nil, fmt.Errorf("once another database leads, %s never holds again: write restored: [{check: …}]", opposite)
		}
		all = append(all, harness.Check{Kind: opposite, On: c.On})
	}
	return all, nil
}

// resolve finds what each check is asked about on a target.
func resolve(written []manualCheck, target harness.Description, region harness.Region) (all []harness.Check, err error) {
	for _, w := range written {
		kind, ok := questions.Checks.Get(w.Check)
		if !ok {
			return nil, fmt.Errorf("there is no check %q: see `blackstart list checks`", w.Check)
		}
		k := kind.New()
		if w.Check == string(harness.ComponentGone) && target.Kind == harness.External {
			return nil, fmt.Errorf("%s: from outside nobody can see that a component is gone, only that it does not answer: write link.silent", w.Check)
		}
		if (w.On == "") == (w.Of == "") {
			return nil, fmt.Errorf("%s: write on: with a name, or of: with a kind of component", w.Check)
		}
		if k.Wants != (w.Want != "") {
			return nil, fmt.Errorf("%s: want: must be written where a check compares with something, and nowhere else", w.Check)
		}
		on, err := w.subject(k, target, region)
		if err != nil {
			return nil, err
		}
		all = append(all, harness.Check{Kind: harness.CheckKind(w.Check), On: on, Want: w.Want})
	}
	return all, nil
}

// subject finds the link or component that a check is asked about.
func (w manualCheck) subject(k questions.Kind, target harness.Description, region harness.Region) (string, error) {
	if w.In != "" {
		var ok bool
		if region, ok = target.RegionByRole(w.In); !ok {
			return "", fmt.Errorf("%s: target %s has no %s region", w.Check, target.Name, w.In)
		}
	}
	name := w.On
	if w.Of != "" {
		c, ok := target.ComponentOf(region.Name, w.Of)
		if !ok {
			return "", fmt.Errorf("%s: region %s of target %s has no component of kind %s", w.Check, region.Name, target.Name, w.Of)
		}
		name = c.Name
	}
	if k.Scope == questions.ScopeLink && w.Of != "" {
		for _, l := range target.Links {
			if l.From == harness.Outside && l.To == name {
				return l.Name, nil
			}
		}
		return "", fmt.Errorf("%s: no link of target %s leads from outside to %s: write {from: outside, to: %s} under its links", w.Check, target.Name, name, name)
	}
	_, link := target.LinkByName(name)
	_, component := target.ComponentByName(name)
	if k.Scope == questions.ScopeLink && !link || k.Scope == questions.ScopeComponent && !component {
		return "", fmt.Errorf("%s: target %s has no %s %q", w.Check, target.Name, k.Scope, name)
	}
	return name, nil
}
