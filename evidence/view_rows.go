package evidence

import (
	"fmt"
	"sort"
	"strings"
	"time"
	_ "time/tzdata" // the same words on a machine without time zones

	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
)

const maxTimeline = 400 // rows; a longer timeline is in events.jsonl

func (v *view) limits() []string {
	var all []string
	if not := v.rec.Scenario.Metadata.DoesNotShow; len(not) > 0 {
		all = append(all, "This does not show: "+strings.Join(not, "; ")+".")
	}
	if v.rec.Environment == harness.Rehearsal {
		all = append(all, "A rehearsal on a bundled system shows that the drill works; it proves recovery of nothing else.")
	}
	return all
}

// span prints an interval relative to the fault.
func (v *view) sinceFault(at harness.Interval) string {
	if at.Never() {
		return ""
	}
	lo, hi := at.Lo.Sub(v.zero), at.Hi.Sub(v.zero)
	if hi-lo < time.Millisecond {
		return fmt.Sprintf("%+.3f s", hi.Seconds())
	}
	return fmt.Sprintf("%+.3f to %+.3f s", lo.Seconds(), hi.Seconds())
}

func clock(s harness.Stamp) string {
	if s == 0 {
		return ""
	}
	return s.Time().Format("15:04:05.000")
}

// untold are the events that a report leaves to events.jsonl.
var untold = map[string]bool{"target.progress": true, "undo.logged": true, "act.started": true, "act.ended": true, "load.started": true, "log.opened": true}

func (v *view) timeline() []reports.Moment {
	type moment struct {
		at   harness.Interval
		kind string
		text string
	}
	var all []moment
	for _, e := range v.events {
		if !untold[e.Kind] {
			all = append(all, moment{e.At, e.Kind, e.Text})
		}
	}
	for _, d := range v.rec.Decisions {
		if strings.HasPrefix(d.Event, "notify.") {
			continue
		}
		all = append(all, moment{harness.Interval{Lo: d.At, Hi: d.At}, "target: " + d.Event, ""})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at.Lo < all[j].at.Lo })
	var rows []reports.Moment
	for _, m := range all[:min(len(all), maxTimeline)] {
		rows = append(rows, reports.Moment{At: clock(m.at.Lo), SinceFault: v.sinceFault(m.at), Event: m.kind, Detail: m.text})
	}
	return rows
}

func (v *view) notExecuted() []reports.Field {
	rows := []reports.Field{{Name: "Failback", Value: "not executed: roles stay as the failover left them"}}
	if v.rec.Scenario.Recovery.By == "target" {
		rows = append(rows, reports.Field{Name: "Manual steps", Value: "none: the target recovers by its own automation"})
	}
	return rows
}

func (v *view) measures() []reports.Measure {
	var rows []reports.Measure
	for _, m := range v.f.Measurements {
		if v.minor(m) {
			continue // all of them are in findings.json
		}
		rows = append(rows, reports.Measure{Name: spaced(m.Name, m.Load, m.Cohort, m.Channel), Value: measure.Value(m), Bounds: bounds(m), Method: joined(m.Method, m.Detail),
			Raw: v.rawOf(m)})
	}
	return rows
}

// minor tells which measurements a report leaves to findings.json: parts of others, and what nobody asked about.
func (v *view) minor(m harness.Measurement) bool {
	asked := false
	for _, o := range v.f.Objectives {
		asked = asked || (o.Objective.Channel == m.Channel && m.Channel != "")
	}
	switch {
	case strings.HasPrefix(m.Name, "wall.phase."), m.Name == measure.NameWallUntold, m.Name == measure.NameLostRequests,
		strings.HasPrefix(m.Name, measure.NameErrors): // counted in a table of their own
		return true
	case strings.HasPrefix(m.Name, "step.") && m.Cohort != "" && m.Cohort != "fresh":
		return true
	case m.Name == measure.NameAlertBeyond:
		return !asked
	}
	return m.Name == measure.NameRTODeclared && m.Cohort != "fresh"
}

func joined(method, detail string) string {
	if method == "" || detail == "" {
		return method + detail
	}
	return method + "; " + detail
}

// rawOf names the files a measurement of one load was made from.
func (v *view) rawOf(m harness.Measurement) string {
	kind := "samples"
	if measure.Of(m.Name).Ledger {
		kind = "ledger"
	}
	if m.Channel != "" {
		return RecordFile
	}
	for _, s := range v.rec.Streams {
		if s.Load == m.Load && s.Kind == kind {
			return s.File
		}
	}
	return RecordFile
}

func (v *view) checks() []reports.Check {
	var rows []reports.Check
	for _, c := range v.f.Validity {
		result := "passed"
		if !c.OK {
			result = "failed"
		}
		rows = append(rows, reports.Check{Name: c.Name, Result: result, Detail: c.Detail})
	}
	return rows
}

func (v *view) components() []reports.Component {
	var rows []reports.Component
	for _, c := range v.rec.Target.Components {
		version := c.Version
		if c.Expires != 0 {
			version += ", certificate until " + c.Expires.Time().Format("2006-01-02")
		}
		rows = append(rows, reports.Component{Name: c.Name, Region: c.Region, Version: version, Digest: c.SHA256})
	}
	return rows
}

func (v *view) clock() []reports.Field {
	sync, worst := 0, int64(0)
	for _, c := range v.rec.Clock {
		if c.Synchronised {
			sync++
		}
		worst = max(worst, c.WallMinusNS, -c.WallMinusNS)
	}
	return []reports.Field{
		{Name: "Source", Value: "one monotonic clock, anchored once to UTC at " + v.rec.Anchor.String()},
		{Name: "Kernel's opinion", Value: fmt.Sprintf("synchronised in %d of %d readings", sync, len(v.rec.Clock))},
		{Name: "Wall clock moved by", Value: measure.Length(worst)},
		{Name: "Offset to other hosts", Value: "one host: not applicable"},
	}
}

// readiness says what held before the fault.
func (v *view) readiness() []reports.Field {
	var rows []reports.Field
	for _, c := range v.f.Validity {
		if strings.HasPrefix(c.Name, "baseline.") {
			state := "held: "
			if !c.OK {
				state = "did not hold: "
			}
			rows = append(rows, reports.Field{Name: c.Name, Value: state + c.Detail})
		}
	}
	return append(rows, reports.Field{Name: "Market hours", Value: marketHours(v.rec.Started.Time())},
		reports.Field{Name: "Production-likeness", Value: strings.Join(v.rec.Target.Simulated, "; ")})
}

// marketHours says whether a moment lies within 09:30–16:00 America/New_York on a weekday.
func marketHours(at time.Time) string {
	ny, err := time.LoadLocation("America/New_York")
	if err != nil {
		return "" // no time zones on this machine: not recorded
	}
	t := at.In(ny)
	minute := t.Hour()*60 + t.Minute()
	inside := t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && minute >= 9*60+30 && minute < 16*60
	text := t.Format("Mon 15:04") + " America/New_York: "
	if inside {
		return text + "within 09:30–16:00 (exchange holidays are not looked up)"
	}
	return text + "outside 09:30–16:00"
}

func (v *view) exceptions() []reports.Exception {
	var rows []reports.Exception
	for _, o := range v.f.Objectives {
		if o.Verdict == harness.Fail {
			rows = append(rows, reports.Exception{Cause: o.Reason, Severity: "objective not met"})
		}
	}
	for _, e := range v.f.Exceptions {
		rows = append(rows, reports.Exception{Cause: e, Severity: "observation"})
	}
	return rows
}

// provenance says where each raw file comes from.
func (v *view) provenance() []reports.Artefact {
	var rows []reports.Artefact
	sum := func(name string) string {
		d, err := fileDigest(v.source, name)
		if err != nil {
			return ""
		}
		return d
	}
	for _, s := range v.rec.Streams {
		rows = append(rows, reports.Artefact{Total: v.controlTotal(s), Path: s.File, Source: "load generator, " + s.Workload, Query: fmt.Sprintf("%d/s from %s", s.Freq, v.roleOf(s)),
			Extracted: v.rec.Ended.String() + " blackstart", Rows: measure.Count(int64(s.Count)), Digest: sum(s.File)})
	}
	for _, p := range v.rec.Probes {
		rows = append(rows, reports.Artefact{Path: p.File, Source: "probe " + p.Probe, Query: "every " + measure.Length(p.EveryNS) + " on " + p.On,
			Extracted: p.Ran.Hi.String() + " blackstart", Rows: measure.Count(int64(p.Count)), Digest: sum(p.File)})
	}
	rows = append(rows, reports.Artefact{Path: seal.EventsFile, Source: "event log", Extracted: v.rec.Ended.String() + " blackstart",
		Rows: measure.Count(int64(len(v.events)) + 1), Digest: v.eventsDigest()})
	return rows
}
