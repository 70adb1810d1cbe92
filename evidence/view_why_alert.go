package evidence

import (
	"fmt"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// whyNotTold says who was told what, and whether the target's alarm fired at all.
func (v *view) whyNotTold(o harness.Objective, m harness.Measurement) []string {
	facts := []string{v.whoWasTold(o)}
	facts = append(facts, v.fired(o)...)
	for _, c := range v.rec.Target.Channels {
		if c.Name == o.Channel && c.Muted {
			facts = append(facts, c.Name+" is muted in the target's own configuration")
		}
	}
	facts = append(facts, v.notified(o.Channel)...)
	if m.Unit != harness.UnitNS || m.Known && !m.Unbounded {
		facts = append([]string{m.Detail}, facts...)
	}
	return facts
}

// whoWasTold says who received what on the channel, or on others.
func (v *view) whoWasTold(o harness.Objective) string {
	var here, others []string
	for _, a := range v.rec.Arrivals {
		if !a.Nonce || !a.Accepted || !tellsOfTrouble(a) || a.At < v.firstFault() || a.At > v.rec.Observation.Hi {
			continue
		}
		text := alertLabel(a) + " at " + v.since(a.At)
		if a.Channel == o.Channel {
			here = append(here, orWord(a.Class, "a message")+" at "+v.since(a.At))
		} else if !slices.ContainsFunc(others, func(s string) bool { return strings.HasPrefix(s, alertLabel(a)+" ") }) {
			others = append(others, text)
		}
	}
	text := "WHO was told: nobody on " + o.Channel
	if len(here) > 0 {
		text = "received on " + o.Channel + ": " + strings.Join(here[:min(len(here), 3)], ", ")
	}
	if len(others) > 0 {
		text += "; elsewhere: " + strings.Join(others, ", ")
	} else if len(here) == 0 {
		text += ", nor on any other channel"
	}
	return text
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// fired says whether the target's own log has the event that an objective's alert speaks of.
func (v *view) fired(o harness.Objective) []string {
	log, class := v.rec.Target.Decisions, o.Carries["class"]
	if log == nil || v.rec.DecisionsErr != "" {
		return nil
	}
	event := class
	if class == "" || class == "*" || class == "primary.unreachable" {
		event = log.Detected
	}
	if class == "replication.lagging" && log.Lagging != "" {
		event = log.Lagging
	}
	if class == "failover.refused" && log.Refused != "" {
		event = log.Refused
	}
	if event == "" {
		return nil
	}
	if e, ok := v.logged(event); ok {
		return []string{joinedWords("the alarm did fire: the target's own log says "+event+" at "+v.since(e.At), e.Detail["reason"])}
	}
	facts := []string{"the alarm did not fire: the target's own log has no " + event}
	if strings.HasPrefix(class, "replication.") {
		if worst, ok := v.found(measure.MeasureExposure); ok && worst.Known {
			facts = append(facts, "meanwhile the standby's data grew "+measure.Value(worst)+" old, as seen from outside")
		}
	}
	return facts
}

// notified says what the target's own log tells of its messages on a channel, where that explains or contradicts what came.
func (v *view) notified(channel string) []string {
	counts, first := map[string]int{}, map[string]harness.Stamp{}
	var order []string
	for _, d := range v.rec.Decisions {
		if !strings.HasPrefix(d.Event, "notify.") || d.Detail["channel"] != channel || d.At < v.firstFault() {
			continue
		}
		if counts[d.Event]++; counts[d.Event] == 1 {
			order, first[d.Event] = append(order, d.Event), d.At
		}
	}
	var facts []string
	came := slices.ContainsFunc(v.rec.Arrivals, func(a harness.Arrival) bool { return a.Channel == channel && a.Nonce && a.At >= v.firstFault() })
	for _, event := range order {
		if event == "notify.sent" && came {
			continue // it was sent, and it came: of other trouble than is asked about
		}
		facts = append(facts, fmt.Sprintf("its own log says %s for %s, %d times, first at %s", event, channel, counts[event], v.since(first[event])))
	}
	return facts
}
