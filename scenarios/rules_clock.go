package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// alertFields are the fields of an alert that an objective may ask for.
var alertFields = []string{"class", "component", "event", "region", "severity", "summary"}

// alert checks the fields that an objective wants an alert to carry.
func (r *rules) alert(o harness.Objective, i int, what string) {
	fields, _ := r.at("objectives", i, "carries")
	if fields == nil {
		return
	}
	if len(fields.Entries) == 0 {
		r.wrong(what+" wants an alert to carry nothing", "write a field, such as carries: {severity: critical}", "objectives", i, "carries")
	}
	for _, e := range fields.Entries {
		value := o.Carries[e.Key]
		switch {
		case !slices.Contains(alertFields, e.Key):
			r.out.Add(e.Pos, strictyaml.Suggest(e.Key, alertFields), "an alert has no field %q", e.Key)
		case strings.TrimSpace(value) == "" && !r.bad[e.Value]:
			r.out.Add(e.Pos, "write what it must be, or * for anything", "%s does not say what %s must be", what, e.Key)
		case !r.bad[e.Value] && r.unsupportedField(o, e, what):
		case e.Key == "region" && value != harness.Primary && value != harness.Standby && value != "*" && !r.bad[e.Value]:
			r.out.Add(e.Pos, "write the role of the region: primary or standby", "%s wants the region %q", what, value)
		}
	}
}

// apart checks that an objective of a later clock on a channel whose messages have no key cannot be met by what tells of a fault
// before: nothing else says of which of them a message is. A channel that takes a resolve has keys, and what is told again there is known.
func (r *rules) apart(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	fields := r.known.Carried[o.Channel]
	f, ok := r.countedFrom(o)
	if !m.Channel || !ok || o.Fault != "" || fields == nil || slices.Contains(fields["event"], "resolve") || r.unread([]any{"objectives", i, "carries"}) {
		return
	}
	says := map[string]string{} // what not every message on the channel has
	for field, value := range o.Carries {
		if value != "*" && len(fields[field]) != 1 {
			says[field] = value
		}
	}
	for _, before := range r.s.Faults {
		if !before.StartsClock || before.At >= f.At {
			continue
		}
		who := fmt.Sprintf("a message on %s that comes late after fault %s", o.Channel, before.ID)
		for j, other := range r.s.Objectives {
			if of, _ := r.countedFrom(other); other.Channel == o.Channel && of.ID == before.ID && other.Fault == "" && len(says) > 0 && meets(other.Carries, says) {
				who = "what " + entryName("objective", other.ID, j) + " waits for"
				says = nil
			}
		}
		if len(says) == 0 {
			r.wrong(fmt.Sprintf("%s counts after fault %s, and %s would meet it, too: messages there have no key", what, f.ID, who),
				"write in carries what only the alert of "+f.ID+" says, such as summary: with words of it, or channel: pagerduty", "objectives", i, "carries")
			return
		}
	}
}

// meets tells whether every message that carries all of one carries all of the other, too.
func meets(carried, wanted map[string]string) bool {
	for field, value := range wanted {
		if got := carried[field]; got != value && (field != "summary" || !strings.Contains(got, value)) {
			return false
		}
	}
	return true
}

// counted checks the fault that an objective counts from.
func (r *rules) counted(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	var kinds, clocks []string
	for _, f := range r.s.Faults {
		kinds = append(kinds, f.Kind)
		if f.StartsClock && f.ID != "" {
			clocks = append(clocks, f.ID)
		}
	}
	if o.After != "" && r.has("objectives", i, "after") && !r.anyUnread("faults", "id") && !r.anyUnread("faults", "startsClock") {
		r.clock(o, clocks, i, what)
	}
	if o.Fault != "" && len(kinds) > 0 && !slices.Contains(kinds, o.Fault) {
		r.wrong(fmt.Sprintf("%s counts from a fault %s, which the scenario does not have", what, o.Fault), strictyaml.Suggest(o.Fault, kinds), "objectives", i, "fault")
		return
	}
	if f, ok := r.countedFrom(o); ok && m.Lasting && f.For == 0 && !r.anyUnread("faults", "for") {
		r.wrong(fmt.Sprintf("%s counts from the end of %s, which lasts until nobody watches", what, f.Kind),
			"write for: on the fault, such as for: 15s", "objectives", i, "measure")
	}
}

// clock checks that an objective counts by a clock that a fault starts.
func (r *rules) clock(o harness.Objective, clocks []string, i int, what string) {
	known := slices.ContainsFunc(r.s.Faults, func(f harness.FaultSpec) bool { return f.ID == o.After })
	steps := []any{"objectives", i, "after"}
	switch {
	case o.Fault != "":
		r.wrong(fmt.Sprintf("%s counts after %s and from the fault %s", what, o.After, o.Fault), "keep one of the two", steps...)
	case !known:
		r.wrong(fmt.Sprintf("%s counts after %s, which no fault is called", what, o.After), strictyaml.Suggest(o.After, clocks), steps...)
	case !slices.Contains(clocks, o.After):
		r.wrong(fmt.Sprintf("%s counts after %s, which starts no clock", what, o.After), "write startsClock: true on that fault, or count by another", steps...)
	}
}

// countedFrom finds the fault that an objective counts from: the first of the kind it names, else the one after which it counts,
// else the first that starts a clock.
func (r *rules) countedFrom(o harness.Objective) (harness.FaultSpec, bool) {
	var found *harness.FaultSpec
	for i, f := range r.s.Faults {
		fits := o.Fault == f.Kind || o.Fault == "" && f.StartsClock && (o.After == "" || o.After == f.ID)
		if fits && (found == nil || f.At < found.At) {
			found = &r.s.Faults[i]
		}
	}
	if found == nil {
		return harness.FaultSpec{}, false
	}
	return *found, true
}

// windowEnd is the fault that ends the window of one that starts a clock, and its place; false if the observation ends it.
func (r *rules) windowEnd(f harness.FaultSpec) (next harness.FaultSpec, place int, ok bool) {
	for i, other := range r.s.Faults {
		if f.StartsClock && other.StartsClock && other.At > f.At && (!ok || other.At < next.At) {
			next, place, ok = other, i, true
		}
	}
	return next, place, ok
}

// underWay is how long before the end of a window the last request is due that an objective on a measure is judged by, and says so:
// what is under way when the next fault comes, or an undo under load, is cut short by that, and judged by nobody.
func (r *rules) underWay(m harness.MeasureSpec, cut bool) (time.Duration, string) {
	longest := r.s.Recovered.P99AtMost.D()
	for _, l := range r.s.Load {
		if r.s.Recovered.P99AtMost == 0 {
			longest = max(longest, l.Timeout.D())
		}
	}
	if !m.Outage || !cut || longest <= 0 || longest > MaxTimeout {
		return 0, ""
	}
	return longest, fmt.Sprintf(", a request under way (%s)", brief(longest))
}

// longEnough checks that clients are watched until after every bound: otherwise a miss could not be told from a pass. It
// speaks of the bound that ends last.
func (r *rules) longEnough() {
	window := r.s.Recovered.Window.D()
	if !r.has("observe") || window > MaxBaseline {
		return
	}
	var sum string
	var latest time.Duration
	for i, o := range r.s.Objectives {
		m, _ := r.measure(o.Measure)
		d, err := harness.ParseDuration(o.AtMost)
		if err != nil || !m.Watched || d.D() > MaxObserve || !r.has("objectives", i, "atMost") {
			continue
		}
		f, _ := r.countedFrom(o)
		start := f.At.D()
		if m.Lasting {
			start += f.For.D()
		}
		next, at, ended := r.windowEnd(f)
		underWay, words := r.underWay(m, ended || r.s.ObserveUndo > 0)
		words = fmt.Sprintf("%s (%s)%s and the window (%s)", entryName("objective", o.ID, i), brief(d.D()), words, brief(window))
		if ended && start <= MaxObserve && r.has("faults", at, "at") {
			if needed := start + d.D() + underWay + window; next.At.D() <= needed {
				r.wrong(fmt.Sprintf("fault %s starts its clock at %s, which does not exceed %s after fault %s", next.ID, brief(next.At.D()), words, f.ID),
					"write more than "+brief(needed), "faults", at, "at")
			}
			continue
		}
		if start > MaxObserve || start+d.D()+underWay <= latest {
			continue
		}
		latest, sum = start+d.D()+underWay, words
		switch {
		case m.Lasting:
			sum += fmt.Sprintf(" after a fault that ends at %s", brief(start))
		case start > 0:
			sum += fmt.Sprintf(" after a fault at %s", brief(start))
		}
	}
	if needed := latest + window; latest > 0 && r.s.Observe.D() <= needed {
		r.wrong(fmt.Sprintf("observe is %s, which does not exceed %s", brief(r.s.Observe.D()), sum), "write more than "+brief(needed), "observe")
	}
}
