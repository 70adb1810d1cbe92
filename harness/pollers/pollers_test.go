package pollers_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/pollers"
	"blackstart/harness/secret"
	"blackstart/harness/target"
)

const token = "planted-token-of-the-pager"

// pagerDutyFake answers as the REST API of PagerDuty does, and refuses what that refuses: it is strict about path, headers and parameters.
// Its incidents come in pages of two.
func pagerDutyFake(incidents func() []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var offset int
		_, err := fmt.Sscan(q.Get("offset"), &offset)
		switch {
		case r.Method != http.MethodGet || r.URL.Path != "/incidents":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("Authorization") != "Token token="+token:
			w.WriteHeader(http.StatusUnauthorized)
		case r.Header.Get("Accept") != "application/vnd.pagerduty+json;version=2":
			w.WriteHeader(http.StatusNotAcceptable)
		case err != nil || q.Get("limit") != "100" || q.Get("date_range") != "all" || strings.Join(q["statuses[]"], ",") != "triggered,acknowledged" ||
			strings.Join(q["service_ids[]"], ",") != "PABC":
			w.WriteHeader(http.StatusBadRequest)
		default:
			all := incidents()
			page := all[min(offset/100*2, len(all)):min(offset/100*2+2, len(all))]
			_, _ = fmt.Fprintf(w, `{"incidents": [%s], "limit": 100, "offset": %d, "more": %v}`, strings.Join(page, ","), offset, offset/100*2+2 < len(all))
		}
	})
}

func incidentOf(n int) string {
	return fmt.Sprintf(`{"id":"P%d","incident_key":"orders-%d","title":"down %s","urgency":"high","status":"triggered","service":{"summary":"orders"}}`, n, n, token)
}

// served is a server with TLS, and the file that it is trusted by.
func served(t testing.TB, h http.Handler) (url, roots string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, roots
}

// around resolves every reference to what its file holds.
func around(hide func(...string)) pollers.Around {
	r := &secret.Resolver{Hide: hide}
	return pollers.Around{Label: "service", Secrets: func(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
		s, _, err := r.Resolve(ctx, ref)
		return s, err
	}}
}

func made(t testing.TB, kind string, with map[string]any) pollers.Poller {
	t.Helper()
	k, ok := pollers.Kinds.Get(kind)
	if !ok {
		t.Fatalf("there is no %s", kind)
	}
	p, err := k.Make(with)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pager(t testing.TB, url, roots string) pollers.Poller {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return made(t, "pagerduty.incidents", map[string]any{"url": url, "token": map[string]any{"file": path}, "services": []any{"PABC"}, "tls": map[string]any{"roots": roots}})
}

func TestPagerDutyIncidents(t *testing.T) {
	url, roots := served(t, pagerDutyFake(func() []string { return []string{incidentOf(1), incidentOf(2), `{"id":"P3","title":"by hand"}`} }))
	all, err := pager(t, url, roots).Poll(t.Context(), around(func(...string) {}))
	if err != nil || len(all) != 3 || all[0].DedupKey != "orders-1" || all[0].Severity != "high" || all[0].Component != "orders" || all[2].DedupKey != "P3" || all[2].Event != "trigger" {
		t.Errorf("%+v, %v", all, err)
	}
	if _, err := pager(t, url+"/v1", roots).Poll(t.Context(), around(func(...string) {})); !component.Refused(err) {
		t.Errorf("another path: %v", err)
	}
}

func TestAlertmanagerAlerts(t *testing.T) {
	url, roots := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v2/alerts" || r.URL.Query().Get("filter") != `service="orders"` || r.URL.Query().Get("active") != "true" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		_, _ = w.Write([]byte(`[{"labels":{"alertname":"Down","service":"orders","severity":"page","region":"east"},"annotations":{"summary":"down"},"fingerprint":"f1","status":{"state":"active"}}]`))
	}))
	with := map[string]any{"url": url, "filter": []any{`service="orders"`}, "tls": map[string]any{"roots": roots}}
	all, err := made(t, "alertmanager.alerts", with).Poll(t.Context(), around(func(...string) {}))
	if err != nil || len(all) != 1 || all[0].Class != "Down" || all[0].Label != "orders" || all[0].DedupKey != "f1" || all[0].Group != "east" {
		t.Errorf("%+v, %v", all, err)
	}
	with["filter"] = []any{"other"}
	if _, err := made(t, "alertmanager.alerts", with).Poll(t.Context(), around(func(...string) {})); err == nil || !strings.Contains(err.Error(), "status 400") {
		t.Errorf("refused: %v", err)
	}
}

func TestHTTPList(t *testing.T) {
	var body atomic.Value
	url, roots := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(body.Load().(string))) }))
	p := made(t, "http.list", map[string]any{"url": url + "/open?x=1", "list": "/items", "tls": map[string]any{"roots": roots},
		"fields": map[string]any{"status": "/s", "incident": "/id", "class": "/c", "labels": "/l"}})
	for text, want := range map[string]string{
		`{"items":[{"s":"open","id":1,"c":"disk","l":{"service":"orders"}},{"s":"closed","id":2}]}`: "",
		`{"items":[{"s":"open"}]}`:       "has no key",
		`{"items":[{"s":"odd","id":1}]}`: "entry 1: its status",
		`{"items":{}}`:                   "no list",
		`{}`:                             "nothing stands at /items",
		`x`:                              "not JSON",
		`{"items":[` + strings.Repeat("1,", pollers.MaxStates) + `1]}`: "1001 entries",
		`{"items":"` + strings.Repeat("x", 1<<20) + `"}`:               "more than",
	} {
		body.Store(text)
		all, err := p.Poll(t.Context(), around(func(...string) {}))
		if want == "" && (err != nil || len(all) != 1 || all[0].Class != "disk" || all[0].Label != "orders") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.60s: %+v, %v", text, all, err)
		}
	}
}

// What a cache has kept is no look: nobody knows what is so now. The service itself is asked for, and an age of less than a second is as good as none.
func TestACacheIsNoSource(t *testing.T) {
	var age atomic.Value
	url, roots := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("Cache-Control: %q", r.Header.Get("Cache-Control"))
		}
		if a := age.Load().(string); a != "" {
			w.Header().Set("Age", a)
		}
		_, _ = w.Write([]byte(`[]`))
	}))
	for text, cached := range map[string]bool{"": false, "0": false, "1": true, "3600": true, "odd": true} {
		age.Store(text)
		for _, kind := range []string{"http.list", "alertmanager.alerts"} {
			with := map[string]any{"url": url, "tls": map[string]any{"roots": roots}}
			if kind == "http.list" {
				with["fields"] = map[string]any{"incident": "/id"}
			}
			if _, err := made(t, kind, with).Poll(t.Context(), around(func(...string) {})); (err != nil) != cached || cached && !strings.Contains(err.Error(), "comes from a cache") {
				t.Errorf("%s, age %q: %v", kind, text, err)
			}
		}
	}
}

// Whoever is pinned and shows another key is asked nothing.
func TestAPinnedSourceIsHeldToItsKey(t *testing.T) {
	asked := 0
	url, roots := served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; _, _ = w.Write([]byte(`[]`)) }))
	p := made(t, "http.list", map[string]any{"url": url, "tls": map[string]any{"roots": roots}, "fields": map[string]any{"incident": "/id"}})
	a := around(func(...string) {})
	a.Pins = func(string) ([]string, error) { return []string{strings.Repeat("a", 64)}, nil }
	if _, err := p.Poll(t.Context(), a); err == nil || asked != 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	a.Pins = func(string) ([]string, error) { return nil, errors.New("it is not certain who it is") }
	if _, err := p.Poll(t.Context(), a); err == nil || asked != 0 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

// scripted shows one thing after the other; nil is no answer.
type scripted struct {
	looks [][]string
	n     int
}

func (s *scripted) Poll(context.Context, pollers.Around) ([]harness.Arrival, error) {
	look := s.looks[min(s.n, len(s.looks)-1)]
	s.n++
	if look == nil {
		return nil, errors.New("no answer, " + token)
	}
	var all []harness.Arrival
	for _, key := range look {
		all = append(all, harness.Arrival{Event: "trigger", DedupKey: key, Summary: "is " + token + "\nnow"})
	}
	return all, nil
}

func (*scripted) Carries() map[string][]string { return nil }

// A state is seen between the last look without it and the first with it, once; a look that is not answered tells nothing, and widens that.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := harness.NewClock()
		begun := clock.Now()
		var told []harness.Arrival
		w := pollers.Start(t.Context(), pollers.Options{Clock: clock, Clean: func(s string) string { return strings.ReplaceAll(s, token, "[redacted]") },
			OnState: func(a harness.Arrival) { told = append(told, a) }},
			[]pollers.Channel{{Name: "pagerduty", Every: 5 * time.Second, Poller: &scripted{looks: [][]string{{"old"}, {"old"}, nil, {"old", "new"}, {"new"}, {"new"}}}}})
		time.Sleep(27 * time.Second)
		w.Close()
		at := func(a harness.Arrival) string {
			since := func(s harness.Stamp) time.Duration { return s.Sub(begun).Round(time.Second) }
			if a.Earliest == 0 {
				return fmt.Sprintf("%s %s at %v", a.DedupKey, a.Event, since(a.At))
			}
			return fmt.Sprintf("%s %s %v-%v", a.DedupKey, a.Event, since(a.Earliest), since(a.At))
		}
		var got []string
		for _, a := range w.Arrivals() {
			got = append(got, at(a))
			if !a.Polled || !a.Accepted || a.Nonce || a.Channel != "pagerduty" || a.Summary != "is [redacted] now" {
				t.Errorf("%+v", a)
			}
		}
		if s := strings.Join(got, ", "); s != "old trigger at 0s, new trigger 5s-15s, old resolve 15s-20s" || len(told) != len(got) {
			t.Errorf("%s; %d told", s, len(told))
		}
		p := w.Polls()[0]
		if p.Count != 5 || p.Failed != 1 || p.Gap.Hi.Sub(p.Gap.Lo).Round(time.Second) != 10*time.Second || p.Ran.Hi.Sub(begun).Round(time.Second) != 25*time.Second ||
			strings.Contains(p.Error, token) || p.Error == "" || !p.Watches(harness.Interval{Lo: begun + 1, Hi: begun.Add(20 * time.Second)}) || p.Watches(harness.Interval{Lo: begun, Hi: begun.Add(time.Minute)}) {
			t.Errorf("%+v", p)
		}
	})
}

// A whole watch over TLS: what is kept holds no secret.
func TestWatchOverTLSKeepsNoSecret(t *testing.T) {
	url, roots := served(t, pagerDutyFake(func() []string { return []string{incidentOf(1)} }))
	var mu sync.Mutex
	hidden := []string{}
	a := around(func(all ...string) { mu.Lock(); defer mu.Unlock(); hidden = append(hidden, all...) })
	seen := make(chan harness.Arrival, 10)
	w := pollers.Start(t.Context(), pollers.Options{Clock: harness.NewClock(), OnState: func(a harness.Arrival) { seen <- a }, Clean: func(s string) string {
		mu.Lock()
		defer mu.Unlock()
		for _, h := range hidden {
			s = strings.ReplaceAll(s, h, "[redacted]")
		}
		return s
	}}, []pollers.Channel{{Name: "pagerduty", Every: time.Second, Poller: pager(t, url, roots), Around: a}})
	got := <-seen
	w.Close()
	if text := fmt.Sprintf("%+v %+v", got, w.Polls()); strings.Contains(text, token) || !strings.Contains(got.Summary, "[redacted]") {
		t.Error(text)
	}
}

// TestKinds is what every kind must do: say what it is, read its example, name what its states carry, refuse what is no answer of its
// service, and have TLS that is checked.
func TestKinds(t *testing.T) {
	bad, _ := served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"a": [1], "incidents": 3, "items": null}`))
	}))
	for _, k := range pollers.Kinds.All() {
		if k.Doc == "" || !strings.Contains(k.Example, "channel: "+k.Name) {
			t.Errorf("%s does not say what it is", k.Name)
		}
		if events := k.New().Carries()["event"]; len(events) != 2 || pollers.Traits()[k.Name].Carries["summary"] != nil || !pollers.Traits()[k.Name].Polled {
			t.Errorf("%s carries %v", k.Name, k.New().Carries())
		}
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		with := map[string]map[string]any{
			"pagerduty.incidents": {"url": bad, "token": map[string]any{"file": path}, "services": []any{"P"}},
			"alertmanager.alerts": {"url": bad}, "http.list": {"url": bad, "list": "/a", "fields": map[string]any{"incident": "/id"}},
		}[k.Name]
		if with == nil {
			t.Errorf("%s: this suite has no parameters for it", k.Name)
			continue
		}
		p := made(t, k.Name, with)
		if _, err := p.Poll(t.Context(), around(func(...string) {})); !component.Refused(err) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s takes a certificate that nobody vouches for: %v", k.Name, err)
		}
		j, ok := p.(interface{ With() any }).With().(target.Judge)
		if !ok {
			t.Errorf("%s has no rules", k.Name)
			continue
		}
		if _, wrong, hint := j.Wrong(&target.Target{Metadata: target.Metadata{Environment: harness.Rehearsal}}, false); wrong != "" {
			t.Errorf("%s: loopback is refused: %s, %s", k.Name, wrong, hint)
		}
	}
}

// FuzzPoll reads foreign answers: what is accepted has keys, and no time of its own.
func FuzzPoll(f *testing.F) {
	f.Add(`{"incidents":[{"id":"a","title":7}],"more":false}`)
	f.Add(`[{"labels":{"a":"b"},"fingerprint":"f"}]`)
	f.Add(`[{"id":1}]`)
	var body atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body.Load().(string))) }))
	f.Cleanup(s.Close)
	path := filepath.Join(f.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		f.Fatal(err)
	}
	all := []pollers.Poller{made(f, "pagerduty.incidents", map[string]any{"url": s.URL, "token": map[string]any{"file": path}, "services": []any{"P"}}),
		made(f, "alertmanager.alerts", map[string]any{"url": s.URL}), made(f, "http.list", map[string]any{"url": s.URL, "fields": map[string]any{"incident": "/id"}})}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, `"more"`) && strings.Contains(text, "true") {
			return // more of the same without end, up to the bound
		}
		body.Store(text)
		for _, p := range all {
			states, err := p.Poll(t.Context(), around(func(...string) {}))
			for _, a := range states {
				if a.DedupKey == "" || a.At != 0 || err != nil {
					t.Errorf("%+v, %v", a, err)
				}
			}
		}
	})
}
