package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// measure finds what an objective on a measure must say; of one that does not exist, or is not known here, that is nothing.
func (r *rules) measure(name string) (harness.MeasureSpec, bool) {
	for _, m := range r.known.Measures {
		if m.Name == name {
			return m, true
		}
	}
	return harness.MeasureSpec{}, false
}

// measures lists the names of all, nil if nothing is known of any.
func (r *rules) measures() (names []string) {
	for _, m := range r.known.Measures {
		names = append(names, m.Name)
	}
	return names
}

var countPattern = regexp.MustCompile(`^(0|[1-9]\d{0,8})$`)

func (r *rules) objectives() {
	if r.has("objectives") && len(r.s.Objectives) == 0 {
		r.wrong("there is no objective", "write at least one: a drill without one proves nothing", "objectives")
	}
	var ids []string
	for _, o := range r.s.Objectives {
		ids = append(ids, o.ID)
	}
	r.ids("objective", ids, "objectives")
	for i, o := range r.s.Objectives {
		r.objective(o, i)
	}
}

func (r *rules) objective(o harness.Objective, i int) {
	what := entryName("objective", o.ID, i)
	r.name("measure", r.measures(), o.Measure, "objectives", i, "measure")
	m, known := r.measure(o.Measure)
	if !r.has("objectives", i, "measure") || !known && r.known.Measures != nil {
		return
	}
	r.citation(i, what)
	if !known {
		return
	}
	r.parts(o, m, i, what)
	r.bound(o, m, i, what)
	if m.Load && r.has("objectives", i, "load") {
		r.population(o, m, i, what)
	}
	if m.Fault && len(r.s.Faults) == 0 && r.has("faults") {
		r.wrong(fmt.Sprintf("%s counts from a fault, and the scenario has none", what), "leave it out, or write a fault", "objectives", i, "measure")
	}
	if m.Outage && !r.times() {
		r.wrong(what+" needs a load that times the edges of the outage",
			"write {id: edge, workload: metronome, place: outside, rate: 100/s, timeout: 2s} under load", "objectives", i, "measure")
	}
}

// times tells whether a load times the edges of an outage, or one could not be read and may have.
func (r *rules) times() bool {
	for i := range r.s.Load {
		if t, known := r.traits(i); t.Edges || !known {
			return true
		}
	}
	return r.anyUnread("load", "workload")
}

// parts checks which keys the measure of an objective wants and which it does not know.
func (r *rules) parts(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	for _, k := range []struct {
		key            string
		wanted, unused bool
		hint           string
	}{
		{"load", m.Load, !m.Load, "write the id of the load whose users it speaks of: " + strictyaml.Words(r.loadIDs())},
		{"channel", m.Channel, !m.Channel, "write the alert channel, such as channel: pagerduty"},
		{"cohort", false, !m.Cohort, ""},
		{"from", false, !m.Watched || m.Lasting, ""},
		{"fault", false, !m.Fault, ""},
		{"carries", m.Carries && m.Unit == harness.UnitCount, !m.Carries, "write the fields that the alert must carry, such as carries: {severity: critical}"},
		{"staleAfter", false, !m.Questions, ""},
		{"atMost", m.Unit != harness.UnitWord, m.Unit == harness.UnitWord, "write the greatest allowed value"},
		{"is", m.Unit == harness.UnitWord, m.Unit != harness.UnitWord, "write is: with one of " + strings.Join(m.Words, ", ")},
	} {
		found, near := r.at("objectives", i, k.key)
		switch {
		case found == nil && k.wanted && !r.bad[near]:
			r.wrong(fmt.Sprintf("%s does not say %s", what, k.key), k.hint, "objectives", i)
		case found != nil && k.unused:
			r.wrong(fmt.Sprintf("%s says %s, which %s does not use", what, k.key, o.Measure), "leave it out", "objectives", i, k.key)
		}
	}
	r.alert(o, i, what)
	r.counted(o, m, i, what)
	if !r.anyUnread("faults", "at") && !r.anyUnread("faults", "startsClock") {
		r.apart(o, m, i, what)
	}
	if m.Channel {
		r.name("channel", r.known.Channels, o.Channel, "objectives", i, "channel")
	}
}

// bound checks that atMost can be read as what the measure gives.
func (r *rules) bound(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	if !r.has("objectives", i, "atMost") {
		return
	}
	steps := []any{"objectives", i, "atMost"}
	switch m.Unit {
	case harness.UnitNS:
		d, err := harness.ParseDuration(o.AtMost)
		switch {
		case err != nil:
			r.wrong(fmt.Sprintf("atMost of %s is %q, not a duration", what, o.AtMost), strictyaml.NumberHint(o.AtMost, "write a number with a unit, such as 15m"), steps...)
		case d == 0 && m.Watched:
			r.wrong(fmt.Sprintf("atMost of %s is 0", what), "write a bound that can be met", steps...)
		case d.D() > MaxObserve:
			r.wrong(fmt.Sprintf("atMost of %s is %s", what, brief(d.D())), "write at most "+brief(MaxObserve), steps...)
		}
	case harness.UnitCount:
		if !countPattern.MatchString(o.AtMost) {
			r.wrong(fmt.Sprintf("atMost of %s is %q, not a count", what, o.AtMost), strictyaml.NumberHint(o.AtMost, "write a whole number, such as 0"), steps...)
		}
	case harness.UnitMinor:
		of, known := r.valued()
		switch a, err := harness.ParseAmount(o.AtMost); {
		case err != nil:
			r.wrong(fmt.Sprintf("atMost of %s is %q, not an amount", what, o.AtMost), strictyaml.NumberHint(o.AtMost, `write it with the decimals of the load's amount, such as "100.00"`), steps...)
		case known && a.Exponent != of.Exponent:
			r.wrong(fmt.Sprintf("atMost of %s is %q, and the amounts of the load have %d decimals", what, o.AtMost, of.Exponent),
				fmt.Sprintf("write it as they are, such as %q", harness.Amount{Exponent: of.Exponent}.String()), steps...)
		}
	}
}

// population checks the load and the cohort that an objective speaks of.
func (r *rules) population(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	at, ok := r.loadOf(o.Load, "objectives", i, "load")
	if !ok {
		return
	}
	l := r.s.Load[at]
	t, ok := r.traits(at)
	if !ok {
		return
	}
	steps := []any{"objectives", i, "cohort"}
	switch {
	case m.Ledger && !t.Ledger:
		r.wrong(fmt.Sprintf("%s speaks of load %s, which keeps no ledger", what, l.ID), "name a load such as postgres.ledger", "objectives", i, "load")
	case m.Questions && !t.Questions:
		r.wrong(fmt.Sprintf("%s speaks of load %s, which asks no questions", what, l.ID), "name a load such as http.query", "objectives", i, "load")
	case m.Valued && !t.Valued:
		r.wrong(fmt.Sprintf("%s speaks of load %s, whose writes have no amount", what, l.ID), `write with: {amount: "100.00"} on the load`, "objectives", i, "load")
	case !m.Cohort:
	case o.Cohort == "" && len(t.Cohorts) > 0 && !r.unread(steps):
		r.wrong(fmt.Sprintf("%s does not say which cohort of load %s", what, l.ID), "write cohort: with one of "+strictyaml.Words(t.Cohorts), "objectives", i, "load")
	case o.Cohort != "" && len(t.Cohorts) == 0:
		r.wrong(fmt.Sprintf("load %s has no cohort %q", l.ID, o.Cohort), "leave the cohort out", steps...)
	case o.Cohort != "" && !slices.Contains(t.Cohorts, o.Cohort):
		r.wrong(fmt.Sprintf("load %s has no cohort %q", l.ID, o.Cohort), strictyaml.Suggest(o.Cohort, t.Cohorts), steps...)
	}
}

// citation refuses a bound that is changed in one file while its source stands in the one that is extended: that source says
// another number.
func (r *rules) citation(i int, what string) {
	bound, _ := r.at("objectives", i, "atMost")
	source, _ := r.at("objectives", i, "source")
	if r.profile == "" && bound != nil && source != nil && bound.File == r.chain.loaded.Path && source.File != bound.File {
		r.wrong(what+" has a bound of its own, and the source of another", "write the source of this bound beside it", "objectives", i, "atMost")
	}
}
