package evidence

import (
	"cmp"
	"fmt"
	"slices"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// decided holds each step of the target's own log against what was seen from outside. A step that neither tells is left out.
func (v *view) decided() []reports.Decided {
	log := v.rec.Target.Decisions
	if log == nil || len(v.rec.Faults) == 0 {
		return nil
	}
	type timed struct {
		reports.Decided
		at harness.Stamp
	}
	var steps []timed
	var last harness.Stamp
	for _, step := range []struct {
		name, event string
		outside     func(harness.Decision) (string, string)
	}{
		{"replication lags", log.Lagging, v.lagSeen}, {"certificate renewed", log.Renewed, v.renewalSeen}, {"failure detected", log.Detected, v.impactSeen},
		{"failover declared", log.Declared, nil}, {"failover refused", log.Refused, v.stayedSeen}, {"build deployed", log.Deployed, v.buildSeen},
		{"standby promoted", log.Promoted, v.writeSeen}, {"clients sent there", log.Switched, v.switchSeen}, {"failover done", log.Done, v.serviceSeen},
	} {
		entry, ok := v.logged(step.event)
		row := reports.Decided{Step: step.name}
		if ok {
			row.Log, row.LogAt = entry.Event, v.since(entry.At)
			if why := entry.Detail["reason"]; why != "" {
				row.Log += ": " + v.redact.Text(why)
			}
		}
		if step.outside != nil {
			row.Outside, row.OutsideAt = step.outside(entry)
		}
		if ok {
			last = entry.At // what the log does not tell stays behind the step before it
		}
		if ok || row.OutsideAt != "" {
			steps = append(steps, timed{row, last})
		}
	}
	slices.SortStableFunc(steps, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	var rows []reports.Decided
	for _, s := range steps {
		rows = append(rows, s.Decided)
	}
	return rows
}

// discord says where the target's own log and the outside disagree.
func (v *view) discord() []string {
	var all []string
	for _, m := range v.f.Measurements {
		if m.Name == measure.MeasureDecision && m.Known && m.Lo > 0 {
			all = append(all, "The target's own log and the outside disagree: "+v.redact.Text(m.Detail)+".")
		}
	}
	return all
}

func (v *view) lagSeen(entry harness.Decision) (words, at string) {
	if entry.At == 0 {
		return "", ""
	}
	age, ok := v.ageAt(entry.At)
	if !ok {
		return "", ""
	}
	return fmt.Sprintf("the standby's last heartbeat was %.1f s old", float64(age)/1e9), v.since(entry.At)
}

func (v *view) impactSeen(harness.Decision) (words, at string) {
	for _, m := range v.f.Measurements {
		if m.Name == measure.NameImpact && m.Cohort == "fresh" && m.Known && !m.Unbounded {
			return "clients of " + m.Load + " felt it", v.since(v.zero + harness.Stamp(m.Hi))
		}
	}
	return "", ""
}

// writable is when the standby took its first write, never if it was not seen to take one.
func (v *view) writable() harness.Interval {
	return measure.Writable(v.rec, v.observations(harness.ProbeWritable))
}

func (v *view) writeSeen(harness.Decision) (words, at string) {
	if w := v.writable(); !w.Never() {
		return "it took a first write", v.since(w.Hi)
	}
	return "it took no write", ""
}

func (v *view) stayedSeen(entry harness.Decision) (words, at string) {
	if entry.At == 0 || !v.writable().Never() {
		return "", "" // the row of the promotion tells of writes
	}
	return "the standby took no write to the end", ""
}

func (v *view) switchSeen(harness.Decision) (words, at string) {
	standby := slices.IndexFunc(v.rec.Target.Regions, func(r harness.Region) bool { return r.Role == harness.Standby })
	for o := range v.observations(harness.ProbeDNS) {
		if standby >= 0 && o.Reached && o.OK && o.At.Lo >= v.firstFault() && o.Value == int64(standby) {
			return "the name was answered with " + v.rec.Target.Regions[standby].Name, v.since(o.At.Hi)
		}
	}
	return "the name was never answered with the standby", ""
}

func (v *view) serviceSeen(entry harness.Decision) (words, at string) {
	if back, m, ok := v.restored(); ok {
		return "service was back for new connections of " + m.Load, v.since(back.Hi)
	}
	if entry.At == 0 {
		return "", ""
	}
	for _, m := range v.f.Measurements {
		if m.Name == measure.MeasureRTO && m.Cohort == "fresh" && m.Unbounded {
			return "service did not come back for new connections of " + m.Load + measure.Saw(m), ""
		}
	}
	return "", ""
}

// renewalSeen looks for the first good health answer of the region after a bad one: the probe verifies certificates.
func (v *view) renewalSeen(entry harness.Decision) (words, at string) {
	api, ok := v.rec.Target.ComponentOf(entry.Detail["region"], "api")
	if entry.At == 0 || !ok {
		return "", ""
	}
	bad := false
	for o := range v.observations(harness.ProbeHealth) {
		if o.On != api.Name || o.At.Lo < v.firstFault() {
			continue
		}
		if bad && o.OK {
			return api.Name + " was accepted again by a probe that verifies certificates", v.since(o.At.Hi)
		}
		bad = bad || !o.OK
	}
	return "", ""
}

// buildSeen looks for the first answer of the region's new build.
func (v *view) buildSeen(entry harness.Decision) (words, at string) {
	for o := range v.observations(harness.ProbeAnswers) {
		if a := o.Answer; entry.At != 0 && a != nil && o.OK && o.At.Hi >= entry.At && a.Region == entry.Detail["region"] && a.Build != "" {
			return "answered as build " + v.redact.Text(a.Build), v.since(o.At.Hi)
		}
	}
	return "", ""
}
