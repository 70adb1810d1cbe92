package measure

import (
	"fmt"

	"blackstart/harness"
)

// faultOf finds the fault that an objective counts from: of those of a kind the one that comes first by the plan, else of those
// that start a clock the one of an id, or the first. It is an error if there is none, or if it was not confirmed in force.
func (d *dataset) faultOf(from origin) (harness.FaultRecord, error) {
	if from.kind == "" && d.null() {
		return harness.FaultRecord{}, fmt.Errorf("%s", detailNoFault)
	}
	return faultOf(d.rec, from)
}

func faultOf(rec *harness.Record, from origin) (harness.FaultRecord, error) {
	var found []harness.FaultRecord
	for _, f := range startersOf(rec) {
		if from.kind == "" && len(found) == 0 && (from.after == "" || f.Plan.Fault.ID == from.after) {
			found = append(found, f)
		}
	}
	for _, f := range rec.Faults {
		switch spec := f.Plan.Fault; {
		case from.kind == "" || spec.Kind != from.kind:
		case len(found) == 0 || spec.At < found[0].Plan.Fault.At:
			found = []harness.FaultRecord{f}
		}
	}
	switch {
	case len(found) > 0:
		_, err := confirmed(found[0])
		if err != nil {
			return harness.FaultRecord{}, err
		}
		return found[0], nil
	case from.kind != "":
		return harness.FaultRecord{}, fmt.Errorf("the objective counts from %s, which was not done", from.kind)
	case from.after != "":
		return harness.FaultRecord{}, fmt.Errorf("the objective counts after %s, which starts no clock", from.after)
	}
	return harness.FaultRecord{}, fmt.Errorf("find T_f: 0 faults start the clock, want one")
}

// confirmed is when a fault came into force, an error if it was not confirmed to be.
func confirmed(f harness.FaultRecord) (harness.Interval, error) {
	if !f.Confirmed || f.InForce.Lo <= 0 || f.InForce.Hi < f.InForce.Lo {
		return harness.Interval{}, fmt.Errorf("find T_f: %s was not confirmed in force: %s", f.Plan.Fault.Kind, orUnknown(f.Detail))
	}
	return f.InForce, nil
}

// moment is when the fault came into force that an objective counts from.
func (d *dataset) moment(from origin) (harness.Interval, error) {
	f, err := d.faultOf(from)
	if err != nil {
		return harness.Interval{}, err
	}
	return f.InForce, nil
}

// start is the moment that the clock of an objective starts at, after a fault that came into force in fault.
func (d *dataset) start(o harness.Objective, fault harness.Interval) (harness.Interval, error) {
	switch o.From {
	case "", fromFault:
		return fault, nil
	case fromDeclaration:
		return d.declared(fault)
	}
	return harness.Interval{}, fmt.Errorf("the objective counts from %q, which is neither fault nor declaration", o.From)
}

// firstFault is the moment at which the first of all faults may have been in force, 0 if none was done.
func firstFault(rec *harness.Record) harness.Stamp {
	var first harness.Stamp
	for _, f := range rec.Faults {
		if lo := f.InForce.Lo; lo > 0 && (first == 0 || lo < first) {
			first = lo
		}
	}
	return first
}
