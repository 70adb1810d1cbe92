package facts

import (
	"slices"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// Alerts lists the messages that told somebody of this drill's trouble: they are told to be this drill's, and our receiver took them.
func Alerts(rec *harness.Record) []harness.Arrival {
	ours := map[string]func(harness.Arrival) bool{}
	return slices.DeleteFunc(slices.Clone(rec.Arrivals), func(a harness.Arrival) bool {
		if ours[a.Channel] == nil {
			ours[a.Channel] = measure.Ours(&rec.Target, a.Channel)
		}
		return !ours[a.Channel](a) || !a.Accepted || !measure.TellsOfTrouble(a)
	})
}

func since(all []harness.Arrival, from harness.Stamp) []harness.Arrival {
	return slices.DeleteFunc(all, func(a harness.Arrival) bool { return a.At < from })
}

// Asked tells whether an objective speaks of a channel; where none speaks of any, all of them count.
func Asked(rec *harness.Record, channel string) bool {
	all := rec.Scenario.Objectives
	return slices.ContainsFunc(all, func(o harness.Objective) bool { return o.Channel == channel }) ||
		!slices.ContainsFunc(all, func(o harness.Objective) bool { return o.Channel != "" })
}

// Notification is the first message on one channel that carries what an objective wants, and the answers to its incident.
type Notification struct {
	Channel   harness.Channel
	Objective *harness.Finding // nil: no objective speaks of the channel, and any message counts
	First     harness.Arrival  // At 0: there was none
	Latency   *harness.Measurement

	Acknowledged, Resolved harness.Stamp
}

// notifications gives one for each objective on a channel, and one for each channel that no objective speaks of.
func notifications(rec *harness.Record, f harness.Findings, from harness.Stamp) []Notification {
	var all []Notification
	for _, c := range rec.Target.Channels {
		n := len(all)
		for i := range f.Objectives {
			if o := &f.Objectives[i]; o.Objective.Channel == c.Name {
				all = append(all, notification(rec, f, Notification{Channel: c, Objective: o}, from))
			}
		}
		if len(all) == n {
			all = append(all, notification(rec, f, Notification{Channel: c}, from))
		}
	}
	return all
}

func notification(rec *harness.Record, f harness.Findings, n Notification, from harness.Stamp) Notification {
	var want map[string]string
	if n.Objective != nil {
		want = n.Objective.Objective.Carries
		if n.Objective.Measured.Unit == harness.UnitNS {
			n.Latency = &n.Objective.Measured
		}
	}
	arrivals := rec.Arrivals
	if n.Objective != nil {
		arrivals, from = measure.NewsFor(rec, n.Objective.Objective, from)
	}
	n.First, _ = measure.FirstAlert(arrivals, n.Channel.Name, want, &rec.Target, from, max(rec.Observation.Hi, rec.Ended))
	if n.First.At == 0 {
		return n
	}
	ours := measure.Ours(&rec.Target, n.Channel.Name)
	for _, a := range rec.Arrivals {
		if a.Channel != n.Channel.Name || !ours(a) || a.At < n.First.At || a.DedupKey != n.First.DedupKey {
			continue
		}
		switch {
		case a.Event == measure.EventAcknowledge && n.Acknowledged == 0:
			n.Acknowledged = a.At
		case a.Event == measure.EventResolve && n.Resolved == 0:
			n.Resolved = a.At
		}
	}
	judged := n.Latency != nil
	for i, m := range f.Measurements {
		if m.Name == measure.MeasureAlert && m.Channel == n.Channel.Name && want == nil && !judged {
			n.Latency = &f.Measurements[i]
		}
	}
	return n
}
