package measure

import (
	"fmt"

	"blackstart/harness"
)

// boundText prints a greatest allowed value in the unit of what was measured.
func boundText(m harness.Measurement, atMost int64) string {
	switch m.Unit {
	case harness.UnitNS:
		return Length(atMost)
	case harness.UnitMinor:
		return harness.Amount{Minor: atMost, Exponent: m.Decimals()}.String()
	}
	return Count(atMost)
}

// Sentence says what an objective came to, in one sentence that needs no context.
func Sentence(f harness.Finding, atMost int64) string {
	m, o, of := f.Measured, f.Objective, RowOf(f.Objective.Measure)
	limit := boundText(m, atMost)
	if of.Unit == harness.UnitWord {
		limit = o.Is
	}
	limit = fmt.Sprintf("objective %s (%s)", limit, o.Source)
	if Unexercised(m) {
		return fmt.Sprintf("%s: %s; %s", o.ID, m.Detail, limit)
	}
	if !m.Known {
		return fmt.Sprintf("%s: not measured: %s; %s", o.ID, m.Detail, limit)
	}
	value, apart := Value(m), ", "
	if m.Unbounded {
		value = of.endless(o, m.Seen) + ": " + value
		if m.Text != "" {
			value, apart = value+"; clients saw: "+m.Text, "; "
		}
	}
	switch f.Verdict {
	case harness.Pass:
		return fmt.Sprintf("%s: %s %s, %s", o.ID, of.titled(m), value, limit)
	case harness.Fail:
		if of.Titled {
			value = of.Title + " " + value
		}
		if of.Explained {
			limit += ": " + m.Detail
		}
		return o.ID + ": " + value + apart + limit
	}
	return fmt.Sprintf("%s: %s cannot be told from the %s", o.ID, value, limit)
}

// titled is the title of what was measured: of a state that is polled it says so.
func (r Row) titled(m harness.Measurement) string {
	if m.Seen {
		return r.Title + ", state seen"
	}
	return r.Title
}

// endless says what has no upper bound; seen says that it is a state that is polled.
func (r Row) endless(o harness.Objective, seen bool) string {
	text := r.Endless
	if seen {
		text = r.Unseen
	}
	switch {
	case text == "":
		return "not recovered"
	case r.Carries && len(o.Carries) > 0:
		return text + " with " + fieldWords(o.Carries)
	}
	return text
}
