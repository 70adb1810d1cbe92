package evidence

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// Kinds of the events that tell of a message at our receivers.
const (
	alertReceived = "alert.received"
	alertRefused  = "alert.refused" // answered as the real service answers what it does not take
	alertSeen     = "alert.seen"    // a state that polling showed
)

// arrivalsRecorded demands an event for each alert on record, and an alert for each event up to when the record took them.
func arrivalsRecorded(rec *harness.Record, events []harness.Event) error {
	if rec.Status == harness.Interrupted {
		return nil // the record was cut off before it took them
	}
	var until harness.Stamp
	for _, a := range rec.Acts {
		if a.Kind == harness.ActReconcile {
			until = a.At.Lo
		}
	}
	key := func(kind, channel, event string, at harness.Stamp) string {
		return strings.Join([]string{kind, channel, event, at.String()}, " ")
	}
	left := map[string][]harness.Arrival{}
	for _, a := range rec.Arrivals {
		kind := alertReceived
		switch {
		case a.Polled:
			kind = alertSeen
		case !a.Accepted:
			kind = alertRefused
		}
		k := key(kind, a.Channel, a.Event, a.At)
		left[k] = append(left[k], a)
	}
	for _, e := range events {
		k := key(e.Kind, e.Detail["channel"], e.Detail["event"], e.At.Lo)
		if len(left[k]) == 0 {
			if e.At.Lo < until {
				return fmt.Errorf("alert %s is told by the events only", k)
			}
			continue
		}
		if err := sameAlert(left[k][0], e); err != nil {
			return fmt.Errorf("alert %s: %w", k, err)
		}
		left[k] = left[k][1:]
	}
	for _, k := range slices.Sorted(maps.Keys(left)) {
		if len(left[k]) > 0 {
			return fmt.Errorf("alert %s is told by no event", k)
		}
	}
	return nil
}

// sameAlert holds what an alert said against the event that tells of it, as far as the event tells it.
func sameAlert(a harness.Arrival, e harness.Event) error {
	var errs []error
	for name, value := range map[string]string{"severity": a.Severity, "class": a.Class, "component": a.Component, "group": a.Group, "dedup_key": a.DedupKey} {
		if told, ok := e.Detail[name]; ok {
			errs = append(errs, differs(name, value, told))
		}
	}
	if a.Label != e.Detail["label"] {
		errs = append(errs, differs("label", a.Label, e.Detail["label"]))
	}
	if a.Polled {
		errs = append(errs, differs("last look without it", a.Earliest.String(), e.Detail["earliest"]))
	}
	if !strings.HasSuffix(e.Text, a.Summary) {
		errs = append(errs, differs("summary", a.Summary, e.Text))
	}
	return errors.Join(errs...)
}

// auditSuffix marks the copy of the target's own log among the logs.
const auditSuffix = ".audit.jsonl"

// agreesWithAudit holds the decisions against the copy of the log they were read from; the copy was made later and may go on.
func (c *checker) agreesWithAudit() error {
	i := slices.IndexFunc(c.pack.Names(), func(n string) bool { return strings.HasSuffix(n, auditSuffix) })
	if len(c.out.Record.Decisions) == 0 {
		return nil
	}
	if i < 0 {
		return fmt.Errorf("%d decisions of the target, and no copy of the log that they were read from", len(c.out.Record.Decisions))
	}
	name := c.pack.Names()[i]
	log, err := c.pack.Open(name)
	if err != nil {
		return err
	}
	defer log.Close()
	// No more of it is read than the record tells; of a copy that breaks off, what came before counts.
	lines, _ := harness.ReadDecisions(log, len(c.out.Record.Decisions))
	for n, d := range c.out.Record.Decisions {
		if n >= len(lines) || lines[n].Event != d.Event || lines[n].At != d.At {
			return fmt.Errorf("decision %d, %s at %s, is not line %d of %s", n+1, d.Event, d.At, n+1, name)
		}
		for k := range lines[n].Detail {
			if _, ok := d.Detail[k]; !ok {
				return fmt.Errorf("decision %d, %s: line %d of %s tells its %s, the record does not", n+1, d.Event, n+1, name, k)
			}
		}
		for k, told := range d.Detail {
			if text, ok := lines[n].Detail[k]; !ok || told != text {
				return fmt.Errorf("decision %d, %s: its %s is not that of line %d of %s", n+1, d.Event, k, n+1, name)
			}
		}
	}
	return nil
}

// agreesOnAnswers compares the builds and the known questions: what is right was fixed before the drill.
func agreesOnAnswers(got, asked harness.Description) error {
	builds := func(d harness.Description) (all []string) {
		for _, b := range d.Builds {
			all = append(all, b.Name+" "+b.Version)
		}
		return all
	}
	if len(got.Questions) == 0 && len(asked.Questions) == 0 {
		return differs("builds", builds(got), builds(asked))
	}
	return errors.Join(differs("builds", builds(got), builds(asked)), differs("known questions", got.Questions, asked.Questions))
}

// meaningOf is which events of a target's own log mean what; its address is not known before the start.
func meaningOf(log *harness.DecisionLog) harness.DecisionLog {
	if log == nil {
		return harness.DecisionLog{}
	}
	meaning := *log
	meaning.URL = ""
	return meaning
}

// plausible holds an answer to a known question against the questions that were fixed before the drill.
func plausible(o harness.Observation, target *harness.Description) error {
	if (o.Answer != nil) != (o.Probe == harness.ProbeAnswers) {
		return fmt.Errorf("probe %s keeps answers to known questions, and no other does", harness.ProbeAnswers)
	}
	if o.Answer == nil {
		return nil
	}
	a := *o.Answer
	if a.Version < 0 || a.Wrote && a.Question != measure.MarkerQuestion || o.OK && !o.Reached {
		return fmt.Errorf("the answer to %s is none that the probe can have kept", a.Question)
	}
	if o.OK && !a.Wrote && (a.Region == "" || a.Build == "" || a.DataAsOf == 0) {
		return fmt.Errorf("the answer to %s does not say who gave it, and from data of when", a.Question)
	}
	if a.Question == measure.MarkerQuestion {
		return nil
	}
	i := slices.IndexFunc(target.Questions, func(q harness.Question) bool { return q.ID == a.Question })
	if i < 0 {
		return fmt.Errorf("the target has no known question %q", a.Question)
	}
	q := target.Questions[i]
	return errors.Join(differs("namespace of question "+q.ID, q.Namespace, a.Namespace), differs("text of question "+q.ID, q.Text, a.Text),
		differs("right answer to question "+q.ID, q.Right, a.Right))
}
