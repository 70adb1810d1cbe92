package scenarios

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// form is how the bound of a measure is written.
type form int

const (
	anyForm form = iota
	aDuration
	aCount
	anAmount
	aWord // written with is, not with atMost
)

// shape is what an objective on a measure must say.
type shape struct {
	doc     string // what is measured, in few words; docs/measurement.md defines it
	form    form
	load    bool // load is needed
	ledger  bool // and it must keep a ledger
	amount  bool // whose writes have a value
	cohort  bool // cohort is allowed, and needed where the load has cohorts
	channel bool
	carries bool // fields of the alert: allowed; with form aCount they are needed
	stale   bool // staleAfter is allowed, and load may be left out
	lasting bool // it counts from the end of a fault that lasts a stated time
	fault   bool // it counts from a fault
	watched bool // observe must last longer than its bound
}

// shapes are the measures whose objectives this package understands. Others are only checked by name.
var shapes = map[string]shape{
	"rto":                 {doc: "how long users are without service after a fault", form: aDuration, load: true, cohort: true, fault: true, watched: true},
	"rpo.time":            {doc: "how far back the last kept write of a ledger lies before a fault", form: aDuration, load: true, ledger: true, fault: true},
	"rpo.lost":            {doc: "acknowledged writes that are missing, by count", form: aCount, load: true, ledger: true},
	"rpo.value":           {doc: "acknowledged writes that are missing, by value", form: anAmount, load: true, ledger: true, amount: true},
	"alert.received":      {doc: "how long until somebody was told, at our own receiver", form: aDuration, channel: true, carries: true, fault: true, watched: true},
	"alert.content":       {doc: "fields that the alert lacks", form: aCount, channel: true, carries: true, fault: true},
	"exposure.time":       {doc: "age of the standby's data at its worst: what a failover would have lost", form: aDuration, load: true, ledger: true, fault: true},
	"exposure.lost":       {doc: "acknowledged writes that a failover at the worst moment would have lost", form: aCount, load: true, ledger: true, fault: true},
	"exposure.value":      {doc: "their value", form: anAmount, load: true, ledger: true, amount: true, fault: true},
	"replication.catchup": {doc: "how long a standby needs to follow again after the end of a fault", form: aDuration, fault: true, lasting: true, watched: true},
	"decision":            {doc: "what the target decided, by its own log and as seen from outside", form: aWord, fault: true},
	"answers.wrong":       {doc: "wrong, stale and foreign answers that clients were given", form: aCount, load: true, stale: true, fault: true},
}

// Measures lists every measure that an objective may name, in order.
func Measures() []string { return slices.Sorted(maps.Keys(shapes)) }

// MeasureDoc says in few words what a measure is.
func MeasureDoc(name string) string { return shapes[name].doc }

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
	what := place("objective", o.ID, i)
	if r.known.Measures != nil {
		r.name("measure", r.known.Measures, o.Measure, "objectives", i, "measure")
	}
	sh, ok := shapes[o.Measure]
	if !ok || !r.has("objectives", i, "measure") {
		return
	}
	r.parts(o, sh, i, what)
	r.citation(i, what)
	r.bound(o, sh, i, what)
	if sh.load && r.has("objectives", i, "load") {
		r.population(o, sh, i, what)
	}
	if sh.fault && len(r.s.Faults) == 0 && r.has("faults") {
		r.wrong(fmt.Sprintf("%s counts from a fault, and the scenario has none", what), "leave it out, or write a fault", "objectives", i, "measure")
	}
	if o.Measure == "rto" && !r.times() {
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
func (r *rules) parts(o harness.Objective, sh shape, i int, what string) {
	for _, k := range []struct {
		key            string
		wanted, unused bool
		hint           string
	}{
		{"load", sh.load, !sh.load, "write the id of the load whose users it speaks of: " + strictyaml.Words(r.loadIDs())},
		{"channel", sh.channel, !sh.channel, "write the alert channel, such as channel: pagerduty"},
		{"cohort", false, !sh.cohort, ""},
		{"from", false, !sh.watched || sh.lasting, ""},
		{"fault", false, !sh.fault, ""},
		{"carries", sh.carries && sh.form == aCount, !sh.carries, "write the fields that the alert must carry, such as carries: {severity: critical}"},
		{"staleAfter", false, !sh.stale, ""},
		{"atMost", sh.form != aWord, sh.form == aWord, "write the greatest allowed value"},
		{"is", sh.form == aWord, sh.form != aWord, "write is: with one of failed-over, refused, none"},
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
	r.counted(o, sh, i, what)
	if sh.channel {
		r.name("channel", r.known.Channels, o.Channel, "objectives", i, "channel")
	}
}

// bound checks that atMost can be read as what the measure gives.
func (r *rules) bound(o harness.Objective, sh shape, i int, what string) {
	if !r.has("objectives", i, "atMost") {
		return
	}
	steps := []any{"objectives", i, "atMost"}
	switch sh.form {
	case aDuration:
		d, err := harness.ParseDuration(o.AtMost)
		switch {
		case err != nil:
			r.wrong(fmt.Sprintf("atMost of %s is %q, not a duration", what, o.AtMost), strictyaml.NumberHint(o.AtMost, "write a number with a unit, such as 15m"), steps...)
		case d == 0 && sh.watched:
			r.wrong(fmt.Sprintf("atMost of %s is 0", what), "write a bound that can be met", steps...)
		case d.D() > MaxObserve:
			r.wrong(fmt.Sprintf("atMost of %s is %s", what, brief(d.D())), "write at most "+brief(MaxObserve), steps...)
		}
	case aCount:
		if !countPattern.MatchString(o.AtMost) {
			r.wrong(fmt.Sprintf("atMost of %s is %q, not a count", what, o.AtMost), strictyaml.NumberHint(o.AtMost, "write a whole number, such as 0"), steps...)
		}
	case anAmount:
		if _, err := harness.ParseAmount(o.AtMost); err != nil {
			r.wrong(fmt.Sprintf("atMost of %s is %q, not an amount", what, o.AtMost), strictyaml.NumberHint(o.AtMost, `write it with two decimals, such as "100.00"`), steps...)
		}
	}
}

// population checks the load and the cohort that an objective speaks of.
func (r *rules) population(o harness.Objective, sh shape, i int, what string) {
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
	case sh.ledger && !t.Ledger:
		r.wrong(fmt.Sprintf("%s speaks of load %s, which keeps no ledger", what, l.ID), "name a load such as postgres.ledger", "objectives", i, "load")
	case sh.stale && !t.Questions:
		r.wrong(fmt.Sprintf("%s speaks of load %s, which asks no questions", what, l.ID), "name a load such as http.query", "objectives", i, "load")
	case sh.amount && !t.Valued:
		r.wrong(fmt.Sprintf("%s speaks of load %s, whose writes have no amount", what, l.ID), `write with: {amount: "100.00"} on the load`, "objectives", i, "load")
	case !sh.cohort:
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
