package receivers

import (
	"errors"
	"slices"

	"blackstart/harness"
	"blackstart/internal/jsonpointer"
)

// Fields says where, in the JSON of an alert, what an objective asks of it stands. A pointer that leads nowhere is a field that the alert
// lacks; only status must be there, where it is written.
type Fields struct {
	Status    jsonpointer.Pointer `yaml:"status" doc:"JSON pointer to the word that says whether there is trouble; without it every message tells of trouble"`
	Open      []string            `yaml:"open" doc:"words of status that tell of trouble; firing, open, triggered if not written"`
	Over      []string            `yaml:"over" doc:"words of status that say that it is over; resolved, closed, ok if not written"`
	Summary   jsonpointer.Pointer `yaml:"summary" doc:"JSON pointer to what people read"`
	Severity  jsonpointer.Pointer `yaml:"severity" doc:"JSON pointer to how bad it is"`
	Class     jsonpointer.Pointer `yaml:"class" doc:"JSON pointer to the kind of trouble"`
	Component jsonpointer.Pointer `yaml:"component" doc:"JSON pointer to what has it"`
	Region    jsonpointer.Pointer `yaml:"region" doc:"JSON pointer to where it is"`
	Incident  jsonpointer.Pointer `yaml:"incident" doc:"JSON pointer to its deduplication key: the same for what tells of it again, and of its end"`
	Labels    jsonpointer.Pointer `yaml:"labels" doc:"JSON pointer to an object whose members are its labels"`
}

// Read is what one alert says. label names the label whose value is kept, "" for none.
func (f Fields) Read(alert any, label string) (harness.Arrival, error) {
	text := func(p jsonpointer.Pointer) string {
		if p == "" {
			return ""
		}
		s, err := p.Text(alert)
		if err != nil || s == "null" {
			return ""
		}
		return s
	}
	a := harness.Arrival{Event: "trigger", Summary: text(f.Summary), Severity: text(f.Severity), Class: text(f.Class), Component: text(f.Component),
		Group: text(f.Region), DedupKey: text(f.Incident)}
	if label != "" {
		labels, _ := f.Labels.In(alert) // without them there is none
		a.Label = member(labels, label)
	}
	if _, object := alert.(map[string]any); !object {
		return a, errors.New("the alert is no JSON object")
	}
	open, over := f.words()
	switch status := text(f.Status); {
	case f.Status == "", slices.Contains(open, status):
		return a, nil
	case slices.Contains(over, status):
		a.Event = "resolve"
		return a, nil
	}
	return a, errors.New("its status says neither that there is trouble nor that it is over")
}

// words are those of its status.
func (f Fields) words() (open, over []string) {
	open, over = f.Open, f.Over
	if len(open) == 0 {
		open = []string{firing, "open", "triggered"}
	}
	if len(over) == 0 {
		over = []string{resolved, "closed", "ok"}
	}
	return open, over
}
