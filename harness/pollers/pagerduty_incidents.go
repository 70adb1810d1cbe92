package pollers

import (
	"context"
	"net/url"
	"strconv"

	"blackstart/harness"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Poller]{
	Name: "pagerduty.incidents",
	Doc: "PagerDuty's REST API: incidents of services that are triggered or acknowledged. Its deduplication key is that of the event " +
		"(incident_key), severity its urgency, component its service. The token may be a read-only one.",
	Example: "{name: pagerduty, channel: pagerduty.incidents, every: 5s, correlate: {by: dedup, pattern: 'orders-.*'}, with: {token: {file: /run/secrets/pagerduty}, services: [PABC123]}}",
	New:     func() Poller { return &incidents{} },
})

type incidents struct{ with incidentsWith }

type incidentsWith struct {
	URL      string           `yaml:"url" doc:"of the API; https://api.pagerduty.com if not written (Europe: https://api.eu.pagerduty.com)"`
	Token    secret.Reference `yaml:"token" need:"yes" doc:"where the API token is, without the words before it"`
	Services []string         `yaml:"services" need:"yes" doc:"ids of the services whose incidents are meant"`
	TLS      target.TLS       `yaml:"tls" doc:"what is trusted and shown"`
}

// Wrong implements target.Judge.
func (w incidentsWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	if len(w.Services) == 0 {
		return "services", "is empty", "write the id of a service, such as [PABC123]"
	}
	return w.source().wrong(t)
}

func (w incidentsWith) source() source {
	s := source{url: w.URL, tls: w.TLS}
	if s.url == "" {
		s.url = "https://api.pagerduty.com"
	}
	return s
}

// With implements registry.Parametrised.
func (p *incidents) With() any { return &p.with }

// Carries implements Poller.
func (p *incidents) Carries() map[string][]string {
	return map[string][]string{"summary": nil, "severity": {"high", "low"}, "component": nil, "event": states}
}

// pageSize is how many incidents are asked for at once, the most that the API gives.
const pageSize = 100

// Poll implements Poller.
func (p *incidents) Poll(ctx context.Context, around Around) ([]harness.Arrival, error) {
	token, err := around.Secrets(ctx, p.with.Token)
	if err != nil {
		return nil, err
	}
	headers := []target.Header{{Name: "Accept", Value: "application/vnd.pagerduty+json;version=2"}, {Name: "Authorization", Value: "Token token=" + token.Reveal()}}
	var all []harness.Arrival
	for offset := 0; ; offset += pageSize {
		q := url.Values{"statuses[]": {"triggered", "acknowledged"}, "service_ids[]": p.with.Services, "limit": {strconv.Itoa(pageSize)},
			"offset": {strconv.Itoa(offset)}, "date_range": {"all"}}
		v, err := p.with.source().ask(ctx, around, "/incidents?"+q.Encode(), headers...)
		if err != nil {
			return nil, err
		}
		entries, err := jsonpointer.Pointer("/incidents").In(v)
		if err != nil {
			return nil, err
		}
		page, err := list(entries, incident)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if more, _ := jsonpointer.Pointer("/more").Text(v); more != "true" || len(page) == 0 || len(all) > MaxStates {
			return all, nil
		}
	}
}

// incident is what one incident says.
func incident(v any) (harness.Arrival, error) {
	text := func(p jsonpointer.Pointer) string {
		s, _ := p.Text(v) // what is missing is empty
		if s == "null" {
			return ""
		}
		return s
	}
	a := harness.Arrival{Event: states[0], Summary: text("/title"), Severity: text("/urgency"), Component: text("/service/summary"), DedupKey: text("/incident_key")}
	if a.DedupKey == "" { // one that a person opened
		a.DedupKey = text("/id")
	}
	return a, nil
}
