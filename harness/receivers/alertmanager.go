package receivers

import (
	"cmp"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: "alertmanager",
	Doc: "A webhook of Prometheus Alertmanager, version 4, posted to /alertmanager. 200, 400 if it is none, 401 without the token, 415 if it is not JSON. Each alert in a " +
		"message is one of its own: class is its label alertname, component its label component or else instance, region its label region, its " +
		"deduplication key its fingerprint. The drill's secret is the bearer token (http_config.authorization.credentials).",
	Example: "{name: alertmanager, channel: alertmanager, listen: '10.0.0.2:9095', key: {file: /run/secrets/alertmanager}, correlate: {by: label, label: service, value: orders}}",
	New: func() Channel {
		return Channel{Path: "/alertmanager", Answer: alertmanager, Labels: true, Carries: map[string][]string{
			"class": nil, "component": nil, "region": nil, "summary": nil, "severity": nil, "event": {"trigger", "resolve"},
		}}
	},
})

// Alertmanager's words for an alert.
const (
	firing   = "firing"
	resolved = "resolved"
)

// group is a message of Alertmanager: the alerts of one group.
type group struct {
	Version  string `json:"version"`
	Receiver string `json:"receiver"`
	Alerts   []struct {
		PrometheusAlert
		Status string `json:"status"`
	} `json:"alerts"`
}

// PrometheusAlert is one alert, as a webhook and the API of Alertmanager tell it.
type PrometheusAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Fingerprint string            `json:"fingerprint"`
}

// Arrival is what an alert says. Its event is left to whoever knows its state.
func (p PrometheusAlert) Arrival() harness.Arrival {
	l, a := p.Labels, p.Annotations
	return harness.Arrival{
		Class: l["alertname"], Component: cmp.Or(l["component"], l["instance"]), Group: l["region"], Severity: l["severity"],
		Summary: cmp.Or(a["summary"], a["description"], a["message"], l["alertname"]), DedupKey: p.Fingerprint,
	}
}

// alertmanager answers one group. What it holds that is neither firing nor resolved makes it none.
func alertmanager(e *Endpoint, req *http.Request, body []byte) (answer Answer) {
	ours := e.bearer(req)
	answer.Arrival = harness.Arrival{Event: "message", Nonce: ours}
	var g group
	err := decode(body, &g)
	kind := mediaType(req)
	switch {
	case !ours:
		answer.refusal(http.StatusUnauthorized, "token is missing or wrong")
		return answer
	case kind != "" && kind != jsonType:
		answer.refusal(http.StatusUnsupportedMediaType, "send "+jsonType)
		return answer
	case err != nil || g.Version != "4" || len(g.Alerts) == 0:
		answer.refusal(http.StatusBadRequest, "this is no message of Alertmanager, version 4")
		return answer
	}
	var all []harness.Arrival
	for _, one := range g.Alerts {
		a := one.Arrival()
		a.Nonce, a.Source, a.Label = ours, g.Receiver, e.Label(func(name string) string { return one.Labels[name] })
		switch one.Status {
		case firing:
			a.Event = "trigger"
		case resolved:
			a.Event = "resolve"
		default:
			answer.refusal(http.StatusBadRequest, "an alert is neither firing nor resolved")
			return answer
		}
		all = append(all, a)
	}
	answer.Arrival, answer.More = all[0], all[1:]
	answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusOK, map[string]string{"status": "ok"})
	return answer
}
