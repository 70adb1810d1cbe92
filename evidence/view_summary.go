package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackstart/harness/measure"
)

// summary says in a few sentences what was done and what users felt, for a reader who was not there.
func (v *view) summary() string {
	var parts []string
	for _, f := range v.rec.Faults {
		if f.Do.Lo == 0 {
			continue
		}
		what := f.Plan.Fault.Kind + " on the " + v.region(f.Plan.Fault.On) + ": " + faultWords(f.Plan)
		if f.Plan.Fault.For == 0 && f.Undone.Hi != 0 {
			what += fmt.Sprintf(", for %.0f s", f.Undone.Hi.Sub(f.InForce.Lo).Seconds())
		}
		parts = append(parts, what)
	}
	text := "What was done: " + strings.Join(parts, "; ")
	if len(parts) == 0 {
		text = "What was done: nothing was broken"
	}
	var loads []string
	for _, s := range v.rec.Streams {
		if s.Kind == "samples" {
			loads = append(loads, fmt.Sprintf("%s %d/s from %s", s.Load, s.Freq, v.roleOf(s)))
		}
	}
	if len(loads) > 0 {
		text += ", under load (" + strings.Join(loads, ", ") + ")"
	}
	if set := v.rec.Scenario.Target.Settings; len(set) > 0 {
		var words []string
		for _, key := range slices.Sorted(maps.Keys(set)) {
			words = append(words, key+" "+set[key])
		}
		text += ". Set in the target's own configuration: " + strings.Join(words, ", ")
	}
	return v.redact.Text(text + ". What users felt: " + v.felt())
}

// felt strings together the measurements a reader asks for first.
func (v *view) felt() string {
	parts := measure.Felt(v.f.Measurements)
	if len(parts) == 0 {
		return "not measured."
	}
	return strings.Join(parts, ", ") + "."
}
