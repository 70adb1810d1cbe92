package receivers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"blackstart/harness"
	"blackstart/internal/jsonpointer"
	"blackstart/internal/registry"
)

var _ = Channels.Add(registry.Kind[Channel]{
	Name: PagerDuty,
	Doc: "PagerDuty Events API v2. Accepted as the real service accepts an event (202), and refused as it refuses one: 400 with what is " +
		"wrong, 415, or 429. The drill's secret is the routing key.",
	Example: "{id: paged, measure: alert.received, channel: pagerduty, atMost: 2m, source: BCP 4.2}",
	New: func() Channel {
		return Channel{Path: "/v2/enqueue", Answer: pagerDuty, Labels: true, BadKey: badRoutingKey, Carries: map[string][]string{
			"class": nil, "component": nil, "region": nil, "summary": nil, "event": actions, "severity": severities,
		}}
	},
})

// Limits of an event, as the real service has them.
const (
	keyLength  = 32   // characters of a routing key
	maxSummary = 1024 // characters
	maxDedup   = 255  // characters
)

var (
	alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]*$`)
	actions      = []string{"trigger", "acknowledge", "resolve"}
	severities   = []string{"critical", "warning", "error", "info"}
)

// event is what Events API v2 takes; keys we do not check are left to the sender.
type event struct {
	RoutingKey  string        `json:"routing_key"`
	EventAction string        `json:"event_action"`
	DedupKey    string        `json:"dedup_key"`
	Payload     *eventPayload `json:"payload"`
	Client      string        `json:"client"`
	ClientURL   string        `json:"client_url"`
	Links       []eventLink   `json:"links"`
	Images      []eventImage  `json:"images"`
}

type eventPayload struct {
	Summary   string `json:"summary"`
	Source    string `json:"source"`
	Severity  string `json:"severity"`
	Timestamp string `json:"timestamp"`
	Component string `json:"component"`
	Group     string `json:"group"`
	Class     string `json:"class"`
	Details   any    `json:"custom_details"`
}

type eventLink struct {
	Href string `json:"href"`
}

type eventImage struct {
	Src string `json:"src"`
}

// accepted and refused are the two answers of the real service, with their keys in its order.
type accepted struct {
	Status   string `json:"status"`
	Message  string `json:"message"`
	DedupKey string `json:"dedup_key"`
}

type refused struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Errors  []string `json:"errors"`
}

// pagerDuty answers one event: 202, 400 with what is wrong with it, 415, or 429 while throttled.
func pagerDuty(end *Endpoint, req *http.Request, body []byte) (answer Answer) {
	var e event
	err := decode(body, &e)
	a := harness.Arrival{Event: e.EventAction, DedupKey: e.DedupKey, Nonce: end.Ours(e.RoutingKey)}
	if p := e.Payload; p != nil {
		a.Summary, a.Severity, a.Source = p.Summary, p.Severity, p.Source
		a.Class, a.Component, a.Group = p.Class, p.Component, p.Group
		a.Label = end.Label(func(name string) string { return member(p.Details, name) })
	}
	answer.Arrival = a
	if end.all.throttled() {
		answer.Status, answer.Kind, answer.Body = http.StatusTooManyRequests, "text/plain", "too many requests"
		return answer
	}
	if kind := mediaType(req); kind != "" && kind != jsonType {
		answer.Status, answer.Kind, answer.Body = http.StatusUnsupportedMediaType, "text/plain", "send "+jsonType
		return answer
	}
	problems := unreadable(err)
	if err == nil {
		problems = e.problems()
		if len(problems) == 0 && !a.Nonce {
			problems = []string{"Invalid routing key"}
		}
	}
	if len(problems) > 0 {
		answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusBadRequest,
			refused{Status: "invalid event", Message: "Event object is invalid", Errors: problems})
		return answer
	}
	if e.DedupKey == "" {
		sum := sha256.Sum256(body)
		e.DedupKey = hex.EncodeToString(sum[:16])
		answer.Arrival.DedupKey = e.DedupKey
	}
	answer.Status, answer.Kind, answer.Body = jsonReply(http.StatusAccepted,
		accepted{Status: "success", Message: "Event processed", DedupKey: e.DedupKey})
	return answer
}

// unreadable says why a body is no event at all; nil if it is one.
func unreadable(err error) []string {
	var wrongType *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return []string{fmt.Sprintf("'%s' is of the wrong type (should be %s)", wrongType.Field, wrongType.Type.Kind())}
	}
	return []string{"Event object is not a valid JSON object"}
}

// problems lists everything the real service would refuse.
func (e *event) problems() (found []string) {
	add := func(bad bool, format string, args ...any) {
		if bad {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	add(utf8.RuneCountInString(e.RoutingKey) != keyLength, "Length of 'routing_key' is incorrect (should be %d characters)", keyLength)
	add(!alphanumeric.MatchString(e.RoutingKey), "'routing_key' cannot contain non-alphanumeric characters.")
	add(blank(e.EventAction), "'event_action' is missing or blank")
	add(!blank(e.EventAction) && !slices.Contains(actions, e.EventAction),
		"'event_action' is invalid (must be one of: %s)", strings.Join(actions, ", "))
	add(utf8.RuneCountInString(e.DedupKey) > maxDedup, "'dedup_key' is too long (maximum is %d characters)", maxDedup)
	add(blank(e.DedupKey) && (e.EventAction == "acknowledge" || e.EventAction == "resolve"), "'dedup_key' is missing or blank")
	add(e.Payload == nil && e.EventAction == "trigger", "'payload' is missing or blank")
	if p := e.Payload; p != nil && e.EventAction == "trigger" {
		add(blank(p.Summary), "'payload.summary' is missing or blank")
		add(utf8.RuneCountInString(p.Summary) > maxSummary, "'payload.summary' is too long (maximum is %d characters)", maxSummary)
		add(blank(p.Source), "'payload.source' is missing or blank")
		add(blank(p.Severity), "'payload.severity' is missing or blank")
		add(!blank(p.Severity) && !slices.Contains(severities, p.Severity),
			"'payload.severity' is invalid (must be one of: %s)", strings.Join(severities, ", "))
		_, err := time.Parse(time.RFC3339, p.Timestamp)
		add(p.Timestamp != "" && err != nil, "'payload.timestamp' is not an ISO 8601 time")
	}
	add(slices.ContainsFunc(e.Links, func(l eventLink) bool { return blank(l.Href) }), "'links.href' is missing or blank")
	add(slices.ContainsFunc(e.Images, func(i eventImage) bool { return blank(i.Src) }), "'images.src' is missing or blank")
	return found
}

// badRoutingKey says why a key is none that the real service would have given.
func badRoutingKey(key string) string {
	if len(key) != keyLength || !alphanumeric.MatchString(key) {
		return fmt.Sprintf("a routing key has %d letters and digits, and this one has not", keyLength)
	}
	return ""
}

// member is what an object holds by a name, where it is a single value.
func member(of any, name string) string {
	object, ok := of.(map[string]any)
	if !ok || object[name] == nil {
		return ""
	}
	text, _ := jsonpointer.Text(object[name])
	return text
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
