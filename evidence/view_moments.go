package evidence

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// since prints a moment in seconds since moment 0.
func (v *view) since(at harness.Stamp) string {
	if at == 0 {
		return ""
	}
	const tenth = harness.Stamp(100 * time.Millisecond)
	away := at - v.zero
	if away > -tenth/2 && away < 0 {
		away = 0 // no "-0.0"
	}
	return fmt.Sprintf("%+.1f s", away.Sub(0).Seconds())
}

// firstFault is when the first fault was put in force; the start of the observation where there was none.
func (v *view) firstFault() harness.Stamp {
	var first harness.Stamp
	for _, f := range v.rec.Faults {
		if lo := f.InForce.Lo; lo > 0 && (first == 0 || lo < first) {
			first = lo
		}
	}
	if first == 0 {
		return v.rec.Observation.Lo
	}
	return first
}

// logged finds the first entry of the target's own log with this event after the first fault.
func (v *view) logged(event string) (harness.Decision, bool) {
	from := v.firstFault()
	i := slices.IndexFunc(v.rec.Decisions, func(d harness.Decision) bool { return event != "" && d.Event == event && d.At >= from })
	if i < 0 {
		return harness.Decision{}, false
	}
	return v.rec.Decisions[i], true
}

// found finds a measurement of all loads, else the first of its name, else that of an objective.
func (v *view) found(name string) (harness.Measurement, bool) {
	var best harness.Measurement
	any := false
	for _, m := range v.f.Measurements {
		if m.Name == name && (!any || m.Load == "" && best.Load != "") {
			best, any = m, true
		}
	}
	if any && best.Known {
		return best, true
	}
	for _, o := range v.f.Objectives {
		if o.Measured.Name == name && (!any || o.Measured.Known) {
			return o.Measured, true
		}
	}
	return best, any
}

// of finds the measurement of one load; unknown if there is none.
func (v *view) of(name, load string) harness.Measurement {
	for _, m := range v.f.Measurements {
		if m.Name == name && m.Load == load {
			return m
		}
	}
	return harness.Measurement{}
}

// ageAt is how old the standby's data was at a moment, by the last heartbeat that was read before it.
func (v *view) ageAt(at harness.Stamp) (age int64, ok bool) {
	for o := range v.observations(harness.ProbeHeartbeat) {
		if o.At.Hi > at {
			break
		}
		if ageKnown(o) {
			age, ok = o.Value+int64(at-o.At.Hi), true
		}
	}
	return age, ok
}

// observations gives what a probe recorded, wherever it asked; a file that is not whole gives nothing here and fails validity.
func (v *view) observations(probe string) iter.Seq[harness.Observation] {
	return func(yield func(harness.Observation) bool) {
		for _, p := range v.rec.Probes {
			if p.Probe != probe || !v.readable(p) {
				continue
			}
			for o, err := range v.src.Observations(p.Probe, p.On) {
				if err != nil || !yield(o) {
					return
				}
			}
		}
	}
}

// readable tells whether a probe's file can be read in full; each is tried once.
func (v *view) readable(p harness.ProbeSeries) bool {
	if ok, tried := v.read[p.File]; tried {
		return ok
	}
	if v.read == nil {
		v.read = map[string]bool{}
	}
	v.read[p.File] = true
	for _, err := range v.src.Observations(p.Probe, p.On) {
		if err != nil {
			v.read[p.File] = false
		}
	}
	return v.read[p.File]
}

// restored is when service was back for new connections, if it was.
func (v *view) restored() (at harness.Interval, m harness.Measurement, ok bool) {
	for _, m := range v.f.Measurements {
		if m.Name == measure.MeasureRTO && m.Cohort == "fresh" && m.Known && !m.Unbounded && m.Hi > 0 {
			return harness.Interval{Lo: v.zero + harness.Stamp(m.Lo), Hi: v.zero + harness.Stamp(m.Hi)}, m, true
		}
	}
	return harness.Interval{}, harness.Measurement{}, false
}
