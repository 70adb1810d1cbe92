package receivers

import (
	"cmp"
	"net/http"

	"blackstart/harness"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: "webhook",
	Doc: "Any message in JSON, posted to /webhook: what it says is found by JSON pointers. 200, 400 if it is no such message, 401 without the token. " +
		"The drill's secret is the bearer token, or the value of the header that is named.",
	Example: "{name: webhook, channel: webhook, listen: '10.0.0.2:9096', key: {file: /run/secrets/hook}, correlate: {by: first, class: disk}, with: {fields: {status: /state, class: /check}}}",
	New: func() Channel {
		w := &webhook{}
		return Channel{Path: "/webhook", Answer: w.answer, Parameters: &w.with, Labels: true, Carries: map[string][]string{
			"class": nil, "component": nil, "region": nil, "summary": nil, "severity": nil, "event": {"trigger", "resolve"},
		}}
	},
})

type webhook struct{ with webhookWith }

type webhookWith struct {
	Header string `yaml:"header" doc:"name of the header that holds the key as it is; Authorization with a bearer token if not written"`
	Fields Fields `yaml:"fields" need:"yes" doc:"where in a message what it says stands"`
}

// answer answers one message.
func (w *webhook) answer(e *Endpoint, req *http.Request, body []byte) (answer Answer) {
	ours := w.with.Header != "" && e.Ours(req.Header.Get(w.with.Header)) || w.with.Header == "" && e.bearer(req)
	v, err := jsonpointer.Decode(body)
	if err == nil {
		answer.Arrival, err = w.with.Fields.Read(v, e.label)
	}
	answer.Arrival.Nonce, answer.Arrival.Event = ours, cmp.Or(answer.Arrival.Event, "message")
	switch {
	case !ours:
		answer.Arrival = harness.Arrival{Event: "message"}
		answer.refusal(http.StatusUnauthorized, "token is missing or wrong")
	case err != nil:
		answer.refusal(http.StatusBadRequest, err.Error())
	default:
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusOK, map[string]string{"status": "ok"})
	}
	return answer
}
