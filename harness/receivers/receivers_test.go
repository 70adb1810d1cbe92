package receivers

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"blackstart/harness"
)

const testNonce = "Kx7-drill-nonce-0042"

// start opens receivers that the test closes.
func start(t testing.TB, onArrival func(harness.Arrival)) *Receivers {
	t.Helper()
	r, err := Start(t.Context(), Options{Clock: harness.NewClock(), Nonce: testNonce, OnArrival: onArrival})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func delivery(t testing.TB, r *Receivers, channel string) harness.Delivery {
	t.Helper()
	for _, d := range r.Deliveries() {
		if d.Channel == channel {
			return d
		}
	}
	t.Fatalf("no delivery for %s", channel)
	return harness.Delivery{}
}

// post sends a body and gives the answer's status and text.
func post(t testing.TB, url, kind, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// last is the newest arrival.
func last(t testing.TB, r *Receivers) harness.Arrival {
	t.Helper()
	all := r.Arrivals()
	if len(all) == 0 {
		t.Fatal("nothing arrived")
	}
	return all[len(all)-1]
}

func TestStartRefusesWhatCannotWork(t *testing.T) {
	for name, o := range map[string]Options{
		"no clock":    {Nonce: testNonce},
		"short nonce": {Clock: harness.NewClock(), Nonce: "short"},
		"bad host":    {Clock: harness.NewClock(), Nonce: testNonce, Host: "192.0.2.1"},
	} {
		if r, err := Start(t.Context(), o); err == nil {
			r.Close()
			t.Errorf("%s: started", name)
		}
	}
}

func TestDeliveriesCarryTheNonce(t *testing.T) {
	r := start(t, nil)
	seen := map[string]bool{}
	for _, d := range r.Deliveries() {
		if d.Secret == "" || seen[d.Secret] || strings.Contains(d.Secret, testNonce) {
			t.Errorf("%s: secret %q is empty, shared or the nonce itself", d.Channel, d.Secret)
		}
		seen[d.Secret] = true
	}
	if len(delivery(t, r, PagerDuty).Secret) != keyLength {
		t.Error("routing key has not the length of a real one")
	}
	other, err := Start(t.Context(), Options{Clock: harness.NewClock(), Nonce: testNonce + "x"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, d := range other.Deliveries() {
		if seen[d.Secret] {
			t.Errorf("%s: two drills share a secret", d.Channel)
		}
	}
}

func TestArrivalIsStampedWhenItsLastByteIsRead(t *testing.T) {
	r := start(t, nil)
	d := delivery(t, r, Slack)
	body := `{"text":"slow"}`
	conn, err := net.Dial("tcp", r.webAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	path := d.URL[len("http://"+r.webAddr):]
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		path, len(body), body[:len(body)-1])
	beforeLast := r.clock.Now()
	if len(r.Arrivals()) != 0 {
		t.Fatal("it arrived before its last byte")
	}
	_, _ = io.WriteString(conn, body[len(body)-1:])
	if _, err := conn.Read(make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
	if at := last(t, r).At; at < beforeLast || at > r.clock.Now() {
		t.Errorf("stamped %v, outside of when its last byte was sent and its answer read", at)
	}
}

func TestHalfAMessageIsNoArrival(t *testing.T) {
	r := start(t, nil)
	conn, err := net.Dial("tcp", r.webAddr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST /v2/enqueue HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.ReadAll(conn) // until the receiver has given up on it
	_ = conn.Close()
	if n := len(r.Arrivals()); n != 0 {
		t.Errorf("%d arrivals, want none", n)
	}
}

func TestOtherMethodsAndPathsAreNoArrival(t *testing.T) {
	r := start(t, nil)
	res, err := http.Get(delivery(t, r, PagerDuty).URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	status, _ := post(t, "http://"+r.webAddr+"/v1/enqueue", jsonType, "", "{}")
	if res.StatusCode != http.StatusMethodNotAllowed || status != http.StatusNotFound || len(r.Arrivals()) != 0 {
		t.Errorf("got %d, %d and %d arrivals", res.StatusCode, status, len(r.Arrivals()))
	}
}

func TestNoSecretIsKept(t *testing.T) {
	var mu sync.Mutex
	var told []harness.Arrival
	r := start(t, func(a harness.Arrival) { mu.Lock(); told = append(told, a); mu.Unlock() })
	var all []string
	for _, d := range r.Deliveries() {
		all = append(all, d.Secret, strings.ToUpper(d.Secret), d.URL)
	}
	leak := strings.Join(append(all, testNonce), " ")
	pd := delivery(t, r, PagerDuty)
	body, err := json.Marshal(map[string]any{"routing_key": pd.Secret, "event_action": "trigger", "dedup_key": pd.Secret,
		"payload": map[string]string{"summary": leak, "source": pd.Secret[:16] + "\x00" + pd.Secret[16:] + " " + leak[:80], "severity": "error"}})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := post(t, pd.URL, jsonType, "", string(body)); status != http.StatusAccepted {
		t.Fatal(status, text)
	}
	text, err := json.Marshal(map[string]string{"text": leak})
	if err != nil {
		t.Fatal(err)
	}
	post(t, delivery(t, r, Slack).URL, jsonType, "", string(text))
	post(t, delivery(t, r, StatusPage).URL, jsonType, "Bearer "+delivery(t, r, StatusPage).Secret, `{"status":"`+testNonce+`"}`)
	sendMail(t, r, []string{delivery(t, r, SMTP).Secret}, "Subject: "+leak+"\r\nFrom: <"+delivery(t, r, SMTP).Secret+">\r\n\r\n"+leak+"\r\n")
	mu.Lock()
	defer mu.Unlock()
	kept, err := json.Marshal(append(r.Arrivals(), told...))
	if err != nil {
		t.Fatal(err)
	}
	mailbox := strings.TrimSuffix(strings.TrimPrefix(delivery(t, r, SMTP).Secret, "oncall-"), "@drill.test")
	for _, secret := range []string{testNonce, pd.Secret, delivery(t, r, Slack).Secret, delivery(t, r, StatusPage).Secret, mailbox} {
		if strings.Contains(strings.ToLower(string(kept)), strings.ToLower(secret)) {
			t.Errorf("a secret was kept in %s", kept)
		}
	}
	if !strings.Contains(string(kept), redacted) || len(told) != 4 {
		t.Errorf("%d arrivals told, want 4; kept %s", len(told), kept)
	}
}

func TestCleanIsShortPrintableAndWhole(t *testing.T) {
	s := deriveSecrets(testNonce)
	if got := s.redactText("a\nb\x00\xff"+strings.Repeat("é", maxText), maxText); len(got) > maxText || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\x00") {
		t.Errorf("got %q", got)
	}
	if got := s.redactText("", maxText); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
	cut := strings.Repeat("x", maxText-5) + s.tokens[PagerDuty] // a cut through a secret must not leave half of it
	if got := s.redactText(cut, maxText); strings.Contains(got, s.tokens[PagerDuty][:5]) {
		t.Errorf("half a secret was kept in %q", got)
	}
}

func TestNoMoreThanTheLimitIsKept(t *testing.T) {
	told := 0
	r := start(t, func(harness.Arrival) { told++ })
	for range MaxArrivals + 3 {
		r.record(harness.Arrival{Channel: Slack})
	}
	if len(r.Arrivals()) != MaxArrivals || r.Dropped() != 3 || told != MaxArrivals+3 {
		t.Errorf("kept %d, dropped %d, told %d", len(r.Arrivals()), r.Dropped(), told)
	}
}

func TestCloseAtOnce(t *testing.T) {
	for range 200 { // the serving loops may not have begun
		r, err := Start(t.Context(), Options{Clock: harness.NewClock(), Nonce: testNonce})
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

func TestCloseEndsOpenSessionsAndRecordsNothingMore(t *testing.T) {
	r := start(t, nil)
	idle, err := net.Dial("tcp", delivery(t, r, SMTP).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close() }()
	if _, err := idle.Read(make([]byte, 4)); err != nil { // the greeting: a session is open
		t.Fatal(err)
	}
	r.Close()
	r.Close()
	_ = idle.SetReadDeadline(time.Now().Add(ioTimeout))
	if _, err := io.ReadAll(idle); err != nil && strings.Contains(err.Error(), "timeout") {
		t.Error("the session outlived the receivers")
	}
	r.record(harness.Arrival{Channel: SMTP})
	if len(r.Arrivals()) != 0 {
		t.Error("something was recorded after the end")
	}
	if c, err := net.Dial("tcp", r.webAddr); err == nil {
		_ = c.Close()
		t.Error("the HTTP end still listens")
	}
}
