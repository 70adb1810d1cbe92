package pollers

import (
	"context"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/target"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Poller]{
	Name:    "http.list",
	Doc:     "Any list of alerts in JSON that is asked for by GET: where the list is, and what an entry says, is found by JSON pointers. Each entry must have an incident.",
	Example: "{name: webhook, channel: http.list, correlate: {by: first, class: disk}, with: {url: 'https://noc.example.com/open', list: /items, fields: {status: /state, class: /check, incident: /id}}}",
	New:     func() Poller { return &anyList{} },
})

type anyList struct{ with anyListWith }

type anyListWith struct {
	URL     string              `yaml:"url" need:"yes" doc:"what is asked for"`
	List    jsonpointer.Pointer `yaml:"list" doc:"JSON pointer to the list in the answer; the answer itself if not written"`
	Fields  receivers.Fields    `yaml:"fields" need:"yes" doc:"where in an entry what it says stands"`
	TLS     target.TLS          `yaml:"tls" doc:"what is trusted and shown"`
	Headers []target.Header     `yaml:"headers" doc:"headers of the request"`
}

func (w anyListWith) source() source { return source{w.URL, w.TLS, w.Headers} }

// Wrong implements target.Judge.
func (w anyListWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	if w.Fields.Incident == "" {
		return "fields", "has no incident, by which an entry is told from look to look", "write incident: /id"
	}
	return w.source().wrong(t)
}

// With implements registry.Parametrised.
func (l *anyList) With() any { return &l.with }

// Labels tells that entries carry labels by any name.
func (l *anyList) Labels() {}

// Carries implements Poller.
func (l *anyList) Carries() map[string][]string {
	return map[string][]string{"class": nil, "component": nil, "region": nil, "summary": nil, "severity": nil, "event": states}
}

// Poll implements Poller. Entries whose status says that they are over are left out.
func (l *anyList) Poll(ctx context.Context, around Around) ([]harness.Arrival, error) {
	v, err := l.with.source().ask(ctx, around, "")
	if err == nil {
		v, err = l.with.List.In(v)
	}
	if err != nil {
		return nil, err
	}
	all, err := list(v, func(entry any) (harness.Arrival, error) { return l.with.Fields.Read(entry, around.Label) })
	var open []harness.Arrival
	for _, a := range all {
		if a.Event == states[0] {
			open = append(open, a)
		}
	}
	return open, err
}
