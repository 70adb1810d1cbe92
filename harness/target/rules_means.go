package target

import (
	"fmt"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

const (
	minLease = 15 * time.Second
	maxLease = 10 * time.Minute
	// DefaultLease is how long the harness may be silent where a file does not say.
	DefaultLease = harness.Duration(90 * time.Second)
)

// means holds what the harness breaks to what can be undone without it, and never by what is broken.
func (r *rules) means() {
	if l := r.Limits.Lease; l != 0 && (l.D() < minLease || l.D() > maxLease) {
		r.out.Add(at(r.root.Get("limits"), "lease"), "write 15s to 10m", "the lease is %v", l)
	}
	fences := map[string]bool{} // components whose fencing must be written
	undone := map[string]string{}
	for i, m := range r.Means {
		n := r.item("means", i)
		if !r.kind(n, "means", "kind of means", m.Means, r.r.Means, m.With, false) {
			continue
		}
		r.executor(n, m)
		traits := r.r.MeansTraits[m.Means]
		names, what := r.componentNames(), "component"
		if traits.Links {
			names, what = r.linkNames(), "link"
		}
		for j, on := range m.On {
			if !r.known(n.Get("on"), fmt.Sprint(j+1), what, on, names) {
				continue
			}
			if c, _ := r.ComponentByName(on); ends(traits) && c.Host == m.Host && r.inside(m.Host) {
				r.out.Add(at(n, "host"), "name the host of the containers, or another that can stop this one and outlives it", "host %s is the container that %s runs in: it would die with it, and nobody would undo anything", m.Host, on)
			}
			for _, act := range traits.Acts {
				key := string(harness.UndoOf(act)) + " " + on
				if other := undone[key]; other != "" && other != m.Name {
					r.out.Add(at(n, "on"), "leave it to one of them", "%s and %s would both undo what is done to %s", other, m.Name, on)
					break
				}
				undone[key] = m.Name
			}
			for _, c := range r.leadersBehind(on, traits.Links) {
				fences[c] = true
			}
		}
		if len(m.On) == 0 {
			r.out.Add(at(n, "on"), "name what it acts on", "means %s acts on nothing", m.Name)
		}
	}
	for i, c := range r.Components {
		r.fencing(r.item("components", i), c, fences[c.Name])
	}
}

// ends tells whether a means ends what it acts on.
func ends(t MeansTraits) bool {
	return slices.Contains(t.Acts, harness.ComponentKill) || slices.Contains(t.Acts, harness.ComponentStop)
}

// inside tells whether programs on a host run inside a container or pod, which ends with what runs in it.
func (r *rules) inside(host string) bool {
	h, _ := r.HostByName(host)
	return h.By == "docker" || h.By == "kubectl"
}

// executor is where the commands of a means are run.
func (r *rules) executor(n *strictyaml.Node, m Means) {
	var names []string
	for _, h := range r.Hosts {
		names = append(names, h.Name)
	}
	h, ok := r.HostByName(m.Host)
	switch {
	case !r.known(n, "host", "host", m.Host, names):
	case ok && h.By == "":
		r.out.Add(at(n, "host"), "write by: at the host, such as by: ssh", "host %s has no transport by which a program is run there", m.Host)
	case ok && h.OS == Windows:
		r.out.Add(at(n, "host"), "name another", "host %s runs windows, where nothing is broken", m.Host)
	}
}

// leadersBehind lists what could lead, or go on leading, when something on a component or link is undone.
func (r *rules) leadersBehind(on string, link bool) (all []string) {
	ends := []string{on}
	if link {
		for _, l := range r.Links {
			if l.Name == on {
				ends = []string{l.From, l.To}
			}
		}
	}
	for _, c := range r.Components {
		if slices.Contains(ends, c.Name) && r.r.Traits[c.Kind].Replicates {
			all = append(all, c.Name)
		}
	}
	return all
}

// fencing must be written of what a means can have superseded; there is no default for a database.
func (r *rules) fencing(n *strictyaml.Node, c Component, need bool) {
	f, replicates := c.Fencing, r.r.Traits[c.Kind].Replicates
	const write = "write fencing: {by: self} where its own cluster manager sees to it, {by: call, call: NAME}, or {by: hold}"
	switch {
	case f == nil && need:
		r.out.Add(n.Pos, write, "a means can have %s superseded, and its file does not say what then keeps it from leading beside another", c.Name)
		return
	case f == nil:
		return
	case !replicates:
		r.out.Add(at(n, "fencing"), "leave it out", "%s, of kind %s, neither leads nor follows", c.Name, c.Kind)
		return
	}
	if (f.By == harness.FencedByCall) != (f.Call != "") {
		r.out.Add(at(n, "fencing"), write, "the fencing of %s is by %s, and its call is %q", c.Name, f.By, f.Call)
	}
	for key, name := range map[string]string{"fencing.call": f.Call, "fencing.asked": f.Asked} {
		if name != "" && r.known(n, key, "call", name, r.callNames()) && key == "fencing.call" && r.callByName(name).Reads {
			r.out.Add(at(n, key), "name one that changes something", "call %s only reads, and fences nothing", name)
		}
	}
}

func (r *rules) linkNames() (all []string) {
	for _, l := range r.Links {
		all = append(all, l.Name)
	}
	return all
}

func (r *rules) callByName(name string) Call { c, _ := r.CallByName(name); return c }

// undoOf holds the way back of a call to what it may be.
func (r *rules) undoOf(n *strictyaml.Node, c Call) {
	switch {
	case c.Undo != "" && c.OneWay:
		r.out.Add(at(n, "oneWay"), "leave one of them out", "call %s has a way back, and is said to have none", c.Name)
	case c.Reads && (c.Undo != "" || c.OneWay):
		r.out.Add(at(n, "reads"), "leave undo and oneWay out, or reads", "call %s only reads: there is nothing to undo", c.Name)
	case c.Undo == c.Name && c.Undo != "":
		r.out.Add(at(n, "undo"), "name another", "call %s cannot undo itself", c.Name)
	case c.Undo != "" && r.callByName(c.Undo).Undo != "":
		r.out.Add(at(n, "undo"), "leave it out of one of them: what undoes another is never a fault itself", "call %s is undone by %s, which has an undo of its own", c.Name, c.Undo)
	case c.Undo != "" && r.known(n, "undo", "call", c.Undo, r.callNames()) && r.callByName(c.Undo).Reads:
		r.out.Add(at(n, "undo"), "name one that changes something", "call %s only reads, and undoes nothing", c.Undo)
	}
}

// MeansFor finds the means that carries out an act on a component or link.
func (t Target) MeansFor(on string, acts func(Means) []harness.ActionKind, act harness.ActionKind) (Means, bool) {
	for _, m := range t.Means {
		if slices.Contains(m.On, on) && slices.Contains(acts(m), act) {
			return m, true
		}
	}
	return Means{}, false
}

// LeaseTime is how long the harness may be silent.
func (t Target) LeaseTime() time.Duration {
	if t.Limits.Lease == 0 {
		return DefaultLease.D()
	}
	return t.Limits.Lease.D()
}
