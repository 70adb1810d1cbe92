package measure

import (
	"fmt"
	"slices"

	"blackstart/harness"
	"blackstart/internal/registry"
)

// Row is one measure that an objective may name: how it is found, where its value stands in a pack, how it is weighed, and the
// words in which results and reports speak of it. What is nil or "" is said and done as for any value.
type Row struct {
	harness.MeasureSpec

	Formula string // as docs/measurement.md gives it, or the name of the section there that does

	// Find makes the measurement. A record gives the same one for ever: another number is another version of the rules.
	Find func(d *Dataset, o TimedObjective) harness.Measurement
	// Files names the files of the pack, beside the record, that the value comes from.
	Files func(d *Dataset, o harness.Objective) []string
	// Contradicted names two witnesses of an objective that cannot both be right, "" if there are none.
	Contradicted func(d *Dataset, o harness.Objective, fault harness.Interval) string
	// Standby: it speaks of how old the data of a standby is.
	Standby bool
	// Losses: it speaks of lost writes. They can be lost without a fault, and where nothing failed over nothing was exercised.
	Losses bool

	// In the reason of a finding:
	Endless   string // what has no upper bound: "not received"; "" is "not recovered"
	Unseen    string // the same of a state that is polled
	Titled    bool   // a value that is not allowed does not speak for itself
	Explained bool   // nor does its number tell what happened: the detail follows

	// In reports:
	Asking   func(o harness.Objective) string                              // what an objective asks
	Missed   func(f harness.Finding) string                                // what one that was not met came to
	Pending  string                                                        // a value without an upper bound, %s is how long
	Counted  string                                                        // what its numbers count: "fields lacking"
	Impact   func(m harness.Measurement, all []harness.Measurement) string // what users felt, "" if m does not tell
	InTable  string                                                        // its title among what became of the standby's data
	Evidence string                                                        // what it is called among what frameworks ask for
}

// TimedObjective is an objective with the moments that its clock starts from. An error says why there is no such moment.
type TimedObjective struct {
	harness.Objective
	InForce  harness.Interval // when the fault came into force
	Err      error
	Start    harness.Interval // the same, or when the failover was declared
	StartErr error
}

// Dataset is a Record with all its files read once, as measures look at it.
type Dataset = dataset

var table registry.Registry[Row]

var units = []string{harness.UnitNS, harness.UnitCount, harness.UnitMinor, harness.UnitWord}

// Add puts a measure into the table, so that its file can say var _ = Add(Row{…}). It panics at what no user can mend: a name
// that is taken or empty, a measure that nothing finds or defines, or a unit that is none.
func Add(r Row) Row {
	if r.Find == nil || r.Doc == "" || r.Title == "" || r.Formula == "" || !slices.Contains(units, r.Unit) || (r.Unit == harness.UnitWord) != (len(r.Words) > 0) {
		panic(fmt.Sprintf("measure: add %q without a way to find it, its title, its line, its formula, its unit, or its words", r.Name))
	}
	table.Add(registry.Kind[Row]{Name: r.Name, Doc: r.Doc, New: func() Row { return r }})
	return r
}

// RowOf gives the row of a measure. One that does not exist has its name for a title, and nothing finds it.
func RowOf(name string) Row {
	if k, ok := table.Get(name); ok {
		return k.New()
	}
	return Row{MeasureSpec: harness.MeasureSpec{Name: name, Title: name, Unit: harness.UnitNS}}
}

// Rows lists every measure that an objective may name, by name.
func Rows() []Row {
	var all []Row
	for _, k := range table.All() {
		all = append(all, k.New())
	}
	return all
}

// Specs lists what a reader of scenarios must know of them.
func Specs() []harness.MeasureSpec {
	var all []harness.MeasureSpec
	for _, r := range Rows() {
		all = append(all, r.MeasureSpec)
	}
	return all
}

// timedObjective finds the moments that an objective counts from.
func (d *dataset) timedObjective(o harness.Objective) TimedObjective {
	a := TimedObjective{Objective: o}
	a.InForce, a.Err = d.moment(originOf(o))
	if a.Start, a.StartErr = a.InForce, a.Err; a.Err == nil {
		a.Start, a.StartErr = d.start(o, a.InForce)
	}
	return a
}
