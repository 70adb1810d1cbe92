package receivers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: Slack,
	Doc: "A Slack incoming webhook. Accepted with ok (200), and refused as the real service does: 400 invalid_payload or no_text, 403 " +
		"invalid_token. The drill's secret is the last part of the path.",
	Example: "{id: told, measure: alert.received, channel: slack, atMost: 2m, source: BCP 4.2}",
	New: func() Channel {
		return Channel{Path: "/services/", Answer: slack, Carries: map[string][]string{"event": message, "summary": nil},
			URL: func(token string) string { return slackPrefix + token }}
	},
})

// slackPrefix has the shape of a real incoming webhook's path.
const slackPrefix = "/services/T0DRILL/B0DRILL/"

// message is the only event of a channel on which nothing is resolved.
var message = []string{"message"}

// slackMessage is the part of an incoming webhook's body that decides whether there is anything to show.
type slackMessage struct {
	Text        string            `json:"text"`
	Blocks      []json.RawMessage `json:"blocks"`
	Attachments []slackAttachment `json:"attachments"`
}

type slackAttachment struct {
	Fallback string `json:"fallback"`
	Title    string `json:"title"`
	Text     string `json:"text"`
}

// slack answers one message: 200 "ok", 400 invalid_payload or no_text, 403 invalid_token. The body is JSON, or a form with
// the JSON in payload.
func slack(e *Endpoint, req *http.Request, body []byte) Answer {
	token := slackToken(req.URL.Path)
	a := harness.Arrival{Event: "message", Nonce: e.Ours(token)}
	plain := func(status int, text string) Answer {
		return Answer{Arrival: a, Status: status, Kind: "text/plain", Body: text}
	}
	if mediaType(req) == formType {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return plain(http.StatusBadRequest, "invalid_payload")
		}
		body = []byte(form.Get("payload"))
	}
	var m *slackMessage
	if err := decode(body, &m); err != nil || m == nil {
		return plain(http.StatusBadRequest, "invalid_payload")
	}
	a.Summary = m.shown()
	if !a.Nonce {
		return plain(http.StatusForbidden, "invalid_token")
	}
	if a.Summary == "" {
		return plain(http.StatusBadRequest, "no_text")
	}
	return plain(http.StatusOK, "ok")
}

// slackToken is the secret in the path of a webhook: its last part, behind those that name a workspace and a channel.
func slackToken(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) != 5 || parts[2] == "" || parts[3] == "" {
		return ""
	}
	return parts[4]
}

// shown is the first text a reader would see; "" if there is nothing to see.
func (m *slackMessage) shown() string {
	if !blank(m.Text) {
		return m.Text
	}
	for _, a := range m.Attachments {
		for _, text := range []string{a.Text, a.Title, a.Fallback} {
			if !blank(text) {
				return text
			}
		}
	}
	if len(m.Blocks) > 0 {
		return string(m.Blocks[0])
	}
	return ""
}
