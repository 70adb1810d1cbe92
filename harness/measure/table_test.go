package measure

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// Every measure is found in the unit that the table says, and calls itself by its name there.
func TestTableTellsTheTruth(t *testing.T) {
	w := decidedWorld()
	for _, of := range Specs() {
		w.objectives(harness.Objective{Measure: of.Name, Load: fileQueries, Cohort: "fresh", Channel: "pagerduty", AtMost: "1", Is: "refused"})
		if m := readDataset(w.rec, w).measured(w.rec.Scenario.Objectives[0]); m.Unit != of.Unit || m.Name != of.Name {
			t.Errorf("%s in %s: measured as %s in %s", of.Name, of.Unit, m.Name, m.Unit)
		}
	}
}

// The words that a measure knows are those that a scenario may hold, which editors learn from the tags.
func TestWordsCanBeWritten(t *testing.T) {
	is, _ := reflect.TypeFor[harness.Objective]().FieldByName("Is")
	for _, of := range Specs() {
		for _, word := range of.Words {
			if !slices.Contains(strings.Split(is.Tag.Get("one"), "|"), word) {
				t.Errorf("%s knows the word %s, and no scenario can say it: add it to the tag of harness.Objective.Is", of.Name, word)
			}
		}
	}
}

// A row that lacks what everything else relies on is a mistake of the programmer, found when the program starts.
func TestAddRefuses(t *testing.T) {
	whole := Row{
		MeasureSpec: harness.MeasureSpec{Name: MeasureRTO, Title: "RTO", Doc: "how long", Unit: harness.UnitNS},
		Formula:     "T_s − T_f", Find: func(*Dataset, TimedObjective) harness.Measurement { return harness.Measurement{} },
	}
	for what, spoil := range map[string]func(*Row){
		"a name that is taken": func(*Row) {},
		"no name":              func(r *Row) { r.Name = "" },
		"no title":             func(r *Row) { r.Name, r.Title = "a", "" },
		"no line":              func(r *Row) { r.Name, r.Doc = "a", "" },
		"no formula":           func(r *Row) { r.Name, r.Formula = "a", "" },
		"nothing finds it":     func(r *Row) { r.Name, r.Find = "a", nil },
		"no unit":              func(r *Row) { r.Name, r.Unit = "a", "seconds" },
		"a word of none":       func(r *Row) { r.Name, r.Unit = "a", harness.UnitWord },
		"words of a number":    func(r *Row) { r.Name, r.Words = "a", []string{"yes"} },
	} {
		row := whole
		spoil(&row)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was added", what)
				}
			}()
			Add(row)
		}()
	}
	if of := RowOf("a"); of.Find != nil || of.Title != "a" {
		t.Errorf("a measure that was refused is there: %+v", of.MeasureSpec)
	}
}
