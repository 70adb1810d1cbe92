package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// probes are those that the scenario lists.
func (r *rules) probes() {
	var ids []string
	for _, p := range r.s.Probes {
		ids = append(ids, p.ID)
	}
	r.ids("probe", ids, "probes")
	for i, p := range r.s.Probes {
		steps := func(key string) []any {
			all := []any{"probes", i}
			for _, k := range strings.Split(key, ".") {
				all = append(all, k)
			}
			return all
		}
		if slices.ContainsFunc(r.known.Listed, func(o harness.ProbeSpec) bool { return o.ID == p.ID }) {
			r.wrong(fmt.Sprintf("the target's file lists a probe %q, too", p.ID), "give it another id", steps("id")...)
		}
		r.name("kind of probe", names(r.known.ProbeKinds), p.Probe, steps("probe")...)
		if r.known.ListedTraits == nil || !r.has(steps("probe")...) || r.unread(steps("with"), steps("every"), steps("on")) {
			continue
		}
		traits, ok := r.known.ListedTraits(p)
		if !ok {
			continue // it has been reported
		}
		if key, wrong, hint := r.known.WrongProbe(p); wrong != "" {
			r.wrong(fmt.Sprintf("%s of %s %s", strings.TrimPrefix(key, "with."), entryName("probe", p.ID, i), wrong), hint, steps(key)...)
		}
		if r.known.Target != nil {
			target := r.known.Target(*r.s)
			if _, why := traits.SubjectOf(&target, p.On); why != nil {
				hint := "write on: the role of a region, or the name of a component of the target"
				if traits.Local {
					hint = "remove on:"
				}
				r.wrong(fmt.Sprintf("%s cannot be asked: %v", entryName("probe", p.ID, i), why), hint, steps("on")...)
			}
		}
	}
}

// listedAs are the probes that are listed under a name: by their id, or by their kind.
func (r *rules) listedAs(name string) (all []harness.ProbeSpec) {
	for _, p := range slices.Concat(r.s.Probes, r.known.Listed) {
		if p.ID == name || p.Probe == name {
			all = append(all, p)
		}
	}
	return all
}

// probeOf says what a probe is that something names; false where that cannot be known. It reports one that does not exist, and a kind
// that nobody lists and that is asked only where it is.
func (r *rules) probeOf(what, name string, steps ...any) (harness.ProbeTraits, bool) {
	if !r.has(steps...) || r.has("probes") && r.anyUnread("probes", "id") {
		return harness.ProbeTraits{}, false
	}
	traits, kind := r.known.Probes[name]
	listed := r.listedAs(name)
	if len(listed) > 0 && r.known.ListedTraits != nil {
		t, ok := r.known.ListedTraits(listed[0])
		return t, ok
	}
	if kind && traits.Listed {
		r.wrong(fmt.Sprintf("%s names %s, which is asked only where it is listed", what, name), "list it under probes:, and write its id here", steps...)
		return harness.ProbeTraits{}, false
	}
	all := r.known.probes()
	for _, p := range slices.Concat(r.s.Probes, r.known.Listed) {
		all = append(all, p.ID)
	}
	if r.known.Probes != nil {
		r.name("probe", all, name, steps...)
	}
	return traits, kind
}

// bounds reports bounds that a value in a unit cannot have.
func (r *rules) bounds(what string, b harness.Bounds, unit string, steps ...any) {
	if !b.Some() {
		return
	}
	if _, _, err := b.Read(unit); err != nil {
		key := "atMost"
		if b.AtMost == "" || strings.HasPrefix(err.Error(), "atLeast: ") {
			key = "atLeast"
		}
		written := map[string]string{harness.UnitNS: "a duration, such as 5s", harness.UnitPPM: "a share, such as 1%"}
		why, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), key+": "), ": write")
		r.wrong(fmt.Sprintf("%s of %s: the values of its probe are in %s, and %s", key, what, unit, why),
			"write "+cmp.Or(written[unit], "a whole number, such as 3"), append(slices.Clone(steps), key)...)
	}
}

func (r *rules) guards() {
	for i, g := range r.s.Guards {
		what := fmt.Sprintf("guard %d", i+1)
		has := func(key string) bool { return r.has("guards", i, key) }
		traits, known := r.probeOf(what, g.Probe, "guards", i, "probe")
		byID := slices.ContainsFunc(r.listedAs(g.Probe), func(p harness.ProbeSpec) bool { return p.ID == g.Probe })
		if !has("region") && has("probe") && !byID && !r.unread([]any{"guards", i, "region"}) {
			r.wrong(what+" has no region", "write region: … (role of the region it asks)", "guards", i)
		}
		r.within("failingFor of "+what, g.FailingFor, ofFailing, "guards", i, "failingFor")
		r.within("forLonger of "+what, g.ForLonger, ofFailing, "guards", i, "forLonger")
		bounded := has("atMost") || has("atLeast")
		switch {
		case r.unread([]any{"guards", i, "failingFor"}, []any{"guards", i, "forLonger"}, []any{"guards", i, "atMost"}, []any{"guards", i, "atLeast"}):
		case bounded && has("failingFor"):
			r.wrong(what+" has a bound and failingFor", "write forLonger: in place of failingFor:, or leave the bound out", "guards", i, "failingFor")
		case bounded && !has("forLonger"):
			r.wrong(what+" does not say how long its value may be beyond the bound", "write forLonger: 5s", "guards", i)
		case !bounded && has("forLonger"):
			r.wrong(what+" has forLonger and no bound", "write failingFor: in its place, or a bound: atMost: or atLeast:", "guards", i, "forLonger")
		case !bounded && !has("failingFor"):
			r.wrong(what+" has no failingFor", "write failingFor: … (longest allowed failing), or a bound with forLonger:", "guards", i)
		}
		if known {
			r.bounds(what, g.Bounds(), traits.Unit, "guards", i)
		}
		if known && (byID || has("region")) {
			r.guard(g, i, traits)
		}
	}
}

// guard refuses one that would stop every drill of the scenario, and one that never could.
func (r *rules) guard(g harness.Guard, i int, traits harness.ProbeTraits) {
	if r.known.Target == nil || r.unread([]any{"guards", i, "region"}) {
		return
	}
	what, watches := fmt.Sprintf("guard %d", i+1), g.Probe
	if g.Region != "" {
		watches += fmt.Sprintf(" of the %s region", g.Region)
	}
	target := r.known.Target(*r.s)
	subjects := r.subjectsOf(&target, g.Probe, traits)
	at := slices.IndexFunc(subjects, func(s harness.Subject) bool { return g.Region == "" || s.Role == g.Region })
	if at < 0 {
		if g.Region == "" {
			return // what it cannot be asked of has been reported where it is listed
		}
		var roles []string
		for _, s := range subjects {
			roles = append(roles, s.Role)
		}
		hint := "write another probe: this one is asked about no region"
		if slices.Contains(roles, harness.Primary) || slices.Contains(roles, harness.Standby) {
			hint = "write region: " + strictyaml.Words(roles)
		} else if _, why := traits.Subjects(&target); why != nil && len(subjects) == 0 && !traits.Listed {
			hint = "write another probe, or describe what this one needs: " + strings.ReplaceAll(why.Error(), "\n", "; ")
		}
		r.wrong(fmt.Sprintf("%s watches %s, which is not asked there, and could never stop anything", what, watches), hint, "guards", i, "region")
		return
	}
	if traits.Leads && subjects[at].Role == harness.Standby {
		r.wrong(what+" watches whether the standby takes writes, which it does not until it is promoted: it would stop every drill",
			"write another probe, such as http.health", "guards", i, "probe")
		return
	}
	for j, f := range r.s.Faults {
		if r.alreadyReported([]any{"faults", j}) || !r.has("observe") || !r.has("guards", i, "failingFor") && !r.has("guards", i, "forLonger") {
			continue
		}
		lasts := r.s.Observe.D() - f.At.D()
		if r.s.ObserveUndo == 0 { // else the undo comes first, and no guard fires after it
			lasts += r.s.Settle.D()
		}
		if f.For > 0 {
			lasts = min(lasts, f.For.D())
		}
		if limit := max(g.FailingFor, g.ForLonger); lasts >= limit.D() && r.silenced(traits, subjects[at], &target, f) {
			key := map[bool]string{true: "failingFor", false: "forLonger"}[g.ForLonger == 0]
			r.wrong(fmt.Sprintf("%s watches %s, which fault %d (%s) takes away for as long: it would stop every drill", what, watches, j+1, f.Kind),
				"guard the other region, or write a longer "+key, "guards", i)
			return
		}
	}
}

// subjectsOf is what a probe is asked of that a guard names. What is not there is not asked.
func (r *rules) subjectsOf(target *harness.Description, name string, traits harness.ProbeTraits) []harness.Subject {
	listed := r.listedAs(name)
	var all []harness.Subject
	for _, p := range listed {
		if s, err := traits.SubjectOf(target, p.On); err == nil {
			all = append(all, s)
		}
	}
	if own, _ := traits.Subjects(target); len(listed) == 0 || listed[0].ID != name {
		all = append(all, own...)
	}
	return all
}
