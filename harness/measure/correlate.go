package measure

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"blackstart/harness"
)

// Ours tells, for one channel, which messages are of this drill, by what the channel tells it.
func Ours(target *harness.Description, channel string) func(harness.Arrival) bool {
	c := target.Correlation(channel)
	addressed := func(a harness.Arrival) bool { return a.Nonce || a.Polled }
	switch c.By {
	case harness.ByNonce:
		return func(a harness.Arrival) bool { return a.Nonce }
	case harness.ByDedup:
		key, err := regexp.Compile(`^(?:` + c.Pattern + `)$`)
		return func(a harness.Arrival) bool {
			return err == nil && addressed(a) && a.DedupKey != "" && key.MatchString(a.DedupKey)
		}
	case harness.ByLabel:
		return func(a harness.Arrival) bool {
			value, field := fieldOf(a, c.Label)
			if !field {
				value = a.Label
			}
			return addressed(a) && (value == c.Value || c.Label == fieldSummary && strings.Contains(value, c.Value)) && c.Value != ""
		}
	case harness.ByFirst:
		return func(a harness.Arrival) bool { return addressed(a) && (c.Class == "" || a.Class == c.Class) }
	}
	return func(harness.Arrival) bool { return false } // a way that this build does not know tells nothing
}

// classOf is the class that tells that an alert is the drill's, "" where none does.
func classOf(c harness.Correlation) string {
	if c.By == harness.ByLabel && c.Label == fieldClass {
		return c.Value
	}
	return c.Class
}

// CorrelationWords says by what alerts on a channel are told to be of the drill, "" where it is the drill's nonce.
func CorrelationWords(c harness.Channel) string {
	if c.Correlate == nil {
		return ""
	}
	switch by := *c.Correlate; by.By {
	case harness.ByDedup:
		return "told by its deduplication key, " + by.Pattern
	case harness.ByLabel:
		return "told by " + by.Label + " " + by.Value
	case harness.ByFirst:
		return strings.TrimSpace("told by being the first of class "+by.Class) + " after the fault"
	}
	return "told by the key that only drills use"
}

// doubted says why it cannot be told which alert is the drill's, where nothing secret tells it: the channel was not silent before
// anything was broken, or two different alerts fit.
func (d *dataset) doubted(o harness.Objective, fault harness.Interval) string {
	if d.rec.Target.Correlation(o.Channel).By == harness.ByNonce {
		return ""
	}
	ours := Ours(&d.rec.Target, o.Channel)
	for _, a := range d.rec.Arrivals {
		if a.Channel == o.Channel && a.Accepted && TellsOfTrouble(a) && ours(a) && a.At < firstFault(d.rec) {
			return "the baseline was not silent: " + alertWords(a) + " before anything was broken"
		}
	}
	var first *harness.Arrival
	for _, a := range d.news(fault) {
		switch {
		case !fits(a, o.Channel, o.Carries, &d.rec.Target, ours) || a.At < fault.Lo || a.At > d.end(fault):
		case first == nil:
			first = &a
		case incidentOf(a) != incidentOf(*first):
			return fmt.Sprintf("two alerts could be this drill's: %s, and %s", alertWords(*first), alertWords(a))
		}
	}
	return ""
}

// incidentOf is what is the same of all messages of one trouble: the key, or, where there is none, what is said.
func incidentOf(a harness.Arrival) string {
	if a.DedupKey != "" {
		return "key " + a.DedupKey
	}
	return strings.Join([]string{a.Class, a.Component, a.Group, a.Severity, a.Summary}, "\x00")
}

// alertWords names one alert among others.
func alertWords(a harness.Arrival) string {
	text := cmp.Or(a.Class, "an alert")
	if a.DedupKey != "" {
		text += " " + a.DedupKey
	}
	return fmt.Sprintf("%s (%.60s)", text, cmp.Or(a.Summary, "without a summary"))
}

// unwatched says why nothing can be said of what polling did not show, "" where it would have shown it.
func (d *dataset) unwatched(channel string, i harness.Interval) string {
	k := slices.IndexFunc(d.rec.Polls, func(p harness.PollSeries) bool { return p.Channel == channel })
	if k < 0 {
		return "it was not polled"
	}
	switch p := d.rec.Polls[k]; {
	case p.Watches(i):
		return ""
	case p.Count == 0:
		return "it was never answered when it was polled: " + cmp.Or(p.Error, "nobody asked")
	default:
		return fmt.Sprintf("polling did not watch it from the fault to the end: %d polls were answered, %d were not, and the longest gap is %s",
			p.Count, p.Failed, Length(int64(p.Gap.Hi-p.Gap.Lo)))
	}
}
