package measure

import (
	"fmt"
	"strings"

	"blackstart/harness"
)

// MeasureContent counts the fields that the first alert lacks.
const MeasureContent = "alert.content"

var _ = Add(Row{
	MeasureSpec: harness.MeasureSpec{
		Name: MeasureContent, Title: "fields the alert lacks", Doc: "fields that the alert lacks", Unit: harness.UnitCount,
		Channel: true, Carries: true, Fault: true,
	},
	Formula: "alerts",
	Find: func(d *Dataset, o TimedObjective) harness.Measurement {
		return d.content(o.Objective, o.InForce, o.Err)
	},
	Titled: true, Explained: true,
	Asking: func(o harness.Objective) string {
		return "an alert on " + o.Channel + " with " + CarriedWords(o.Carries)
	},
	Missed:  func(f harness.Finding) string { return "the alert lacks " + f.Measured.Detail },
	Counted: "fields lacking",
})

// content counts the fields that the first alert on an objective's channel lacks. Where the objective names a class, it is
// the first of that class: another trouble's alert need not carry this one's fields.
func (d *dataset) content(o harness.Objective, fault harness.Interval, faultErr error) harness.Measurement {
	m := harness.Measurement{Name: MeasureContent, Channel: o.Channel, Unit: harness.UnitCount,
		Method: "fields that the first alert received at our own receiver lacks"}
	if faultErr == nil {
		faultErr = d.canAsk(o)
	}
	switch {
	case faultErr != nil:
		m.Detail = faultErr.Error()
		return m
	case len(o.Carries) == 0:
		m.Detail = "the objective names no field that an alert must carry"
		return m
	}
	var which map[string]string
	of := ""
	if class := o.Carries[fieldClass]; class != "" && class != anyValue {
		which, of = map[string]string{fieldClass: class}, " of class "+class
	}
	if m.Detail = d.doubted(harness.Objective{Channel: o.Channel, Carries: which}, fault); m.Detail != "" {
		return m
	}
	channel, _ := d.rec.Target.ChannelByName(o.Channel)
	if m.Seen = channel.PolledNS > 0; m.Seen {
		m.Method = "fields that the first state seen by polling lacks"
	}
	if how := CorrelationWords(channel); how != "" {
		m.Method += ", " + how
	}
	first, ok := FirstAlert(d.news(fault), o.Channel, which, &d.rec.Target, fault.Lo, d.end(fault))
	if !ok {
		m.Detail = "nothing" + of + " was " + cameWords(m.Seen) + ", so there is nothing to read"
		return m
	}
	lacks := FieldMismatches(first, o.Carries, &d.rec.Target)
	m.Known, m.Lo, m.Hi = true, int64(len(lacks)), int64(len(lacks))
	m.Detail = fmt.Sprintf("it carries all %d fields: %s", len(o.Carries), fieldWords(o.Carries))
	if len(lacks) > 0 {
		words := make([]string, len(lacks))
		for i, l := range lacks {
			words[i] = l.String()
		}
		m.Detail = strings.Join(words, "; ")
	}
	return m
}
