package measure

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
)

// ObjectiveWords says in words what an objective asks: "service back for fresh clients of queries within 20s".
func ObjectiveWords(o harness.Objective) string {
	if of := RowOf(o.Measure); of.Asking != nil {
		return of.Asking(o)
	}
	return o.Measure + " " + BoundWords(o)
}

// BoundWords says what an objective bounds: "at most 10 s from replication.break, carrying class replication.lagging".
func BoundWords(o harness.Objective) string {
	if o.Is != "" {
		return "must be " + decisionWords(o.Is) + fromWords(o)
	}
	text := strings.TrimSpace("at most "+o.AtMost+" "+RowOf(o.Measure).Counted) + fromWords(o)
	if len(o.Carries) > 0 {
		text += ", carrying " + CarriedWords(o.Carries)
	}
	if o.StaleAfter > 0 {
		text += "; an answer older than " + Length(int64(o.StaleAfter)) + " is stale"
	}
	return text
}

// FindingWords says what was measured for an objective; a value that is not known is for the caller to explain.
func FindingWords(f harness.Finding) string {
	m, of := f.Measured, RowOf(f.Objective.Measure)
	switch {
	case m.Unbounded && m.Seen:
		return of.Unseen + " in " + strings.TrimPrefix(Value(m), "at least ")
	case m.Unbounded && of.Pending != "":
		return fmt.Sprintf(of.Pending, strings.TrimPrefix(Value(m), "at least "))
	}
	return strings.TrimSpace(Value(m) + " " + of.Counted)
}

// MissedWords says in few words what an objective came to that was not met.
func MissedWords(f harness.Finding) string {
	if of := RowOf(f.Objective.Measure); of.Missed != nil {
		return of.Missed(f)
	}
	return f.Objective.Measure + " " + Value(f.Measured) + ", at most " + f.Objective.AtMost + " is allowed"
}

// Impact says what users felt, of the measurements that tell it: "wrong answers 12".
func Impact(all []harness.Measurement) []string {
	var parts []string
	for _, m := range all {
		if of := RowOf(m.Name); of.Impact != nil {
			if words := of.Impact(m, all); words != "" {
				parts = append(parts, words)
			}
		}
	}
	return parts
}

// ClientWords says what clients saw, of a service that did not come back.
func ClientWords(m harness.Measurement) string {
	if m.Text == "" {
		return ""
	}
	return "; clients saw: " + m.Text
}

// fromWords says what an objective counts from, where that is not the fault that starts the clock.
func fromWords(o harness.Objective) string {
	switch {
	case o.From == fromDeclaration:
		return " from the declaration"
	case o.Fault != "":
		return " from " + o.Fault
	case o.After != "":
		return " after " + o.After
	}
	return ""
}

// decisionWords says a decision as part of a sentence.
func decisionWords(is string) string {
	if is == DecidedNone {
		return "none: no failover"
	}
	return is
}

// CarriedWords lists the fields that an alert must carry, in order of their names.
func CarriedWords(want map[string]string) string {
	var words []string
	for field, value := range want {
		if value == anyValue {
			value = "(any)"
		}
		words = append(words, field+" "+value)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
