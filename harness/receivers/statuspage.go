package receivers

import (
	"net/http"
	"strings"

	"blackstart/harness"
)

// statusUpdate is one update of a status page.
type statusUpdate struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// statusPage answers one update: 202, 400 without a status, 401 without the token, 415 if it is not JSON.
func (r *Receivers) statusPage(req *http.Request, body []byte) (answer reply) {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	known := strings.EqualFold(scheme, "Bearer") && same(strings.TrimSpace(token), r.secrets.statusToken)
	var u *statusUpdate
	err := decode(body, &u)
	answer.arrival = harness.Arrival{Channel: StatusPage, Event: "message", Nonce: known}
	if err == nil && u != nil {
		answer.arrival.Summary, answer.arrival.Severity = u.Message, u.Status
	}
	kind := mediaType(req)
	switch {
	case !known:
		answer.status, answer.kind, answer.body = jsonReply(http.StatusUnauthorized, map[string]string{"error": "token is missing or wrong"})
	case kind != "" && kind != jsonType:
		answer.status, answer.kind, answer.body = jsonReply(http.StatusUnsupportedMediaType, map[string]string{"error": "send " + jsonType})
	case err != nil || u == nil:
		answer.status, answer.kind, answer.body = jsonReply(http.StatusBadRequest, map[string]string{"error": "body is not a JSON object"})
	case blank(u.Status):
		answer.status, answer.kind, answer.body = jsonReply(http.StatusBadRequest, map[string]string{"error": "'status' is missing or blank"})
	default:
		answer.status, answer.kind, answer.body = jsonReply(http.StatusAccepted, map[string]string{"status": "accepted"})
	}
	return answer
}
