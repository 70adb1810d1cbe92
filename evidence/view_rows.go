package evidence

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"blackstart/evidence/controls"
	"blackstart/evidence/reports"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

const maxTimeline = 400 // rows; a longer timeline is in events.jsonl

func (v *view) limits() []string {
	var all []string
	for _, d := range v.rec.Scenario.Metadata.DoesNotShow {
		all = append(all, "This does not show: "+d+".")
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

func (v *view) objectives() []reports.Objective {
	var rows []reports.Objective
	for _, o := range v.f.Objectives {
		name := o.Objective.ID + ": " + o.Objective.Measure
		for _, part := range []string{o.Objective.Load, o.Objective.Cohort, o.Objective.Channel} {
			if part != "" {
				name += " " + part
			}
		}
		rows = append(rows, reports.Objective{Name: name, Bound: "at most " + o.Objective.AtMost, Source: o.Objective.Source,
			Measured: measure.Value(o.Measured), Interval: o.Reason, Verdict: o.Verdict.String()})
	}
	return rows
}

func (v *view) timeline() []reports.Moment {
	type moment struct {
		at   harness.Interval
		kind string
		text string
	}
	var all []moment
	for _, e := range v.events {
		if e.Kind != "target.progress" && e.Kind != "undo.logged" {
			all = append(all, moment{e.At, e.Kind, e.Text})
		}
	}
	for _, d := range v.rec.Decisions {
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
		if strings.HasPrefix(m.Name, "wall.phase.") {
			continue // itemised in findings.json
		}
		name := m.Name
		for _, part := range []string{m.Load, m.Cohort, m.Channel} {
			if part != "" {
				name += " " + part
			}
		}
		rows = append(rows, reports.Measure{Name: name, Value: measure.Value(m), Bounds: bounds(m), Method: m.Method, Raw: m.Detail})
	}
	return rows
}

// bounds prints the exact ends of a measurement.
func bounds(m harness.Measurement) string {
	if !m.Known {
		return ""
	}
	if m.Unit != measure.UnitNS {
		return "exact"
	}
	if m.Unbounded {
		return fmt.Sprintf("[%.3f s, ∞)", float64(m.Lo)/1e9)
	}
	return fmt.Sprintf("[%.4f s, %.4f s]", float64(m.Lo)/1e9, float64(m.Hi)/1e9)
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

func (v *view) faults() []reports.Fault {
	var rows []reports.Fault
	for _, f := range v.rec.Faults {
		row := reports.Fault{Kind: f.Plan.Fault.Kind, Target: f.Plan.Fault.Region, InForce: v.sinceFault(f.InForce)}
		if f.Confirmed {
			row.Confirmed = fmt.Sprintf("%d checks from the victim's side", len(f.Plan.InForce))
		} else {
			row.Confirmed = "not confirmed: " + f.Detail
		}
		switch {
		case f.Restored:
			row.Undone = v.sinceFault(f.Undone) + "; seen to be over"
		case !f.Undone.Never():
			row.Undone = v.sinceFault(f.Undone) + "; NOT seen to be over"
		default:
			row.Undone = "not undone"
		}
		if v.rec.Undo.Fenced {
			row.Undone += "; old primary fenced by the " + v.rec.Undo.FencedBy + " first"
		}
		rows = append(rows, row)
	}
	return rows
}

// load counts each stream's samples: intended, offered, answered well.
func (v *view) load() []reports.Stream {
	var rows []reports.Stream
	src := measure.Files(dirFS(v.source), v.rec)
	for _, s := range v.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		row := reports.Stream{Name: s.Load + " (" + s.Workload + ")", Place: s.Place, Intended: fmt.Sprintf("%d/s", s.Freq)}
		samples, err := src.Samples(s.ID)
		if err != nil {
			row.Outcomes = "file is not whole: " + err.Error()
			rows = append(rows, row)
			continue
		}
		counts := map[loadgen.Outcome]int{}
		for _, one := range samples {
			counts[one.Outcome]++
		}
		offered := len(samples) - counts[loadgen.Unsent]
		row.Intended += ", " + measure.Count(int64(len(samples)))
		row.Offered, row.Achieved = measure.Count(int64(offered)), measure.Count(int64(counts[loadgen.OK]))
		row.Outcomes = outcomes(counts)
		rows = append(rows, row)
	}
	return rows
}

func outcomes(counts map[loadgen.Outcome]int) string {
	var parts []string
	for o := loadgen.OK; int(o) < int(loadgen.NumOutcomes); o++ {
		if n := counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", o, measure.Count(int64(n))))
		}
	}
	return strings.Join(parts, ", ")
}

// meanings explain the ledger's classes.
var meanings = map[string]string{
	"durable": "acknowledged and there", "lost": "acknowledged and missing: the recovery point", "ghost": "never acknowledged, yet there: reconcile",
	"stranded": "committed on the old primary only, never acknowledged", "clean-failure": "never acknowledged and nowhere",
	"unresolved": "never acknowledged, absent; the old side was not read", "rejected": "refused, and nowhere",
	"contract-break": "refused, yet there: must be 0", "not-read": "no side was read", "duplicate": "there twice: must be 0",
}

func (v *view) ledger() []reports.LedgerClass {
	var rows []reports.LedgerClass
	for _, c := range v.f.Ledger {
		rows = append(rows, reports.LedgerClass{Class: c.Name, Count: measure.Count(int64(c.Count)), Amount: c.Amount.String(), Meaning: meanings[c.Name]})
	}
	return rows
}

func (v *view) alerts() []reports.Alert {
	var rows []reports.Alert
	for _, c := range v.rec.Target.Channels {
		row := reports.Alert{Channel: c.Name}
		if c.Muted {
			row.Verdict = "muted in the target's own configuration"
		}
		for _, a := range v.rec.Arrivals {
			if a.Channel != c.Name || !a.Nonce {
				continue
			}
			at := v.sinceFault(harness.Interval{Lo: a.At, Hi: a.At})
			switch {
			case a.Event == "acknowledge":
				row.Acknowledged = at
			case a.Event == "resolve":
				row.Resolved = at
			case a.Accepted && row.Received == "":
				row.Accepted, row.Received = fmt.Sprintf("HTTP %d", a.Status), at
				if c.Name == "smtp" {
					row.Accepted = fmt.Sprintf("SMTP %d", a.Status)
				}
			}
		}
		for _, m := range v.f.Measurements {
			if m.Name == measure.MeasureAlert && m.Channel == c.Name {
				row.Latency = measure.Value(m)
			}
		}
		for _, o := range v.f.Objectives {
			if o.Objective.Channel == c.Name {
				row.Verdict = o.Verdict.String()
			}
		}
		rows = append(rows, row)
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
			rows = append(rows, reports.Exception{Cause: o.Objective.ID + ": " + o.Reason, Severity: "objective not met"})
		}
	}
	for _, e := range v.f.Exceptions {
		rows = append(rows, reports.Exception{Cause: e, Severity: "observation"})
	}
	return rows
}

// facts says what the drill exercised, for the control map: only what the record shows.
func (v *view) facts() map[controls.Flag]bool {
	judged := v.rec.Status == harness.Completed && v.f.Verdict != harness.Inconclusive
	return map[controls.Flag]bool{
		controls.DataRecovery:       judged && v.rec.Ledger.Promoted && v.rec.Ledger.OldRead,
		controls.LedgerReconciled:   v.rec.Ledger.Read,
		controls.RawSeriesKept:      len(v.rec.Streams) > 0,
		controls.ProvenanceRecorded: len(v.rec.Streams) > 0,
		controls.ExceptionsRecorded: true,
	}
}

// provenance says where each raw file comes from.
func (v *view) provenance() []reports.Artefact {
	var rows []reports.Artefact
	sum := func(name string) string {
		d, err := fileDigest(filepath.Join(v.source, filepath.FromSlash(name)))
		if err != nil {
			return ""
		}
		return d
	}
	for _, s := range v.rec.Streams {
		rows = append(rows, reports.Artefact{Path: s.File, Source: "load generator, " + s.Workload, Query: fmt.Sprintf("%d/s from %s", s.Freq, s.Place),
			Extracted: v.rec.Ended.String() + " blackstart", Rows: measure.Count(int64(s.Count)), Digest: sum(s.File)})
	}
	for _, p := range v.rec.Probes {
		rows = append(rows, reports.Artefact{Path: p.File, Source: "probe " + p.Probe, Query: "every " + measure.Length(p.EveryNS) + " on " + p.On,
			Extracted: p.Ran.Hi.String() + " blackstart", Rows: measure.Count(int64(p.Count)), Digest: sum(p.File)})
	}
	rows = append(rows, reports.Artefact{Path: seal.EventsFile, Source: "event log", Extracted: v.rec.Ended.String() + " blackstart",
		Rows: measure.Count(int64(v.rec.EventsCount)), Digest: v.rec.EventsHead})
	return rows
}
