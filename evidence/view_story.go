package evidence

import (
	"fmt"
	"sort"
	"strings"

	"blackstart/evidence/reports"
	"blackstart/harness"
	"blackstart/harness/measure"
)

// maxStory bounds the lines of the story on the first page; the whole timeline follows in the report.
const maxStory = 16

// teller collects the moments of the story.
type teller struct {
	v    *view
	rows []told
}

type told struct {
	at   harness.Stamp
	text string
}

func (t *teller) tell(at harness.Stamp, text string) {
	if at != 0 && text != "" {
		t.rows = append(t.rows, told{at, t.v.redact.Text(text)})
	}
}

// story tells in few lines what happened: what was done, what people were told, what the target decided, what users saw.
func (v *view) story() []reports.Told {
	if v.firstFault() == 0 || len(v.rec.Faults) == 0 {
		return nil
	}
	t := &teller{v: v}
	t.faults()
	t.alerts()
	t.log()
	if v.rec.Status != harness.Interrupted {
		t.users()
	}
	sort.SliceStable(t.rows, func(i, j int) bool { return t.rows[i].at < t.rows[j].at })
	var out []reports.Told
	for _, r := range t.rows {
		if len(out) == maxStory {
			out = append(out, reports.Told{What: fmt.Sprintf("… and %d moments more: see the timeline", len(t.rows)-maxStory)})
			break
		}
		out = append(out, reports.Told{SinceFault: v.since(r.at), What: r.text})
	}
	return out
}

func (t *teller) faults() {
	for _, f := range t.v.rec.Faults {
		if f.Do.Lo == 0 {
			continue
		}
		spec := f.Plan.Fault
		text := "FAULT: " + spec.Kind + " on the " + t.v.region(spec.On) + ": " + faultWords(f.Plan)
		if !f.Confirmed {
			text += " (not seen in force)"
		}
		t.tell(f.Do.Lo, text)
		if spec.For > 0 && f.Undone.Hi != 0 {
			t.tell(f.Undone.Hi, "FAULT OVER: "+f.Plan.Label)
		}
	}
}

// alerts tells of the first alert of each class on each channel that an objective speaks of.
func (t *teller) alerts() {
	seen := map[string]bool{}
	for _, a := range t.v.rec.Arrivals {
		key := a.Channel + " " + a.Class
		if !a.Nonce || !a.Accepted || !tellsOfTrouble(a) || a.At < t.v.firstFault() || seen[key] || !asked(t.v.rec, a.Channel) {
			continue
		}
		seen[key] = true
		t.tell(a.At, fmt.Sprintf("%s received%s: %s", a.Channel, classOf(a), a.Summary))
	}
}

func classOf(a harness.Arrival) string {
	var words []string
	for _, w := range []string{a.Severity, a.Class} {
		if w != "" {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, ", ") + ")"
}

// log tells of the steps of the target's own log, and of the first of every other event that gives a reason.
func (t *teller) log() {
	log := t.v.rec.Target.Decisions
	if log == nil {
		return
	}
	words, seen := logWords(log), map[string]bool{}
	for _, d := range t.v.rec.Decisions {
		if d.At < t.v.firstFault() || seen[d.Event] || strings.HasPrefix(d.Event, "notify.") {
			continue
		}
		text, why := words[d.Event], d.Detail["reason"]
		switch {
		case text == "" && why == "":
			continue
		case text == "":
			text = d.Event
		}
		seen[d.Event] = true
		if region := d.Detail["region"]; region != "" {
			text += " in " + region
		}
		if words[d.Event] != "" {
			text += " (" + d.Event + ")"
		}
		if why != "" {
			text += ": " + why
		}
		t.tell(d.At, "target's log: "+text)
	}
}

func (t *teller) users() {
	if back, m, ok := t.v.restored(); ok {
		t.tell(back.Hi, "clients: service was back for new connections of "+m.Load)
	}
	end := t.v.rec.Observation.Hi
	for _, m := range t.v.f.Measurements {
		if m.Name == measure.MeasureRTO && m.Cohort == "fresh" && m.Unbounded {
			t.tell(end, "clients: the observation ended, and service was not back for new connections of "+m.Load+measure.Saw(m))
		}
	}
	for _, o := range t.v.f.Objectives {
		if o.Measured.Name == measure.MeasureCatchup && o.Measured.Known && !o.Measured.Unbounded {
			t.caughtUp(o.Measured)
		}
	}
	for _, c := range t.v.contrasts() {
		t.tell(c.Wrong.At.Lo, "clients: the first "+c.Wrong.Kind+" answer: "+t.v.contrastWords(c))
		break
	}
}

// caughtUp tells when the standby had caught up; the measure counts from the undo of a fault that was to last a stated time.
func (t *teller) caughtUp(m harness.Measurement) {
	for _, f := range t.v.rec.Faults {
		if f.Plan.Fault.For > 0 && !f.Undone.Never() {
			t.tell(f.Undone.Hi+harness.Stamp(m.Hi), "the standby had caught up, "+measure.Value(m)+" after the fault was taken back")
			return
		}
	}
}

// contrastWords says what was wrong with an answer, and who answered rightly.
func (v *view) contrastWords(c measure.Contrast) string {
	a := v.contrast(c)
	text := fmt.Sprintf("%s answered %s by %s; right is %s", c.Wrong.Answer.Question, orWord(a.Got, "nothing"), a.By, orWord(a.Right, "nothing"))
	if a.RightBy != "" {
		text += ", which " + a.RightBy
	}
	return text
}
