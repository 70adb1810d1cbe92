package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/internal/strictyaml"
)

// carried are the fields of an alert that an objective may ask for.
var carried = []string{"class", "component", "event", "region", "severity", "summary"}

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
		case !slices.Contains(carried, e.Key):
			r.out.Add(e.Pos, strictyaml.Suggest(e.Key, carried), "an alert has no field %q", e.Key)
		case strings.TrimSpace(value) == "" && !r.bad[e.Value]:
			r.out.Add(e.Pos, "write what it must be, or * for anything", "%s does not say what %s must be", what, e.Key)
		case !r.bad[e.Value] && r.uncarried(o, e, what):
		case e.Key == "region" && value != harness.Primary && value != harness.Standby && value != "*" && !r.bad[e.Value]:
			r.out.Add(e.Pos, "write the role of the region: primary or standby", "%s wants the region %q", what, value)
		}
	}
}

// counted checks the fault that an objective counts from.
func (r *rules) counted(o harness.Objective, m harness.MeasureSpec, i int, what string) {
	var kinds []string
	for _, f := range r.s.Faults {
		kinds = append(kinds, f.Kind)
	}
	if o.Fault != "" && len(kinds) > 0 && !slices.Contains(kinds, o.Fault) {
		r.wrong(fmt.Sprintf("%s counts from a fault %s, which the scenario does not have", what, o.Fault), strictyaml.Suggest(o.Fault, kinds), "objectives", i, "fault")
		return
	}
	if f, ok := r.from(o); ok && m.Lasting && f.For == 0 && !r.anyUnread("faults", "for") {
		r.wrong(fmt.Sprintf("%s counts from the end of %s, which lasts until nobody watches", what, f.Kind),
			"write for: on the fault, such as for: 15s", "objectives", i, "measure")
	}
}

// from finds the fault that an objective counts from: the first of the kind it names, else the one that starts the clock.
func (r *rules) from(o harness.Objective) (harness.FaultSpec, bool) {
	for _, f := range r.s.Faults {
		if o.Fault == f.Kind || o.Fault == "" && f.StartsClock {
			return f, true
		}
	}
	return harness.FaultSpec{}, false
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
		f, _ := r.from(o)
		start := f.At.D()
		if m.Lasting {
			start += f.For.D()
		}
		if start > MaxObserve || start+d.D() <= latest {
			continue
		}
		latest = start + d.D()
		sum = fmt.Sprintf("%s (%s) and the window (%s)", place("objective", o.ID, i), brief(d.D()), brief(window))
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
