package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

func secret(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run sends messages through c and returns the first n outcomes.
func run(t *testing.T, c config.Notify, n int, messages ...Message) []Outcome {
	t.Helper()
	outcomes := make(chan Outcome, 100)
	s, err := New(c, func(o Outcome) { outcomes <- o })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	for _, m := range messages {
		s.Send(m)
	}
	var got []Outcome
	for range n {
		got = append(got, <-outcomes)
	}
	cancel()
	wg.Wait()
	return got
}

var trigger = Message{Kind: "failure.detected", Incident: "i-1", Text: "the region\nis gone", Region: "east", Page: PageTrigger,
	Status: "investigating", Severity: Critical, Class: "primary.unreachable", Component: "east.api", Group: "east"}

func TestHTTPChannels(t *testing.T) {
	type request struct {
		auth string
		body map[string]any
	}
	got := map[string]request{}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		q := request{auth: r.Header.Get("Authorization")}
		json.NewDecoder(r.Body).Decode(&q.body)
		got[r.URL.Path] = q
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	outcomes := run(t, config.Notify{
		PagerDuty:  config.PagerDuty{URL: server.URL + "/pager", RoutingKeyFile: secret(t, "key-1\n")},
		Slack:      config.Slack{URL: server.URL + "/slack"},
		StatusPage: config.StatusPage{URL: server.URL + "/status", TokenFile: secret(t, "token-1")},
	}, 3, trigger)
	for _, o := range outcomes {
		if o.Err != nil || o.Attempts != 1 {
			t.Errorf("%s: %d attempts, %v", o.Channel, o.Attempts, o.Err)
		}
	}
	pager := got["/pager"].body
	payload, _ := pager["payload"].(map[string]any)
	if pager["routing_key"] != "key-1" || pager["event_action"] != "trigger" || pager["dedup_key"] != "i-1" ||
		payload["severity"] != "critical" || payload["source"] != "east" || payload["component"] != "east.api" ||
		payload["class"] != "primary.unreachable" || payload["group"] != "east" || payload["summary"] == nil ||
		payload["custom_details"].(map[string]any)["region"] != "east" {
		t.Errorf("pager got %v", pager)
	}
	if text := fmt.Sprint(got["/slack"].body["text"]); !strings.HasPrefix(text, "CRITICAL: ") {
		t.Errorf("slack got %q", text)
	}
	if s := got["/status"]; s.auth != "Bearer token-1" || s.body["status"] != "investigating" || s.body["message"] == "" {
		t.Errorf("status page got %v", s)
	}
}

func TestRefusalIsFinalAndBusyIsNot(t *testing.T) {
	for status, want := range map[int]struct {
		attempts int
		fails    bool
	}{http.StatusBadRequest: {1, true}, http.StatusTooManyRequests: {2, false}, http.StatusBadGateway: {2, false}} {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls++; calls == 1 {
				w.WriteHeader(status)
			}
		}))
		o := run(t, config.Notify{Slack: config.Slack{URL: server.URL}}, 1, trigger)[0]
		server.Close()
		if o.Attempts != want.attempts || (o.Err != nil) != want.fails {
			t.Errorf("first answer %d: %d attempts, error %v", status, o.Attempts, o.Err)
		}
	}
}

type dead struct{ err error }

func (dead) name() string                          { return "dead" }
func (dead) skip(Message) bool                     { return false }
func (d dead) send(context.Context, Message) error { return d.err }

func TestDeadChannelIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := deliver(t.Context(), dead{errors.New("no route")}, trigger)
		if o.Attempts != maxAttempts || o.Err == nil {
			t.Errorf("%d attempts, %v; want %d and an error", o.Attempts, o.Err, maxAttempts)
		}
		if limit := maxAttempts * (maxPause + attemptTimeout); o.Took > limit {
			t.Errorf("took %s, limit %s", o.Took, limit)
		}
		start := time.Now()
		o = deliver(t.Context(), dead{retryAfter{error: errors.New("busy"), pause: time.Hour}}, trigger)
		if want := (maxAttempts - 1) * maxPause; time.Since(start) != want || o.Err == nil {
			t.Errorf("with an hour asked for it took %s, want %s", time.Since(start), want)
		}
	})
}

func TestFullQueueIsReportedAndDoesNotBlock(t *testing.T) {
	var outcomes []Outcome
	s := &Sender{lines: []line{{channel: dead{}, queue: make(chan Message, 1)}}, report: func(o Outcome) { outcomes = append(outcomes, o) }}
	s.Send(trigger)
	s.Send(trigger)
	if len(outcomes) != 1 || outcomes[0].Err == nil {
		t.Errorf("outcomes %v, want one error", outcomes)
	}
}

func TestMutedChannelSendsNothing(t *testing.T) {
	o := run(t, config.Notify{Slack: config.Slack{URL: "http://127.0.0.1:1", Muted: true}}, 1, trigger)[0]
	if !o.Muted || o.Attempts != 0 {
		t.Errorf("outcome %v", o)
	}
}

func TestMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	received := make(chan []string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		received <- receiveMail(conn)
	}()
	o := run(t, config.Notify{SMTP: config.SMTP{Address: l.Addr().String(), From: "dr@finrag.test", To: []string{"a@finrag.test", "b@finrag.test"}}}, 1, trigger)[0]
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	lines := <-received
	for _, want := range []string{"MAIL FROM:<dr@finrag.test>", "RCPT TO:<a@finrag.test>", "RCPT TO:<b@finrag.test>",
		"Subject: CRITICAL: the region is gone", "incident: i-1"} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, want) }) {
			t.Errorf("mail lacks %q: %q", want, lines)
		}
	}
}

// receiveMail plays the smallest mail server that will do, and returns all lines it was sent.
func receiveMail(conn net.Conn) (lines []string) {
	fmt.Fprint(conn, "220 test\r\n")
	data := false
	for s := bufio.NewScanner(conn); s.Scan(); {
		line := s.Text()
		lines = append(lines, line)
		switch {
		case data && line != ".":
		case line == "DATA":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return lines
		default:
			data = false
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
	return lines
}

func TestMissingSecretIsAnError(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), secret(t, " \n")} {
		if _, err := New(config.Notify{PagerDuty: config.PagerDuty{URL: "http://127.0.0.1:1", RoutingKeyFile: path}}, nil); err == nil {
			t.Errorf("key file %s is accepted", path)
		}
	}
}
