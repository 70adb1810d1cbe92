package scenarios

import (
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

func (r *rules) loads() {
	r.ids("load", r.loadIDs(), "load")
	for i, l := range r.s.Load {
		what := entryName("load", l.ID, i)
		r.name("workload", names(r.known.Workloads), l.Workload, "load", i, "workload")
		r.within("timeout of "+what, l.Timeout, ofTimeout, "load", i, "timeout")
		r.clients(l, i, what)
		r.amounts(i, what)
		if _, ok := r.traits(i); ok && r.known.WrongLoad != nil {
			if key, wrong, hint := r.known.WrongLoad(l); wrong != "" {
				r.wrong(fmt.Sprintf("%s of %s %s", key, what, wrong), hint, "load", i, "with", key)
			}
		}
		if !r.has("load", i, "rate") {
			continue
		}
		inFlight := l.Rate.PerSecond() * l.Timeout.D().Seconds()
		_, whole := l.Rate.WholePerSecond()
		switch {
		case !whole:
			r.wrong(fmt.Sprintf("rate of %s is %s, which is no whole number of operations a second", what, l.Rate),
				fmt.Sprintf("write operations a second, such as %d/s", int(l.Rate.PerSecond())+1), "load", i, "rate")
		case l.Rate.PerSecond() > MaxRate:
			r.wrong(fmt.Sprintf("rate of %s is %s", what, l.Rate), fmt.Sprintf("write at most %d/s", MaxRate), "load", i, "rate")
		case inFlight > MaxInFlight && l.Timeout.D() <= MaxTimeout:
			r.wrong(fmt.Sprintf("%s could have %.0f operations in flight (rate × timeout)", what, inFlight),
				fmt.Sprintf("write a lower rate or timeout, at most %d in flight", MaxInFlight), "load", i, "rate")
		}
	}
}

// clients checks where the clients of a load stand: those of the public entry come from outside.
func (r *rules) clients(l harness.LoadSpec, i int, what string) {
	t, ok := r.traits(i)
	if ok && r.has("load", i, "place") && l.Place != harness.Outside && !t.Inside() {
		r.wrong(fmt.Sprintf("clients of %s stand at the %s, and those of %s come through the public entry, from outside", what, l.Place, l.Workload),
			"write place: outside; only clients of a component, such as those of postgres.ledger, can stand inside a region", "load", i, "place")
	}
}

// amounts checks what the writes of a load are worth: in decimals that their currency has, and in the currency of all others.
func (r *rules) amounts(i int, what string) {
	t, ok := r.traits(i)
	if !ok || !t.Valued {
		return
	}
	if why, hint := badAmount(t); why != "" {
		r.wrong("amount of "+what+": "+why, hint, "load", i, "with")
		return
	}
	if of, _ := r.valued(); of.Currency != t.Currency || of.Exponent != t.Exponent {
		r.wrong(fmt.Sprintf("amounts of %s are in %q with %d decimals, those of another load in %q with %d", what, t.Currency, t.Exponent, of.Currency, of.Exponent),
			"write all amounts of a scenario in one currency: losses are added up", "load", i, "with")
	}
}

// badAmount tells what is wrong with amount and currency of a load, and what to write, or "". A number that says neither its decimals nor
// its currency may stand for anything.
func badAmount(t harness.Traits) (why, hint string) {
	if t.Currency == "" && t.Exponent == 0 {
		return "it has neither decimals nor a currency", `write it with its decimals and in quotes, such as "100.00", or name a currency that has none, such as JPY`
	}
	if err := harness.CheckCurrency(t.Currency, t.Exponent); err != nil {
		return err.Error(), "write amount and currency so that they fit each other"
	}
	return "", ""
}

// valued gives the first load whose writes have a value that can be read; false where none can be known.
func (r *rules) valued() (harness.Traits, bool) {
	for i := range r.s.Load {
		if t, ok := r.traits(i); ok && t.Valued {
			if why, _ := badAmount(t); why == "" {
				return t, true
			}
		}
	}
	return harness.Traits{}, false
}

// traits says what a load is, as its workload says it; false where that cannot be known.
func (r *rules) traits(i int) (harness.Traits, bool) {
	if r.known.Traits == nil || !r.has("load", i, "workload") || r.unread([]any{"load", i, "with"}) {
		return harness.Traits{}, false
	}
	return r.known.Traits(r.s.Load[i])
}

func (r *rules) loadIDs() []string {
	var ids []string
	for _, l := range r.s.Load {
		ids = append(ids, l.ID)
	}
	return ids
}

// ids checks the ids of a list: well formed, and each once.
func (r *rules) ids(what string, ids []string, key string) {
	first := map[string]int{}
	for i, id := range ids {
		if !r.has(key, i, "id") || id == "" {
			continue
		}
		if !idPattern.MatchString(id) || len(id) > maxID {
			r.wrong(fmt.Sprintf("id %q of a %s is not a name", id, what), "write lower-case letters and digits in words joined by -", key, i, "id")
		}
		if at, twice := first[id]; twice {
			n, _ := r.at(key, at, "id")
			r.wrong(fmt.Sprintf("%s %q is written twice, first on line %d", what, id, n.Line), "give each an id of its own", key, i, "id")
			continue
		}
		first[id] = i
	}
}

// loadOf finds the place in the list of the load that something names, and reports one that does not exist.
func (r *rules) loadOf(id string, steps ...any) (int, bool) {
	at := slices.Index(r.loadIDs(), id)
	if id != "" && at >= 0 {
		return at, true
	}
	if r.has(steps...) && !r.anyUnread("load", "id") {
		r.wrong(fmt.Sprintf("no load %q exists", id), strictyaml.Suggest(id, r.loadIDs()), steps...)
	}
	return 0, false
}

func (r *rules) steady() {
	ss := r.s.SteadyState
	r.within("steadyState.for", ss.For, ofBaseline, "steadyState", "for")
	if r.has("steadyState", "require") && len(ss.Require) == 0 {
		r.wrong("steadyState requires nothing", "write at least one requirement: a healthy start is what a fault is compared with", "steadyState", "require")
	}
	for i, q := range ss.Require {
		r.requirement(q, i)
	}
}

func (r *rules) requirement(q harness.Requirement, i int) {
	steps := func(key string) []any { return []any{"steadyState", "require", i, key} }
	has := func(key string) bool { return r.has(steps(key)...) }
	what := fmt.Sprintf("requirement %d", i+1)
	switch {
	case !r.has("steadyState", "require", i):
	case has("load") && has("probe"):
		r.wrong(what+" names a load and a probe", "write one requirement for each", steps("probe")...)
	case has("load"):
		r.loadOf(q.Load, steps("load")...)
		if !has("successAtLeast") && !has("p99AtMost") && !r.unread(steps("successAtLeast"), steps("p99AtMost")) {
			r.wrong(what+" asks nothing of load "+q.Load, "write successAtLeast: 99.9% or p99AtMost: 250ms", steps("load")...)
		}
		for _, key := range []string{"ageAtMost", "atMost", "atLeast"} {
			if has(key) {
				r.wrong(what+" asks a load for "+map[bool]string{true: "an age", false: key}[key == "ageAtMost"],
					"write probe: instead of load:, or successAtLeast and p99AtMost", steps(key)...)
			}
		}
	case has("probe"):
		traits, known := r.probeOf(what, q.Probe, steps("probe")...)
		bounded := has("atMost") || has("atLeast")
		switch {
		case !has("ageAtMost") && !bounded && !r.unread(steps("ageAtMost"), steps("atMost"), steps("atLeast")):
			r.wrong(what+" asks nothing of probe "+q.Probe, "write ageAtMost: 1s", steps("probe")...)
		case has("ageAtMost") && bounded:
			r.wrong(what+" asks probe "+q.Probe+" for an age and for a value", "write one requirement for each", steps("ageAtMost")...)
		case known && has("ageAtMost") && traits.Listed && traits.Unit != harness.UnitNS:
			r.wrong(fmt.Sprintf("%s asks probe %s for an age, and its values are in %s", what, q.Probe, traits.Unit), "write atMost: or atLeast:", steps("ageAtMost")...)
		case known:
			r.bounds(what, q.Bounds(), traits.Unit, "steadyState", "require", i)
		}
		for _, key := range []string{"successAtLeast", "p99AtMost"} {
			if has(key) {
				r.wrong(fmt.Sprintf("%s asks a probe for %s", what, key), "write load: instead of probe:, or ageAtMost", steps(key)...)
			}
		}
	case !r.unread(steps("load"), steps("probe")):
		r.wrong(what+" names neither a load nor a probe", "write load: or probe:", "steadyState", "require", i)
	}
	if has("successAtLeast") && q.SuccessAtLeast == 0 {
		r.wrong("successAtLeast of "+what+" is 0%", "write the share that is normal, such as 99.9%", steps("successAtLeast")...)
	}
	r.within("p99AtMost of "+what, q.P99AtMost, ofLatency, steps("p99AtMost")...)
	r.within("ageAtMost of "+what, q.AgeAtMost, ofAge, steps("ageAtMost")...)
}

// unread tells whether one of the values was written but could not be read: it has been reported already.
func (r *rules) unread(paths ...[]any) bool {
	for _, p := range paths {
		if found, near := r.at(p...); found == nil && r.bad[near] {
			return true
		}
	}
	return false
}
