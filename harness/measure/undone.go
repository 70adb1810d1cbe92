package measure

import (
	"fmt"

	"blackstart/harness"
)

// undoCheck is the name of the check that clients were watched through the undo for as long as the scenario says.
const undoCheck = "undo.length"

// checkUndo compares how long clients were watched after the undo with what the scenario asks.
func (d *dataset) checkUndo() harness.ValidityCheck {
	asked, u := int64(d.rec.Scenario.ObserveUndo), d.rec.Undo
	lasted, why := int64(0), ""
	if !u.Watched.Never() && u.Watched.Hi >= u.At.Hi {
		lasted = floorTo(int64(u.Watched.Hi-u.At.Hi), 1e6)
	}
	switch {
	case u.Watched.Never() || u.Watched.Lo < d.rec.Observation.Hi || u.Watched.Hi > d.rec.Ended:
		why = "clients were not watched through the undo"
	case lasted < asked:
		why = fmt.Sprintf("clients were watched for %s of %s after the undo", Length(lasted), Length(asked))
	}
	return verdict(undoCheck, why, fmt.Sprintf("clients were watched for %s after the undo, the scenario asks for %s", Length(lasted), Length(asked)))
}

// undone measures what clients saw of the undo, where load went on through it: a window of its own, from the begin of the undo.
// Nothing of it counts for a fault.
func (d *dataset) undone() []harness.Measurement {
	if d.rec.Undo.Watched.Never() {
		return nil
	}
	var all []harness.Measurement
	for _, c := range d.cohorts() {
		all = append(all, d.undoneFor(c.load, c.cohort)...)
	}
	return all
}

// undoneFor measures what one cohort of a load saw of it.
func (d *dataset) undoneFor(load, name string) []harness.Measurement {
	begin := harness.Interval{Lo: d.rec.Undo.Watched.Lo, Hi: d.rec.Undo.Watched.Lo}
	outage := harness.Measurement{Name: NameUndoOutage, Unit: harness.UnitNS, Method: "T_s − begin of the undo"}
	requests := harness.Measurement{Name: NameUndoRequests, Unit: harness.UnitCount, Method: "due requests not OK within the limit, from the begin of the undo"}
	service := harness.Measurement{Name: NameUndoService, Unit: harness.UnitNS, Method: "due requests not OK within the limit ÷ rate, from the begin of the undo"}
	s := d.findOutage(load, name, begin, d.rec.Undo.Watched.Hi)
	if s.err == nil && s.cohort.Own.empty() {
		return nil // a cohort that nobody played saw nothing
	}
	switch {
	case s.err != nil:
		outage.Detail = s.err.Error()
		requests.Detail, service.Detail = outage.Detail, outage.Detail
	case s.outage.Impact.Never():
		outage.Known, outage.Detail = true, "no client of this cohort saw an impact"
	case s.outage.Thin != "":
		outage.Detail = s.outage.Thin
	case !s.outage.Recovered:
		outage.Known, outage.Unbounded = true, true
		outage.Lo = int64(d.rec.Undo.Watched.Hi - begin.Lo)
		outage.Hi, outage.Detail = outage.Lo, "not recovered by the end of the watch after the undo"
	default:
		outage.Lo, outage.Hi, outage.Known = span(d.stamps(s.outage.Restored), begin)
	}
	if s.err == nil {
		n, ns := lostService(s.cohort.Own, d.sinceAnchor(begin.Lo)+s.cohort.Ahead.Lo, s.end)
		requests.Known, requests.Lo, requests.Hi = true, int64(n), int64(n)
		service.Known, service.Lo, service.Hi = true, ns, ns
	}
	all := []harness.Measurement{outage, requests, service}
	for i := range all {
		all[i].Load, all[i].Cohort = load, s.cohort.Name
	}
	return all
}

// undoHurt tells each cohort that the undo left without service.
func (d *dataset) undoHurt() []string {
	var all []string
	for _, m := range d.undone() {
		if m.Name == NameUndoOutage && m.Known && m.Hi > 0 {
			all = append(all, fmt.Sprintf("the undo hurt %s of %s: service was back %s after it began", clientsOf(harness.Objective{Cohort: m.Cohort}), m.Load, Value(m)))
		}
	}
	return all
}
