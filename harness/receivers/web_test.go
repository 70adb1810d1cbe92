package receivers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"blackstart/harness"
)

// pdBody is a good event with one thing changed: a key of the event or, with "payload.", of its payload; nil removes it.
func pdBody(t testing.TB, key, what string, value any) string {
	t.Helper()
	payload := map[string]any{"summary": "east is down", "source": "east", "severity": "critical"}
	event := map[string]any{"routing_key": key, "event_action": "trigger", "dedup_key": "inc-1", "payload": payload}
	into, name := event, what
	if rest, ok := strings.CutPrefix(what, "payload."); ok {
		into, name = payload, rest
	}
	if value == nil {
		delete(into, name)
	} else if name != "" {
		into[name] = value
	}
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPagerDutyAccepts(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, PagerDuty)
	status, text := post(t, d.URL, "application/json; charset=utf-8", "", pdBody(t, d.Secret, "", ""))
	if status != http.StatusAccepted || text != `{"status":"success","message":"Event processed","dedup_key":"inc-1"}` {
		t.Errorf("got %d %s", status, text)
	}
	a := last(t, r)
	if a.Channel != PagerDuty || !a.Nonce || !a.Accepted || a.Status != 202 || a.Event != "trigger" ||
		a.Summary != "east is down" || a.Severity != "critical" || a.Source != "east" || a.DedupKey != "inc-1" || a.At == 0 {
		t.Errorf("recorded %+v", a)
	}
	for name, body := range map[string]string{
		"resolve without payload": `{"routing_key":"` + d.Secret + `","event_action":"resolve","dedup_key":"inc-1"}`,
		"acknowledge":             `{"routing_key":"` + d.Secret + `","event_action":"acknowledge","dedup_key":"inc-1","extra":{}}`,
		"longest summary":         pdBody(t, d.Secret, "payload.summary", strings.Repeat("é", maxSummary)),
		"longest dedup_key":       pdBody(t, d.Secret, "dedup_key", strings.Repeat("k", maxDedup)),
		"fractional timestamp":    pdBody(t, d.Secret, "payload.timestamp", "2026-01-02T03:04:05.123456Z"),
	} {
		if status, text := post(t, d.URL, jsonType, "", body); status != http.StatusAccepted {
			t.Errorf("%s: got %d %s", name, status, text)
		}
	}
	_, text = post(t, d.URL, "", "", pdBody(t, d.Secret, "dedup_key", nil))
	var ok accepted
	if err := json.Unmarshal([]byte(text), &ok); err != nil || ok.DedupKey == "" || last(t, r).DedupKey != ok.DedupKey {
		t.Errorf("no key was made for an event without one: %s", text)
	}
}

func TestPagerDutyRefuses(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, PagerDuty)
	stranger := strings.Repeat("a", keyLength)
	for _, tc := range []struct {
		name, body, want string
		nonce            bool
	}{
		{"not JSON", `{"routing_key":`, "not a valid JSON object", false},
		{"array", `[]`, "not a valid JSON object", false},
		{"two values", pdBody(t, d.Secret, "", "") + `{}`, "not a valid JSON object", true},
		{"empty", ``, "not a valid JSON object", false},
		{"short key", pdBody(t, "abc", "", ""), "Length of 'routing_key' is incorrect (should be 32 characters)", false},
		{"odd key", pdBody(t, strings.Repeat("-", keyLength), "", ""), "cannot contain non-alphanumeric", false},
		{"another drill's key", pdBody(t, stranger, "", ""), "Invalid routing key", false},
		{"no key", pdBody(t, d.Secret, "routing_key", nil), "Length of 'routing_key'", false},
		{"no action", pdBody(t, d.Secret, "event_action", nil), "'event_action' is missing or blank", true},
		{"unknown action", pdBody(t, d.Secret, "event_action", "shout"), "'event_action' is invalid", true},
		{"no payload", pdBody(t, d.Secret, "payload", nil), "'payload' is missing or blank", true},
		{"no summary", pdBody(t, d.Secret, "payload.summary", nil), "'payload.summary' is missing or blank", true},
		{"blank summary", pdBody(t, d.Secret, "payload.summary", "  "), "'payload.summary' is missing or blank", true},
		{"long summary", pdBody(t, d.Secret, "payload.summary", strings.Repeat("s", maxSummary+1)), "'payload.summary' is too long", true},
		{"summary of wrong type", pdBody(t, d.Secret, "payload.summary", 7), "'payload.summary' is of the wrong type", true},
		{"no source", pdBody(t, d.Secret, "payload.source", nil), "'payload.source' is missing or blank", true},
		{"no severity", pdBody(t, d.Secret, "payload.severity", nil), "'payload.severity' is missing or blank", true},
		{"unknown severity", pdBody(t, d.Secret, "payload.severity", "fatal"), "'payload.severity' is invalid", true},
		{"bad timestamp", pdBody(t, d.Secret, "payload.timestamp", "yesterday"), "'payload.timestamp'", true},
		{"long dedup_key", pdBody(t, d.Secret, "dedup_key", strings.Repeat("k", maxDedup+1)), "'dedup_key' is too long", true},
		{"resolve of nothing", `{"routing_key":"` + d.Secret + `","event_action":"resolve"}`, "'dedup_key' is missing or blank", true},
		{"link without href", pdBody(t, d.Secret, "links", []any{map[string]string{"text": "x"}}), "'links.href'", true},
		{"image without src", pdBody(t, d.Secret, "images", []any{map[string]string{}}), "'images.src'", true},
	} {
		status, text := post(t, d.URL, jsonType, "", tc.body)
		var no refused
		if err := json.Unmarshal([]byte(text), &no); err != nil || status != http.StatusBadRequest ||
			no.Status != "invalid event" || no.Message != "Event object is invalid" || !strings.Contains(strings.Join(no.Errors, "\n"), tc.want) {
			t.Errorf("%s: got %d %s, want an error about %s", tc.name, status, text, tc.want)
		}
		if a := last(t, r); a.Accepted || a.Status != http.StatusBadRequest || a.Nonce != tc.nonce {
			t.Errorf("%s: recorded %+v, want nonce %v and not accepted", tc.name, a, tc.nonce)
		}
	}
}

func TestPagerDutySizeTypeAndThrottle(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, PagerDuty)
	good := pdBody(t, d.Secret, "", "")
	padded := good[:len(good)-1] + strings.Repeat(" ", maxBody-len(good)) + "}"
	if status, _ := post(t, d.URL, jsonType, "", padded); status != http.StatusAccepted {
		t.Errorf("largest event: %d", status)
	}
	if status, _ := post(t, d.URL, jsonType, "", padded+" "); status != http.StatusRequestEntityTooLarge || last(t, r).Accepted {
		t.Errorf("too large an event: %d, recorded %+v", status, last(t, r))
	}
	for _, kind := range []string{"text/plain", formType, "nonsense;;"} {
		if status, _ := post(t, d.URL, kind, "", good); status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", kind, status)
		}
	}
	r.SetThrottle(2)
	for i, want := range []int{429, 429, 202} {
		if status, _ := post(t, d.URL, jsonType, "", good); status != want || last(t, r).Accepted != (want == 202) || !last(t, r).Nonce {
			t.Errorf("event %d: got %d, want %d; recorded %+v", i, status, want, last(t, r))
		}
	}
	r.SetThrottle(-1)
	if status, _ := post(t, d.URL, jsonType, "", good); status != http.StatusAccepted {
		t.Errorf("a negative throttle throttles: %d", status)
	}
}

func TestSlack(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, Slack)
	for _, tc := range []struct {
		name, url, kind, body string
		status                int
		text, summary         string
	}{
		{"text", d.URL, jsonType, `{"text":"down","channel":"#ops"}`, 200, "ok", "down"},
		{"no type", d.URL, "", `{"text":"down"}`, 200, "ok", "down"},
		{"form", d.URL, formType, "payload=" + url.QueryEscape(`{"text":"down"}`), 200, "ok", "down"},
		{"attachment", d.URL, jsonType, `{"attachments":[{"fallback":"down"}]}`, 200, "ok", "down"},
		{"blocks", d.URL, jsonType, `{"blocks":[{"type":"divider"}]}`, 200, "ok", `{"type":"divider"}`},
		{"no text", d.URL, jsonType, `{"text":" "}`, 400, "no_text", ""},
		{"nothing", d.URL, jsonType, `{}`, 400, "no_text", ""},
		{"null", d.URL, jsonType, `null`, 400, "invalid_payload", ""},
		{"not JSON", d.URL, jsonType, `down`, 400, "invalid_payload", ""},
		{"bad form", d.URL, formType, `payload=%zz`, 400, "invalid_payload", ""},
		{"form without payload", d.URL, formType, `text=down`, 400, "invalid_payload", ""},
		{"wrong token", d.URL[:len(d.URL)-1] + "x", jsonType, `{"text":"down"}`, 403, "invalid_token", "down"},
		{"no token", "http://" + r.webAddr + "/services/", jsonType, `{"text":"down"}`, 403, "invalid_token", "down"},
		{"token in another path", "http://" + r.webAddr + "/services/" + d.Secret, jsonType, `{"text":"down"}`, 403, "invalid_token", "down"},
	} {
		status, text := post(t, tc.url, tc.kind, "", tc.body)
		a := last(t, r)
		if status != tc.status || text != tc.text {
			t.Errorf("%s: got %d %q, want %d %q", tc.name, status, text, tc.status, tc.text)
		}
		if a.Channel != Slack || a.Event != "message" || a.Summary != tc.summary || a.Accepted != (tc.status == 200) || a.Nonce == (tc.status == 403) {
			t.Errorf("%s: recorded %+v", tc.name, a)
		}
	}
}

func TestStatusPage(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, StatusPage)
	for _, tc := range []struct {
		name, kind, token, body string
		status                  int
		nonce                   bool
	}{
		{"update", jsonType, "Bearer " + d.Secret, `{"status":"major_outage","message":"down"}`, 202, true},
		{"scheme in lower case", jsonType, "bearer " + d.Secret, `{"status":"major_outage"}`, 202, true},
		{"no token", jsonType, "", `{"status":"major_outage"}`, 401, false},
		{"wrong token", jsonType, "Bearer x", `{"status":"major_outage"}`, 401, false},
		{"token without scheme", jsonType, d.Secret, `{"status":"major_outage"}`, 401, false},
		{"no status", jsonType, "Bearer " + d.Secret, `{"message":"down"}`, 400, true},
		{"not JSON", jsonType, "Bearer " + d.Secret, `down`, 400, true},
		{"null", jsonType, "Bearer " + d.Secret, `null`, 400, true},
		{"wrong type", "text/plain", "Bearer " + d.Secret, `{"status":"x"}`, 415, true},
	} {
		status, text := post(t, d.URL, tc.kind, tc.token, tc.body)
		a := last(t, r)
		if status != tc.status || a.Status != tc.status || a.Accepted != (tc.status == 202) || a.Nonce != tc.nonce {
			t.Errorf("%s: got %d %s, want %d; recorded %+v", tc.name, status, text, tc.status, a)
		}
	}
}

// FuzzBodies sends foreign bytes to every HTTP end: each is answered, recorded once, within its limits and without secrets.
func FuzzBodies(f *testing.F) {
	r := start(f, nil)
	pd := delivery(f, r, PagerDuty)
	f.Add(pdBody(f, pd.Secret, "", ""))
	f.Add(`{"text":"x"}`)
	f.Add(`{"status":null,"message":7}`)
	f.Add(messages["alertmanager"][2])
	f.Add(messages["webhook"][2])
	f.Add(`payload=%7B%7D`)
	f.Add("{\"payload\":{\"summary\":\"\xff\"}}")
	f.Fuzz(func(t *testing.T, body string) {
		req, err := http.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{jsonType, formType} {
			req.Header.Set("Content-Type", kind)
			for _, e := range r.ends {
				if e.channel.Answer == nil {
					continue
				}
				req.Header.Set("Authorization", "Bearer "+e.secret)
				answer := e.channel.Answer(e, req, []byte(body))
				for _, a := range append([]harness.Arrival{answer.Arrival}, answer.More...) {
					e.Record(a)
				}
				if answer.Status < 200 || answer.Status > 499 || answer.Kind == "" || answer.Body == "" {
					t.Errorf("answered %+v", answer)
				}
			}
		}
		for _, a := range r.Arrivals() {
			for _, text := range []string{a.Summary, a.Source, a.Severity, a.Event, a.DedupKey, a.Class, a.Component, a.Group, a.Label} {
				if len(text) > maxText || r.secrets.pattern.MatchString(text) || strings.ContainsAny(text, "\r\n\x00") {
					t.Errorf("recorded %q", text)
				}
			}
		}
		r.mu.Lock()
		r.arrivals = nil
		r.mu.Unlock()
	})
}
