package harness

import (
	"slices"
)

// ObserveOnly is on the record of a run that broke nothing: its scenario was watched for as long as it takes, and what follows was
// left out.
type ObserveOnly struct {
	LeftOut []LeftOut `json:"left_out"` // in the order of the scenario's parts; probes as they were opened
}

// What a thing is that is left out.
const (
	LeftFault    = "fault"
	LeftStep     = "step" // of the runbook
	LeftLoad     = "load"
	LeftProbe    = "probe"
	LeftAnnounce = "announce" // or stand down
)

// LeftOut is one thing that a scenario or a target file asks for, and that was not done.
type LeftOut struct {
	What string `json:"what"` // fault, step, load, probe or announce
	Name string `json:"name"` // id of a fault, load or probe, "" if it has none; name of a step or an announcement
	Kind string `json:"kind"` // of a fault or probe; workload of a load; else ""
	Why  string `json:"why"`
}

// String says what was left out, and why.
func (l LeftOut) String() string {
	text := l.What
	if l.Name != "" {
		text += " " + l.Name
	}
	if l.Kind != "" {
		text += " (" + l.Kind + ")"
	}
	return text + ": " + l.Why
}

// detail is a thing left out as an event tells it.
func (l LeftOut) detail() map[string]string {
	return map[string]string{"what": l.What, "name": l.Name, "kind": l.Kind, "why": l.Why}
}

// LeftOutOf reads back what an event tells of one.
func LeftOutOf(detail map[string]string) LeftOut {
	return LeftOut{What: detail["what"], Name: detail["name"], Kind: detail["kind"], Why: detail["why"]}
}

// Observed is what is left of a scenario that is only observed: its loads and probes, without those that are left out and what is
// required of them, and its time. Nothing is broken, nobody does anything, and nothing is proved.
func (s Scenario) Observed(left []LeftOut) Scenario {
	s.Faults, s.Recovery.Steps, s.Restore, s.Objectives = []FaultSpec{}, nil, nil, nil
	s.Observe, s.ObserveUndo = s.Observe+s.ObserveUndo, 0 // what would be watched after the undo is watched as well
	s.Load = slices.DeleteFunc(slices.Clone(s.Load), func(l LoadSpec) bool { return leftLoad(left, l.ID) != nil })
	s.SteadyState.Require = slices.DeleteFunc(slices.Clone(s.SteadyState.Require), func(r Requirement) bool { return r.LeftOut(left) != nil })
	return s
}

// LeftOut gives what a requirement asks about, where that is left out; nil where it is not.
func (r Requirement) LeftOut(left []LeftOut) *LeftOut {
	if r.Load != "" {
		return leftLoad(left, r.Load)
	}
	i := slices.IndexFunc(left, func(l LeftOut) bool { return l.What == LeftProbe && named(l.Name, l.Kind, r.Probe) })
	if i < 0 {
		return nil
	}
	return &left[i]
}

func leftLoad(left []LeftOut, id string) *LeftOut {
	i := slices.IndexFunc(left, func(l LeftOut) bool { return l.What == LeftLoad && l.Name == id })
	if i < 0 {
		return nil
	}
	return &left[i]
}

// Played is what of its scenario a run carries out: all of it, or, where it only observes, what is left.
func (r *Record) Played() Scenario {
	if r.ObserveOnly == nil {
		return r.Scenario
	}
	return r.Scenario.Observed(r.ObserveOnly.LeftOut)
}

// NotDone lists what an observation of a scenario leaves out whatever the target allows: whatever breaks something, and whatever
// anybody does.
func NotDone(s Scenario) []LeftOut {
	all := []LeftOut{}
	for _, f := range s.Faults {
		all = append(all, LeftOut{LeftFault, f.ID, f.Kind, "nothing is broken"})
	}
	for _, step := range s.Recovery.Steps {
		all = append(all, LeftOut{LeftStep, step.Name, "", "no step is taken"})
	}
	for _, r := range s.Restore {
		all = append(all, LeftOut{LeftStep, r.Name, "", "no step is taken"})
	}
	return all
}

// noteLeftOut puts what is left out from the begin into the log of events.
func (d *drill) noteLeftOut(left []LeftOut) {
	for _, l := range left {
		d.note("observe.left-out", "left out, observed only: "+l.String(), l.detail())
	}
}

// leaveOut keeps what an observation leaves out from now on: a probe that would write what may not be written.
func (d *drill) leaveOut(run ProbeRun) {
	l := LeftOut{LeftProbe, run.ID, run.Probe, "it would write, and " + run.Missing}
	d.rec.ObserveOnly.LeftOut = append(d.rec.ObserveOnly.LeftOut, l)
	d.noteLeftOut([]LeftOut{l})
	d.Scenario = d.rec.Played()
}
