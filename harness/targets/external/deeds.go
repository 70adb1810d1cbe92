package external

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
)

// deed is one act on one component or link, or one call, as the host that carries it out has it.
type deed struct {
	on    string // component, link, or call
	host  string
	entry lease.Entry
	needs means.Needs
}

// deeds are what an action comes to: one for each thing that it is on.
func (d *Driver) deeds(a harness.Action) (all []deed, err error) {
	if a.Kind == harness.CallMake {
		one, err := d.callDeed(a.Call)
		return []deed{one}, err
	}
	for _, on := range slices.Concat(a.Components, a.Links) {
		one, err := d.deed(a, on)
		if err != nil {
			return nil, err
		}
		if len(one.entry.Ours) > 0 { // else another of the same means does it for all
			all = append(all, one)
		}
	}
	return all, nil
}

// eachDeed goes through all that plans have hosts do, and calls made; it ends with the first error.
func (d *Driver) eachDeed(plans []harness.Plan, do func(harness.Step, deed) error) error {
	for _, p := range plans {
		for _, s := range p.Steps {
			if harness.UndoOf(s.Do.Kind) == "" && s.Do.Kind != harness.CallMake {
				continue
			}
			all, err := d.deeds(s.Do)
			if err != nil {
				return err
			}
			for _, one := range all {
				if err := do(s, one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// deed is one act on one thing.
func (d *Driver) deed(a harness.Action, on string) (deed, error) {
	m, kind, err := d.meansFor(a.Kind, on)
	if err != nil {
		return deed{}, err
	}
	s := means.SubjectOf(d.Target, m, on, d.run())
	scripts, err := kind.Scripts(a, s)
	if err != nil {
		return deed{}, fmt.Errorf("means %s, %s of %s: %w", m.Name, a.Kind, on, err)
	}
	one := deed{on: on, host: m.Host, needs: kind.Needs(s), entry: lease.Entry{ID: entryID(harness.UndoOf(a.Kind), on), Scripts: scripts}}
	one.entry.Guard, one.entry.Hold = d.guard(a, on, m.Host)
	return one, nil
}

// meansFor finds the means of an act on a thing.
func (d *Driver) meansFor(act harness.ActionKind, on string) (target.Means, means.Kind, error) {
	m, ok := d.Target.MeansFor(on, means.ActsOf, act)
	if !ok {
		return m, nil, fmt.Errorf("target %s has no means of %s for %s", d.Target.Metadata.Name, act, on)
	}
	kind, err := means.Make(m)
	return m, kind, err
}

// entryID names what is undone by one kind of action on one thing.
func entryID(undo harness.ActionKind, on string) string {
	_, word, _ := strings.Cut(string(undo), ".")
	return on + "." + word
}

// run is the run that holds the target, "" before there is one.
func (d *Driver) run() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runID
}

// leaders are the components that lead when the drill starts and that an act on something can have superseded.
func (d *Driver) leaders(on string) (all []target.Component) {
	ends := []string{on}
	for _, l := range d.Target.Links {
		if l.Name == on {
			ends = []string{l.From, l.To}
		}
	}
	traits := component.Traits()
	for _, c := range d.Target.Components {
		if slices.Contains(ends, c.Name) && traits[c.Kind].Replicates && d.Target.RegionOf(c).Role == harness.Primary {
			all = append(all, c)
		}
	}
	return all
}

// guard is what keeps a host from undoing an act by itself where that could put two in the lead, and how people lift it.
func (d *Driver) guard(a harness.Action, on, host string) (script, hold string) {
	for _, c := range d.leaders(on) {
		f := c.Fencing
		if f != nil && f.By == harness.FencedBySelf {
			continue
		}
		hold = fmt.Sprintf("%s led before the drill, and another may lead by now: see that %s refuses writes, then take %s of %s back", c.Name, c.Name, a.Kind, on)
		fence := ""
		if f != nil && f.By == harness.FencedByCall && a.Kind != harness.ComponentKill && a.Kind != harness.ComponentStop {
			fence = d.fenceScript(f, host)
		}
		if fence == "" {
			return "echo " + lease.Quote(hold) + " >&2; exit 1", hold
		}
		script += fence + "\n"
	}
	return script, hold
}

// fenceScript fences a component and sees it hold, as the host of a means does it by itself; "" where the calls for that are not run on that host.
func (d *Driver) fenceScript(f *target.Fencing, host string) string {
	fence, asked := d.argvOf(f.Call), d.argvOf(f.Asked)
	if fence == "" || asked == "" || d.hostOf(f.Call) != host || d.hostOf(f.Asked) != host {
		return ""
	}
	return fence + " || exit 1\n" + asked + " || exit 1"
}

// argvOf is the command of a call that runs a program on a host and reads no secret, for that host's shell; "" of another.
func (d *Driver) argvOf(name string) string {
	c, ok := d.Target.CallByName(name)
	if !ok {
		return ""
	}
	kind, err := call.Make(c)
	if err != nil {
		return ""
	}
	e, ok := kind.(call.Scripted)
	if !ok {
		return ""
	}
	_, argv := e.Script()
	var words []string
	for _, w := range argv {
		words = append(words, lease.Quote(w))
	}
	return strings.Join(words, " ")
}

// callDeed is a call whose undo a host can make by itself. host is "" of one that no host can.
func (d *Driver) callDeed(name string) (deed, error) {
	c, ok := d.Target.CallByName(name)
	undo, back := d.Target.CallByName(c.Undo)
	if !ok || !back {
		return deed{}, fmt.Errorf("target %s has no call %s that can be undone", d.Target.Metadata.Name, name)
	}
	one := deed{on: name, entry: lease.Entry{ID: "call." + name}}
	host, there := d.hostOf(name), d.hostOf(c.Undo)
	do, undoes := d.argvOf(name), d.argvOf(c.Undo)
	if do == "" || undoes == "" || host != there || host == "" {
		return one, nil
	}
	mark := lease.Quote("/var/tmp/blackstart-call-" + d.run() + "-" + name)
	one.host = host
	one.entry.Scripts = lease.Scripts{
		Held: true, State: "test -e " + mark + " && echo made || echo unmade", Free: []string{"unmade"}, Ours: []string{"made"},
		Do: ": > " + mark + " && " + do, Undo: undoes + " && rm -f " + mark,
		Most: int(max(c.Timeout, undo.Timeout).D().Seconds()) + 1,
	}
	one.entry.Guard, one.entry.Hold = d.callGuard(name, host)
	return one, nil
}

// hostOf is the host that a call runs its program on, "" of none.
func (d *Driver) hostOf(name string) string {
	c, _ := d.Target.CallByName(name)
	kind, err := call.Make(c)
	if err != nil {
		return ""
	}
	e, ok := kind.(call.Scripted)
	if !ok {
		return ""
	}
	on, _ := e.Script()
	return on
}

// callGuard guards a call as what it does is not known: behind it every leader may have been superseded.
func (d *Driver) callGuard(name, host string) (script, hold string) {
	for _, c := range d.Target.Components {
		if s, h := d.guard(harness.Action{Kind: harness.CallMake, Call: name}, c.Name, host); s != "" {
			script, hold = script+s+"\n", h
		}
	}
	return script, hold
}
