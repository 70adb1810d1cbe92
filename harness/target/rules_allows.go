package target

import (
	"regexp"
	"slices"
	"strings"

	"blackstart/harness"
)

// changing is the form of a request that may change something.
var changing = regexp.MustCompile(`^(POST|PUT|PATCH|DELETE) /[!->@-~]*$`)

func (r *rules) allows() {
	seen := map[Allow]bool{}
	for i, a := range r.Allows {
		n := r.item("allows", i)
		c, _ := r.ComponentByName(a.On)
		switch {
		case !a.one():
			r.out.Add(n.Pos, "write {write: ledger, on: east.db}, {path: POST /orders}, or {announce: ops-room}", "an allowance is for one thing: a table that is written on a component, a request, or an announcement")
		case a.Announce != "":
			r.known(n, "announce", "announcement", a.Announce, r.announcementNames())
		case a.Path != "" && !changing.MatchString(a.Path):
			r.out.Add(at(n, "path"), "write one such as POST /orders; GET needs no allowance", "%q is no request that may change something", a.Path)
		case a.Path != "" && r.Entry == nil:
			r.out.Add(at(n, "path"), "write entry: with its url", "requests go to the entry, and the target has none")
		case a.Path != "" && seen[a]:
			r.out.Add(n.Pos, "keep one of the two", "%s is allowed twice", a.Path)
		case a.Path != "":
		case !r.known(n, "on", "component", a.On, r.componentNames()):
		case r.r.Traits[c.Kind].Holds[a.Write] == "":
			r.out.Add(at(n, "on"), "name one of kind "+strings.Join(r.holders(a.Write), " or "), "a component of kind %s holds no %s", c.Kind, a.Write)
		case seen[a]:
			r.out.Add(n.Pos, "keep one of the two", "the %s on %s is allowed twice", a.Write, a.On)
		}
		seen[a] = true
	}
}

// holders are the kinds of component on which a thing can be written.
func (r *rules) holders(write string) (all []string) {
	for kind, t := range r.r.Traits {
		if t.Holds[write] != "" {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return all
}

// one tells whether an allowance is for one thing.
func (a Allow) one() bool {
	things := 0
	for _, of := range []string{a.Write, a.Path, a.Announce} {
		if of != "" {
			things++
		}
	}
	return things == 1 && (a.Write != "") == (a.On != "")
}

// loadLimits: a limit that bounds nothing is a mistake.
func (r *rules) loadLimits() {
	n := r.root.Get("limits")
	switch l := r.Limits.Loads; {
	case l == nil:
	case n.Get("loads").Get("rate") != nil && l.Rate.Count == 0:
		r.out.Add(at(n, "loads.rate"), "write one such as 50/s, or leave it out", "a load of rate %s does nothing", l.Rate)
	case *l == harness.LoadLimits{}:
		r.out.Add(at(n, "loads"), "write rate, connections, rows or bytes", "the limits of loads bound nothing")
	}
}
