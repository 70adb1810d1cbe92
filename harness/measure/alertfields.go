package measure

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackstart/harness"
)

// Fields of an alert that Objective.Carries may ask for, and the value that asks for any.
const (
	fieldClass     = "class"
	fieldComponent = "component"
	fieldEvent     = "event"
	fieldRegion    = "region"
	fieldSeverity  = "severity"
	fieldSummary   = "summary"
	anyValue       = "*"
)

// AlertFields lists the fields that Objective.Carries may ask for.
func AlertFields() []string {
	return []string{fieldClass, fieldComponent, fieldEvent, fieldRegion, fieldSeverity, fieldSummary}
}

// FieldMismatch is a field that an alert does not carry as it should.
type FieldMismatch struct{ Field, Wanted, Got string }

func (l FieldMismatch) String() string {
	return fmt.Sprintf("%s: wanted %s, got %s", l.Field, l.Wanted, orNone(l.Got))
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// FieldMismatches lists the fields of want that an alert does not carry, by name: severity, class, component and event must be
// equal, summary must contain the words, region is a role and must be where the alert places the trouble; * is any value
// that is not empty. A field that no alert has, or a role that no region has, is lacking.
func FieldMismatches(a harness.Arrival, want map[string]string, target *harness.Description) []FieldMismatch {
	var lacks []FieldMismatch
	for _, field := range slices.Sorted(maps.Keys(want)) { // sorted: the same record gives the same words
		got, known := fieldOf(a, field)
		wanted, err := wantedValue(field, want[field], target)
		carried := got == wanted
		switch {
		case wanted == anyValue:
			carried = got != ""
		case field == fieldSummary:
			carried = strings.Contains(got, wanted)
		}
		if !carried || !known || err != nil || wanted == "" {
			lacks = append(lacks, FieldMismatch{field, wanted, got})
		}
	}
	return lacks
}

func fieldOf(a harness.Arrival, field string) (string, bool) {
	switch field {
	case fieldClass:
		return a.Class, true
	case fieldComponent:
		return a.Component, true
	case fieldEvent:
		return a.Event, true
	case fieldRegion:
		return a.Group, true
	case fieldSeverity:
		return a.Severity, true
	case fieldSummary:
		return a.Summary, true
	}
	return "", false
}

// wantedValue turns the role of a region into its name.
func wantedValue(field, value string, target *harness.Description) (string, error) {
	if field != fieldRegion || value == anyValue {
		return value, nil
	}
	r, ok := target.RegionByRole(value)
	if !ok || r.Name == "" {
		return value, fmt.Errorf("the target has no region with the role %q", value)
	}
	return r.Name, nil
}

// knownFields tells which of want no alert can carry, whatever it says.
func knownFields(want map[string]string, target *harness.Description) error {
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if _, known := fieldOf(harness.Arrival{}, field); !known {
			return fmt.Errorf("an alert has no field %q, only %s", field, strings.Join(AlertFields(), ", "))
		}
		if want[field] == "" {
			return fmt.Errorf("the objective does not say what %s must be", field)
		}
		if _, err := wantedValue(field, want[field], target); err != nil {
			return err
		}
	}
	return nil
}

// fieldWords prints what is wanted: "class replication.lagging, region standby, any component".
func fieldWords(want map[string]string) string {
	var words []string
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if want[field] == anyValue {
			words = append(words, "any "+field)
			continue
		}
		words = append(words, field+" "+want[field])
	}
	return strings.Join(words, ", ")
}
