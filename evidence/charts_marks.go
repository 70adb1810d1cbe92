package evidence

import (
	"math"
	"slices"
	"sort"

	"blackstart/evidence/plots"
	"blackstart/harness"
)

// zeroWords says what happened at moment 0 of every time axis.
func zeroWords(rec *harness.Record) string {
	for _, f := range rec.Faults {
		if f.Plan.Fault.StartsClock && f.InForce.Lo != 0 {
			return f.Plan.Fault.Kind + " began"
		}
	}
	if rec.Observation.Lo != 0 {
		return "the observation began"
	}
	return "the drill began"
}

// windows gives the span of every fault.
func (d *drawing) windows() []plots.Window {
	var all []plots.Window
	for _, f := range d.rec.Faults {
		if f.InForce.Lo == 0 {
			continue
		}
		w := plots.Window{From: d.at(f.InForce.Lo), To: math.Inf(1), Label: f.Plan.Label}
		if f.Undone.Hi != 0 {
			w.To = d.at(f.Undone.Hi)
		}
		all = append(all, w)
	}
	return all
}

// marksOf picks the moments to mark: the faults, what our receivers were told, and the target's own decisions.
func marksOf(rec *harness.Record) []harness.Event {
	m := &marks{seen: map[string]bool{}}
	for _, f := range rec.Faults {
		m.add(f.InForce, f.Plan.Label+" in force")
		if f.Plan.Fault.For > 0 {
			m.add(f.Undone, f.Plan.Label+" over")
		}
	}
	for _, a := range rec.Arrivals {
		if a.Nonce && a.Accepted && tellsOfTrouble(a) && asked(rec, a.Channel) {
			m.add(harness.Interval{Lo: a.At, Hi: a.At}, alertLabel(a))
		}
	}
	if log := rec.Target.Decisions; log != nil {
		for _, dec := range rec.Decisions {
			if text := logWords(log)[dec.Event]; text != "" {
				m.add(harness.Interval{Lo: dec.At, Hi: dec.At}, "target: "+text)
			}
		}
	}
	sort.SliceStable(m.all, func(i, j int) bool { return m.all[i].At.Lo < m.all[j].At.Lo })
	return m.all
}

// lateMarks picks the events of the drill's own end, which only the chart of its phases reaches.
func lateMarks(events []harness.Event) []harness.Event {
	m := &marks{seen: map[string]bool{}}
	for _, e := range events {
		if label := worthMarking[e.Kind]; label != "" {
			m.add(e.At, label)
		}
	}
	return m.all
}

var worthMarking = map[string]string{"primary.fenced": "old primary fenced", "load.stopped": "load stopped"}

type marks struct {
	all  []harness.Event
	seen map[string]bool
}

// add marks the first moment of its name.
func (m *marks) add(at harness.Interval, text string) {
	if at.Hi == 0 || m.seen[text] || len(m.all) >= maxMarks {
		return
	}
	m.seen[text] = true
	m.all = append(m.all, harness.Event{At: at, Text: text})
}

func (d *drawing) events(all []harness.Event) []plots.Event {
	var out []plots.Event
	for _, m := range all {
		out = append(out, plots.Event{T: d.at(m.At.Hi), Label: m.Text})
	}
	return out
}

// logWords says what the events of a target's own log mean.
func logWords(log *harness.DecisionLog) map[string]string {
	words := map[string]string{
		log.Detected: "failure detected", log.Declared: "failover declared", log.Promoted: "standby promoted", log.Switched: "DNS switched",
		log.Done: "failover done", log.Refused: "failover refused", log.Lagging: "replication lags", log.Renewed: "certificate renewed",
		log.Deployed: "build deployed",
	}
	delete(words, "") // a log that has no such event
	return words
}

// tellsOfTrouble tells whether a message is news of trouble, as measure has it.
func tellsOfTrouble(a harness.Arrival) bool { return a.Event == "trigger" || a.Event == "message" }

func alertLabel(a harness.Arrival) string {
	if a.Class != "" {
		return a.Channel + " alert " + a.Class
	}
	return a.Channel + " alert"
}

// asked tells whether an objective speaks of a channel; where none speaks of any, all of them count.
func asked(rec *harness.Record, channel string) bool {
	any := false
	for _, o := range rec.Scenario.Objectives {
		any = any || o.Channel != ""
	}
	return !any || slices.ContainsFunc(rec.Scenario.Objectives, func(o harness.Objective) bool { return o.Channel == channel })
}
