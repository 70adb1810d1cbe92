package facts

import (
	"cmp"
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// Meaning is what an event of a target's own log can mean.
type Meaning int

// The meanings, in the order in which reports tell of steps that no log dates.
const (
	Lagging Meaning = iota
	Renewed
	Detected
	Declared
	Refused
	Deployed
	Promoted
	Switched
	Done
	NumMeanings
)

// Log is the target's own log from the first fault on.
type Log struct {
	Kept    bool // the target keeps one, and it was read
	Entries []harness.Decision
	Events  [NumMeanings]string // which event means what, "" for none
	of      *harness.DecisionLog
}

func logOf(rec *harness.Record, from harness.Stamp) Log {
	l := Log{Kept: rec.Target.Decisions != nil && rec.DecisionsErr == "", Events: EventsOf(rec.Target.Decisions), of: rec.Target.Decisions}
	for _, d := range rec.Decisions {
		if d.At >= from {
			l.Entries = append(l.Entries, d)
		}
	}
	return l
}

// EventsOf lists which event of a log means what; nothing means anything in a log that is not kept.
func EventsOf(log *harness.DecisionLog) (all [NumMeanings]string) {
	if log != nil {
		all = [NumMeanings]string{Lagging: log.Lagging, Renewed: log.Renewed, Detected: log.Detected, Declared: log.Declared, Refused: log.Refused,
			Deployed: log.Deployed, Promoted: log.Promoted, Switched: log.Switched, Done: log.Done}
	}
	return all
}

// First finds the first entry that means so.
func (l Log) First(m Meaning) (harness.Decision, bool) { return l.FirstEvent(l.Events[m]) }

// FirstEvent finds the first entry with an event.
func (l Log) FirstEvent(event string) (harness.Decision, bool) {
	i := slices.IndexFunc(l.Entries, func(d harness.Decision) bool { return event != "" && d.Event == event })
	if i < 0 {
		return harness.Decision{}, false
	}
	return l.Entries[i], true
}

// EventOf is the event of the log that an alert of a class speaks of, "" if the log has none.
func (l Log) EventOf(class string) string {
	if l.of == nil {
		return ""
	}
	return l.of.EventOf(class)
}

// Step holds one step of the target's own log against what was seen from outside.
type Step struct {
	Meaning Meaning
	Entry   harness.Decision // At 0: the log does not tell
	Seen    Seen
	after   harness.Stamp // the entry that it stands with or behind
}

// Seen is what was seen of a step from outside.
type Seen struct {
	At      harness.Stamp // 0: there is no moment to name
	Subject string        // load, region, component or build
	AgeNS   int64         // of the standby's data
	// It came about; or it was looked for and did not. Neither: nobody looked.
	Happened, Missing bool
}

// steps lists what the log or the outside tells of, in the order of the log: what it does not tell stays behind the step before it.
func (d *Drill) steps(src measure.Source, beats series) []Step {
	if d.Record.Target.Decisions == nil || len(d.Record.Faults) == 0 {
		return nil
	}
	w := witness{Drill: d, src: src, beats: beats, writable: measure.Writable(d.Record, seriesOf(d.Record, src, harness.ProbeWritable).all())}
	var all []Step
	var last harness.Stamp
	for m := range NumMeanings {
		s := Step{Meaning: m}
		s.Entry, _ = d.Log.First(m)
		if s.Seen = w.of(m, s.Entry); s.Entry.At != 0 {
			last = s.Entry.At
		}
		if s.Entry.At != 0 || s.Seen.At != 0 {
			s.after = last
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b Step) int { return cmp.Compare(a.after, b.after) })
	return all
}
