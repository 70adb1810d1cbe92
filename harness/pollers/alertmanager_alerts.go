package pollers

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"

	"blackstart/harness"
	"blackstart/harness/receivers"
	"blackstart/harness/target"
	"blackstart/internal/registry"
)

var _ = Kinds.Add(registry.Kind[Poller]{
	Name: "alertmanager.alerts",
	Doc: "The API of Prometheus Alertmanager, version 2: alerts that fire, also those that are silenced or inhibited. Fields are those of its " +
		"webhook.",
	Example: "{name: alertmanager, channel: alertmanager.alerts, correlate: {by: label, label: service, value: orders}, with: {url: 'https://am.example.com', filter: ['service=\"orders\"']}}",
	New:     func() Poller { return &managerAlerts{} },
})

type managerAlerts struct{ with managerWith }

type managerWith struct {
	URL     string          `yaml:"url" need:"yes" doc:"of Alertmanager, without /api/v2"`
	Filter  []string        `yaml:"filter" doc:"matchers that alerts are asked for by, such as service=\"orders\""`
	TLS     target.TLS      `yaml:"tls" doc:"what is trusted and shown"`
	Headers []target.Header `yaml:"headers" doc:"headers of the request"`
}

func (w managerWith) source() source { return source{w.URL, w.TLS, w.Headers} }

// Wrong implements target.Judge.
func (w managerWith) Wrong(t *target.Target, _ bool) (key, wrong, hint string) {
	return w.source().wrong(t)
}

// With implements registry.Parametrised.
func (m *managerAlerts) With() any { return &m.with }

// Labels tells that alerts carry labels by any name.
func (m *managerAlerts) Labels() {}

// Carries implements Poller.
func (m *managerAlerts) Carries() map[string][]string {
	return map[string][]string{"class": nil, "component": nil, "region": nil, "summary": nil, "severity": nil, "event": states}
}

// Poll implements Poller.
func (m *managerAlerts) Poll(ctx context.Context, around Around) ([]harness.Arrival, error) {
	q := url.Values{"active": {"true"}, "silenced": {"true"}, "inhibited": {"true"}}
	if len(m.with.Filter) > 0 {
		q["filter"] = m.with.Filter
	}
	v, err := m.with.source().ask(ctx, around, "/api/v2/alerts?"+q.Encode())
	if err != nil {
		return nil, err
	}
	return list(v, func(entry any) (harness.Arrival, error) {
		var p receivers.PrometheusAlert
		text, err := json.Marshal(entry)
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			return harness.Arrival{}, errors.New("it is no alert of Alertmanager")
		}
		a := p.Arrival()
		a.Event, a.Label = states[0], p.Labels[around.Label]
		return a, nil
	})
}
