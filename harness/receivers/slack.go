package receivers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"blackstart/harness"
)

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
func (r *Receivers) slack(req *http.Request, body []byte) reply {
	token := strings.TrimPrefix(req.URL.Path, r.secrets.slackPath()[:len(r.secrets.slackPath())-len(r.secrets.slackToken)])
	a := harness.Arrival{Channel: Slack, Event: "message", Nonce: same(token, r.secrets.slackToken)}
	plain := func(status int, text string) reply {
		return reply{arrival: a, status: status, kind: "text/plain", body: text}
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
