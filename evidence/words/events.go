package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
)

const (
	maxKeyEvents = 16  // on the first page; the whole timeline follows in the report
	maxTimeline  = 400 // rows; a longer timeline is in events.jsonl
)

// key is a key event before it is put in order.
type key struct {
	at   harness.Stamp
	what string
}

// keyEvents tells in few lines what happened: what was done, what people were told, what the target decided, what users saw.
func keyEvents(d facts.Drill, z zero) []KeyEvent {
	if d.FirstFault == 0 || len(d.Record.Faults) == 0 {
		return nil
	}
	all := slices.Concat(faultKeys(d.Record), alertKeys(d), logKeys(d.Log))
	if d.Record.Status != harness.Interrupted {
		all = append(all, userKeys(d, z)...)
	}
	all = slices.DeleteFunc(all, func(k key) bool { return k.at == 0 || k.what == "" })
	slices.SortStableFunc(all, func(a, b key) int { return cmp.Compare(a.at, b.at) })
	var rows []KeyEvent
	for _, k := range all[:min(len(all), maxKeyEvents)] {
		rows = append(rows, KeyEvent{SinceFault: z.since(k.at), What: k.what})
	}
	if left := len(all) - maxKeyEvents; left > 0 {
		rows = append(rows, KeyEvent{What: fmt.Sprintf("… and %d moments more: see the timeline", left)})
	}
	return rows
}

func faultKeys(rec *harness.Record) (all []key) {
	for _, f := range rec.Faults {
		if f.Do.Lo == 0 {
			continue
		}
		what := "FAULT: " + faultOn(rec, f.Plan)
		if !f.Confirmed {
			what += " (not seen in force)"
		}
		at := f.Do.Lo
		if f.Plan.Task() != nil && f.Confirmed { // people took their time
			at = f.InForce.Lo
		}
		all = append(all, key{at, what})
		if f.Plan.Fault.For > 0 && f.Undone.Hi != 0 {
			all = append(all, key{f.Undone.Hi, "FAULT OVER: " + f.Plan.Label})
		}
	}
	for _, p := range rec.People {
		what := "PEOPLE: " + p.Task.What
		switch {
		case p.Done != 0:
			all = append(all, key{p.Done, what + ": done, says " + p.DoneBy})
		case p.Begun != 0:
			all = append(all, key{p.Begun, what + ": begun, says " + p.BegunBy + "; nobody said that it was done"})
		default:
			all = append(all, key{p.Asked, what + ": asked of " + p.Task.By + ", and nobody said that it was done"})
		}
	}
	return all
}

// alertKeys tells of the first alert of each class on each channel that an objective speaks of.
func alertKeys(d facts.Drill) (all []key) {
	seen := map[[2]string]bool{}
	for _, a := range d.Alerts {
		of := [2]string{a.Channel, a.Class}
		if seen[of] || !facts.Asked(d.Record, a.Channel) {
			continue
		}
		seen[of] = true
		what := a.Channel + " received"
		if a.Polled {
			what = a.Channel + " state seen"
		}
		if class := joined(a.Severity, ", ", a.Class); class != "" {
			what += " (" + class + ")"
		}
		all = append(all, key{a.At, what + ": " + a.Summary})
	}
	return all
}

// logKeys tells of the steps of the target's own log, and of the first of every other event that gives a reason.
func logKeys(log facts.Log) (all []key) {
	words, seen := logWords(log.Events), map[string]bool{}
	for _, e := range log.Entries {
		text, known := words[e.Event]
		_, _, notifies := e.Notifies()
		if seen[e.Event] || notifies || !known && e.Reason() == "" {
			continue
		}
		seen[e.Event] = true
		if !known {
			text = e.Event
		}
		if e.Region() != "" {
			text += " in " + e.Region()
		}
		if known {
			text += " (" + e.Event + ")"
		}
		all = append(all, key{e.At, "target's log: " + joined(text, ": ", e.Reason())})
	}
	return all
}

func userKeys(d facts.Drill, z zero) (all []key) {
	if d.Recovery.Load != "" {
		all = append(all, key{d.Recovery.Back.Hi, "clients: service was back for new connections of " + d.Recovery.Load})
	}
	for _, m := range d.Recovery.Failed {
		all = append(all, key{d.Record.Observation.Hi, "clients: the observation ended, and service was not back for new connections of " + m.Load + measure.ClientWords(m)})
	}
	for _, o := range d.Findings.Objectives {
		if m := o.Measured; measure.RowOf(m.Name).Lasting && m.Known && !m.Unbounded {
			all = append(all, key{caughtUp(d.Record, m), "the standby had caught up, " + measure.Value(m) + " after the fault was taken back"})
		}
	}
	if len(d.Answers.Contrasts) > 0 {
		c := d.Answers.Contrasts[0]
		all = append(all, key{c.Wrong.At.Lo, "clients: the first " + c.Wrong.Kind + " answer: " + contrastWords(c, z)})
	}
	return all
}

// caughtUp is when the standby had; the measure counts from the undo of a fault that was to last a stated time.
func caughtUp(rec *harness.Record, m harness.Measurement) harness.Stamp {
	for _, f := range rec.Faults {
		if f.Plan.Fault.For > 0 && !f.Undone.Never() {
			return f.Undone.Hi + harness.Stamp(m.Hi)
		}
	}
	return 0
}

// notPrinted are the events that a report leaves to events.jsonl.
var notPrinted = []string{"target.progress", "undo.logged", "act.started", "act.ended", "load.started", "log.opened"}

// timeline lists what happened, by the drill's own log and by the target's.
func timeline(rec *harness.Record, events []harness.Event, z zero) []Moment {
	var all []harness.Event
	for _, e := range events {
		if !slices.Contains(notPrinted, e.Kind) {
			all = append(all, e)
		}
	}
	for _, d := range rec.Decisions {
		if _, _, notifies := d.Notifies(); !notifies {
			all = append(all, harness.Event{At: harness.Interval{Lo: d.At, Hi: d.At}, Kind: "target: " + d.Event})
		}
	}
	slices.SortStableFunc(all, func(a, b harness.Event) int { return cmp.Compare(a.At.Lo, b.At.Lo) })
	var rows []Moment
	for _, e := range all[:min(len(all), maxTimeline)] {
		rows = append(rows, Moment{At: clock(e.At.Lo), SinceFault: z.span(e.At), Event: e.Kind, Detail: e.Text})
	}
	return rows
}

// faultOn says in words what a fault is, what it is on, and how long it was to last.
func faultOn(rec *harness.Record, p harness.Plan) string {
	return p.Fault.Kind + " on the " + region(rec, p.Fault.On) + ": " + faultWords(p)
}

func faultWords(p harness.Plan) string {
	if p.Fault.For > 0 {
		return p.What + ", for " + measure.Length(int64(p.Fault.For))
	}
	return p.What
}

// region names a region by role and name: "standby region (west)".
func region(rec *harness.Record, role string) string {
	r, ok := rec.Target.RegionByRole(role)
	if !ok || r.Name == "" {
		return role + " region"
	}
	return role + " region (" + r.Name + ")"
}

// saidDone is who says that a person's fault was carried out; "" where nobody did.
func saidDone(rec *harness.Record, fault string, task *harness.PersonTask) string {
	for _, p := range rec.People {
		if task != nil && p.Act == harness.ActInject && p.Fault == fault && p.Task.What == task.What {
			return p.DoneBy
		}
	}
	return ""
}

func faults(rec *harness.Record, z zero) []Fault {
	return each(rec.Faults, func(f harness.FaultRecord) Fault {
		row := Fault{Kind: f.Plan.Fault.Kind, Target: region(rec, f.Plan.Fault.On), What: faultWords(f.Plan), InForce: z.span(f.InForce)}
		if said := saidDone(rec, f.Plan.Fault.ID, f.Plan.Task()); said != "" {
			row.What += "; done, says " + said
		}
		if f.Plan.Fault.StartsClock {
			row.What += "; moment 0"
		}
		if f.Confirmed {
			row.Confirmed = fmt.Sprintf("%d checks", len(f.Plan.InForce))
			var kinds []string
			for _, c := range f.Plan.Follows {
				kinds = append(kinds, string(c.Kind))
			}
			if len(kinds) > 0 {
				row.Confirmed += fmt.Sprintf(", and %d of what follows: %s", len(kinds), strings.Join(kinds, ", "))
			}
		} else if f.Do.Lo != 0 {
			row.Confirmed = "not confirmed: " + f.Detail
		}
		switch {
		case f.Restored:
			row.Undone = z.span(f.Undone) + "; seen to be over"
		case !f.Undone.Never():
			row.Undone = z.span(f.Undone) + "; NOT seen to be over"
		case f.Do.Lo == 0:
			row.Undone = "never done"
		default:
			row.Undone = "not undone"
		}
		if rec.Undo.Fenced && f.Plan.Fault.For == 0 {
			row.Undone += "; old primary fenced by the " + rec.Undo.FencedBy + " first"
		}
		return row
	})
}
