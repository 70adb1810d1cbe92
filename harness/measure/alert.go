package measure

import (
	"cmp"
	"fmt"
	"slices"

	"blackstart/harness"
)

// MeasureAlert is how long it took until somebody was told.
const MeasureAlert = "alert.received"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureAlert, Title: "alert", Doc: "how long until somebody was told, at our own receiver", Unit: harness.UnitNS,
		Channel: true, Carries: true, Fault: true, Watched: true,
	},
	Formula: "alerts",
	Find: func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.alert(o.Objective, o.InForce, o.Start, o.StartErr)
	},
	Endless: "not received", Unseen: "no such state seen",
	Asking: func(o harness.Objective) string {
		text := "somebody told on " + o.Channel + " within " + o.AtMost + fromWords(o)
		if len(o.Carries) > 0 {
			text += ", by an alert with " + CarriedWords(o.Carries)
		}
		return text
	},
	Missed: func(f harness.Finding) string {
		text := map[bool]string{false: "nobody told on ", true: "no such state seen on "}[f.Measured.Seen] + f.Objective.Channel + " within " + f.Objective.AtMost
		if class := f.Objective.Carries[fieldClass]; class != "" {
			text += " of " + class
		}
		return text
	},
	Pending: "nobody was told so in %s",
})

// Events of an Arrival. The first two tell somebody of trouble.
const (
	eventTrigger     = "trigger"
	eventMessage     = "message"
	EventAcknowledge = "acknowledge"
	EventResolve     = "resolve"
)

// FirstAlert finds the first message that told somebody on channel of this drill's trouble: accepted by our receiver,
// told to be this drill's, carrying all that want asks for (nil: nothing), in [from, end].
func FirstAlert(arrivals []harness.Arrival, channel string, want map[string]string, target *harness.Description, from, end harness.Stamp) (harness.Arrival, bool) {
	var first harness.Arrival
	ours := Ours(target, channel)
	for _, a := range arrivals {
		if !fits(a, channel, want, target, ours) || a.At < from || a.At > end || a.At == 0 {
			continue
		}
		if first.At == 0 || a.At < first.At {
			first = a
		}
	}
	return first, first.At != 0
}

// fits tells whether a message tells somebody on channel of this drill's trouble, with all that want asks for.
func fits(a harness.Arrival, channel string, want map[string]string, target *harness.Description, ours func(harness.Arrival) bool) bool {
	return a.Channel == channel && a.Accepted && ours(a) && tells(a, want) && len(FieldMismatches(a, want, target)) == 0
}

// news are the arrivals that can tell of a fault. In the window of a later clock that is none of an incident which was open when the
// clock started: who repeats, acknowledges or resolves what was told of an earlier fault says nothing of this one. What has no key
// belongs to no incident.
func (d *dataset) news(fault harness.Interval) []harness.Arrival {
	if !d.later(fault) {
		return d.rec.Arrivals
	}
	inOrder := slices.Clone(d.rec.Arrivals)
	slices.SortStableFunc(inOrder, func(a, b harness.Arrival) int { return cmp.Compare(a.At, b.At) })
	type incident struct{ channel, key string }
	open := map[incident]bool{}
	var all []harness.Arrival
	for _, a := range inOrder {
		of := incident{a.Channel, a.DedupKey}
		if !open[of] {
			all = append(all, a)
		}
		switch {
		case !a.Accepted || a.DedupKey == "":
		case a.Event == EventResolve:
			delete(open, of)
		case a.At < fault.Lo && Ours(&d.rec.Target, a.Channel)(a) && TellsOfTrouble(a):
			open[of] = true
		}
	}
	return all
}

// NewsFor gives the arrivals in which the alert of an objective is looked for, and from when on: for one that counts by a later clock,
// what may be of its fault; else all of them, and from.
func NewsFor(rec *harness.Record, o harness.Objective, from harness.Stamp) ([]harness.Arrival, harness.Stamp) {
	d := &dataset{rec: rec, clocks: clocksOf(rec)}
	for _, c := range d.clocks {
		if o.After != "" && c.origin == originOf(o) && !c.tf.Never() {
			return d.news(c.tf), c.tf.Lo
		}
	}
	return rec.Arrivals, from
}

// tells tells whether a message is news of trouble. One that only resolves or acknowledges is not, unless that is asked for.
func tells(a harness.Arrival, want map[string]string) bool {
	if event := want[fieldEvent]; event != "" && event != anyValue {
		return a.Event == event
	}
	return TellsOfTrouble(a)
}

// TellsOfTrouble tells whether a message is news of trouble, whatever it carries.
func TellsOfTrouble(a harness.Arrival) bool {
	return a.Event == eventTrigger || a.Event == eventMessage
}

// early counts the messages that carried the nonce in the baseline window, before anything was broken. Where something else tells
// that a message is this drill's, others may come.
func early(rec *harness.Record) int {
	n, baseline, fault := 0, rec.Baseline, firstFault(rec)
	for _, a := range rec.Arrivals {
		if a.Nonce && rec.Target.Correlation(a.Channel).By == harness.ByNonce && a.At >= baseline.Lo && (a.At <= baseline.Hi || a.At < fault) {
			n++
		}
	}
	return n
}

// canAsk tells why nothing can be said of the alerts an objective speaks of, or nil.
func (d *dataset) canAsk(o harness.Objective) error {
	if !slices.ContainsFunc(d.rec.Target.Channels, func(c harness.Channel) bool { return c.Name == o.Channel }) {
		return fmt.Errorf("the target has no alert channel %q", o.Channel)
	}
	if only, want := classOf(d.rec.Target.Correlation(o.Channel)), o.Carries[fieldClass]; only != "" && want != "" && want != anyValue && want != only {
		return fmt.Errorf("on %s an alert is told to be the drill's by class %s, and the objective asks for %s", o.Channel, only, want)
	}
	return knownFields(o.Carries, &d.rec.Target)
}

// alert measures the time from start until somebody was told, on an objective's channel, what it wants to be told.
func (d *dataset) alert(o harness.Objective, fault, start harness.Interval, startErr error) harness.Measurement {
	m := harness.Measurement{Name: MeasureAlert, Channel: o.Channel, Unit: harness.UnitNS, Method: methodReceiver}
	channel, _ := d.rec.Target.ChannelByName(o.Channel)
	if m.Seen = channel.PolledNS > 0; m.Seen {
		m.Method = "state seen by polling every " + Length(channel.PolledNS) + ", from the last look without it to the first with it"
	}
	if how := CorrelationWords(channel); how != "" {
		m.Method += ", " + how
	}
	if len(o.Carries) > 0 {
		m.Method += ", the first that carries " + fieldWords(o.Carries)
	}
	if startErr == nil {
		startErr = d.canAsk(o)
	}
	if startErr != nil {
		m.Detail = startErr.Error()
		return m
	}
	if m.Detail = d.doubted(o, fault); m.Detail != "" {
		return m
	}
	end := d.end(fault)
	first, ok := FirstAlert(d.news(fault), o.Channel, o.Carries, &d.rec.Target, fault.Lo, end)
	if !ok && m.Seen {
		if m.Detail = d.unwatched(o.Channel, harness.Interval{Lo: fault.Lo, Hi: end}); m.Detail != "" {
			return m
		}
	}
	if !ok {
		m.Known, m.Unbounded = true, true
		m.Lo = max(0, int64(end-start.Hi))
		m.Hi = m.Lo
		m.Detail = d.missingAlert(o, fault)
		return m
	}
	if m.Lo, m.Hi, m.Known = span(first.Came(), start); !m.Known {
		m.Detail = cameWords(m.Seen) + " before the clock of this measure started"
		return m
	}
	m.Detail = map[bool]string{false: "first message: ", true: "first state seen: "}[m.Seen] + first.Summary
	return m
}

// cameWords is what an alert was: a state that is polled is seen, and nothing else is.
func cameWords(seen bool) string {
	if seen {
		return "seen"
	}
	return "received"
}

// missingAlert says what came in place of the alert that did not.
func (d *dataset) missingAlert(o harness.Objective, fault harness.Interval) string {
	other, ok := FirstAlert(d.news(fault), o.Channel, nil, &d.rec.Target, fault.Lo, d.end(fault))
	channel, _ := d.rec.Target.ChannelByName(o.Channel)
	came := " was " + cameWords(channel.PolledNS > 0) + " " + d.ended(fault)
	switch {
	case !ok:
		return "nothing of this drill" + came
	case len(o.Carries) == 0:
		return "nothing that tells of trouble" + came
	}
	said := "no message that carries " + fieldWords(o.Carries) + came
	if lacks := FieldMismatches(other, o.Carries, &d.rec.Target); len(lacks) > 0 {
		said += "; the first of others: " + lacks[0].String()
	}
	return said
}

// alerts gives the measurements of every channel, and what is left of them beyond the configured floor.
func (d *dataset) alerts(c clock) []harness.Measurement {
	if d.null() {
		return nil
	}
	start, err := d.moment(c.origin)
	var all []harness.Measurement
	for _, channel := range d.rec.Target.Channels {
		m := d.alert(harness.Objective{Channel: channel.Name}, start, start, err)
		all = append(all, m)
		floor := d.rec.Target.Timings.AlertFloorNS
		if m.Known && !m.Unbounded && floor > 0 {
			m.Name, m.Method = NameAlertBeyond, "latency − configured floor of "+Length(floor)
			m.Lo, m.Hi = max(0, m.Lo-floor), max(0, m.Hi-floor)
			all = append(all, m)
		}
	}
	return all
}
