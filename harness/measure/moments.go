package measure

import (
	"fmt"

	"blackstart/harness"
)

// faultOf finds the fault that an objective counts from: of those of a kind the one that comes first by the plan, or for ""
// the one that starts the clock. It is an error if there is none, or if it was not confirmed in force.
func (d *drill) faultOf(kind string) (harness.FaultRecord, error) {
	if kind == "" && d.null() {
		return harness.FaultRecord{}, fmt.Errorf("%s", detailNoFault)
	}
	return faultOf(d.rec, kind)
}

func faultOf(rec *harness.Record, kind string) (harness.FaultRecord, error) {
	var found []harness.FaultRecord
	for _, f := range rec.Faults {
		switch spec := f.Plan.Fault; {
		case kind == "" && spec.StartsClock:
			found = append(found, f)
		case kind == "" || spec.Kind != kind:
		case len(found) == 0 || spec.At < found[0].Plan.Fault.At:
			found = []harness.FaultRecord{f}
		}
	}
	if len(found) != 1 && kind == "" {
		return harness.FaultRecord{}, fmt.Errorf("find T_f: %d faults start the clock, want one", len(found))
	}
	if len(found) == 0 {
		return harness.FaultRecord{}, fmt.Errorf("the objective counts from %s, which was not done", kind)
	}
	f := found[0]
	if !f.Confirmed || f.InForce.Lo <= 0 || f.InForce.Hi < f.InForce.Lo {
		return harness.FaultRecord{}, fmt.Errorf("find T_f: %s was not confirmed in force: %s", f.Plan.Fault.Kind, orUnknown(f.Detail))
	}
	return f, nil
}

// moment is when the fault came into force that an objective counts from.
func (d *drill) moment(kind string) (harness.Interval, error) {
	f, err := d.faultOf(kind)
	if err != nil {
		return harness.Interval{}, err
	}
	return f.InForce, nil
}

// start is the moment that the clock of an objective starts at, after a fault that came into force in fault.
func (d *drill) start(o harness.Objective, fault harness.Interval) (harness.Interval, error) {
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
