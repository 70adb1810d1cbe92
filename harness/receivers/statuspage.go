package receivers

import (
	"net/http"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: StatusPage,
	Doc: "A status page that takes updates as JSON: 202, 400 without a status, 401 without the token, 415 if it is not JSON. The drill's " +
		"secret is the bearer token.",
	Example: "{id: published, measure: alert.received, channel: statuspage, atMost: 5m, source: BCP 4.2}",
	New: func() Channel {
		return Channel{Path: "/status", Answer: statusPage, Carries: map[string][]string{"event": message, "summary": nil, "severity": nil}}
	},
})

// statusUpdate is one update of a status page.
type statusUpdate struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// statusPage answers one update: 202, 400 without a status, 401 without the token, 415 if it is not JSON.
func statusPage(e *Endpoint, req *http.Request, body []byte) (answer Answer) {
	known := e.bearer(req)
	var u *statusUpdate
	err := decode(body, &u)
	answer.Arrival = harness.Arrival{Event: "message", Nonce: known}
	if err == nil && u != nil {
		answer.Arrival.Summary, answer.Arrival.Severity = u.Message, u.Status
	}
	kind := mediaType(req)
	switch {
	case !known:
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusUnauthorized, map[string]string{"error": "token is missing or wrong"})
	case kind != "" && kind != jsonType:
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusUnsupportedMediaType, map[string]string{"error": "send " + jsonType})
	case err != nil || u == nil:
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusBadRequest, map[string]string{"error": "body is not a JSON object"})
	case blank(u.Status):
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusBadRequest, map[string]string{"error": "'status' is missing or blank"})
	default:
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusAccepted, map[string]string{"status": "accepted"})
	}
	return answer
}
