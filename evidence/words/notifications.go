package words

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"blackstart/evidence/facts"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/harness/receivers"
)

const muted = "muted in the target's own configuration"

// channels gives a row for each objective on a channel, and for each channel that no objective speaks of.
func channels(list []facts.Notification, z zero) []Notification {
	return each(list, func(n facts.Notification) Notification {
		row := Notification{Channel: n.Channel.Name, Acknowledged: z.since(n.Acknowledged), Resolved: z.since(n.Resolved)}
		switch {
		case n.Channel.PolledNS > 0:
			row.Accepted, row.Received = "polled", stateSeen(n.First, z)
		case n.First.At != 0:
			row.Accepted, row.Received = fmt.Sprintf("%s %d", receivers.Protocol(cmp.Or(n.Channel.Kind, n.Channel.Name)), n.First.Status), z.since(n.First.At)
		}
		if n.Latency != nil {
			row.Latency = measure.Value(*n.Latency)
		}
		if o := n.Objective; o != nil {
			row.Channel += ": " + o.Objective.ID
			row.Carry, row.Verdict = measure.CarriedWords(o.Objective.Carries), o.Verdict.String()
		}
		if how := measure.CorrelationWords(n.Channel); how != "" {
			row.Channel += ", " + how
		}
		switch {
		case n.Channel.Muted && n.Objective != nil:
			row.Channel += " (" + muted + ")"
		case n.Channel.Muted:
			row.Verdict = muted
		}
		return row
	})
}

// stateSeen says when a state that is polled was seen.
func stateSeen(a harness.Arrival, z zero) string {
	switch {
	case a.At == 0:
		return "no state seen"
	case a.Earliest == 0:
		return "state seen at " + z.since(a.At) + ", when it was first asked for"
	}
	return "state seen: not at " + z.since(a.Earliest) + ", at " + z.since(a.At)
}

// alertLabel names an alert by its channel and class.
func alertLabel(a harness.Arrival) string {
	if a.Polled {
		return spaced(a.Channel+" state seen", a.Class)
	}
	return spaced(a.Channel+" alert", a.Class)
}

// whyNotNotified says who was told what, and whether the target's alarm fired at all.
func whyNotNotified(d facts.Drill, z zero, o harness.Objective, m harness.Measurement) []string {
	all := append([]string{received(d, z, o.Channel)}, fired(d, z, o.Carries["class"])...)
	if slices.ContainsFunc(d.Record.Target.Channels, func(c harness.Channel) bool { return c.Name == o.Channel && c.Muted }) {
		all = append(all, o.Channel+" is "+muted)
	}
	all = append(all, notified(d, z, o.Channel)...)
	if m.Unit != harness.UnitNS || m.Known && !m.Unbounded {
		all = append([]string{m.Detail}, all...)
	}
	return all
}

// received says who received what on the channel, or on others.
func received(d facts.Drill, z zero, channel string) string {
	var here, others []string
	on, _ := d.Record.Target.ChannelByName(channel)
	came := map[bool]string{false: "received", true: "state seen"}[on.PolledNS > 0]
	for _, a := range d.Alerts {
		switch label := alertLabel(a); {
		case a.At > d.Record.Observation.Hi:
		case a.Channel == channel:
			here = append(here, orWord(a.Class, "a message")+" at "+z.since(a.At))
		case !slices.ContainsFunc(others, func(s string) bool { return strings.HasPrefix(s, label+" ") }):
			others = append(others, label+" at "+z.since(a.At))
		}
	}
	text := "WHO was told: nobody on " + channel
	if on.PolledNS > 0 {
		text = "no state seen on " + channel
	}
	if len(here) > 0 {
		text = came + " on " + channel + ": " + strings.Join(here[:min(len(here), 3)], ", ")
	}
	if len(others) > 0 {
		text += "; elsewhere: " + strings.Join(others, ", ")
	} else if len(here) == 0 {
		text += ", nor on any other channel"
	}
	return text
}

// fired says whether the target's own log has the event that an alert of a class speaks of.
func fired(d facts.Drill, z zero, class string) []string {
	event := d.Log.EventOf(class)
	if !d.Log.Kept || event == "" {
		return nil
	}
	if e, ok := d.Log.FirstEvent(event); ok {
		return []string{joined("the alarm did fire: the target's own log says "+event+" at "+z.since(e.At), ": ", e.Reason())}
	}
	all := []string{"the alarm did not fire: the target's own log has no " + event}
	if worst, _ := facts.Find(d.Findings, measure.MeasureExposure); event == d.Log.Events[facts.Lagging] && worst.Known {
		all = append(all, "meanwhile the standby's data grew "+measure.Value(worst)+" old, as seen from outside")
	}
	return all
}

// notified says what the target's own log tells of its messages on a channel, where that explains or contradicts what came.
func notified(d facts.Drill, z zero, channel string) []string {
	ours := measure.Ours(&d.Record.Target, channel)
	came := slices.ContainsFunc(d.Record.Arrivals, func(a harness.Arrival) bool { return a.Channel == channel && ours(a) && a.At >= d.FirstFault })
	counts, first := map[string]int{}, map[string]harness.Stamp{}
	var order []string
	for _, e := range d.Log.Entries {
		on, sent, ok := e.Notifies()
		if !ok || on != channel || sent && came {
			continue // it was sent, and it came: of other trouble than is asked about
		}
		if counts[e.Event]++; counts[e.Event] == 1 {
			order, first[e.Event] = append(order, e.Event), e.At
		}
	}
	var all []string
	for _, event := range order {
		all = append(all, fmt.Sprintf("its own log says %s for %s, %d times, first at %s", event, channel, counts[event], z.since(first[event])))
	}
	return all
}
