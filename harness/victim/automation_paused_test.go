package victim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"blackstart/harness"
)

// Paused is what a member says of itself, as Patroni 3.0 does; anything else is neither.
func TestAPausedCluster(t *testing.T) {
	var answer atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/cluster" || r.Header.Get("Authorization") != "" {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = io.WriteString(w, answer.Load().(string))
	}))
	defer s.Close()
	d := target("api", "tcp", s.Listener.Addr().String())
	driver := served{way: harness.Access{URL: s.URL + "/health?x=1", Headers: http.Header{"Authorization": {"Bearer pl4nted"}}}}
	on := func(kind harness.CheckKind) harness.Check { return harness.Check{Kind: kind, On: "x"} }
	const members = `{"members": [{"name": "a", "role": "leader", "state": "running"}]`
	answer.Store(members + `, "pause": true}`)
	holds(t, d, driver, []harness.Check{on(harness.AutomationPaused)})
	denies(t, d, driver, on(harness.AutomationRuns), "is paused")
	answer.Store(members + `}`)
	holds(t, d, driver, []harness.Check{on(harness.AutomationRuns)})
	denies(t, d, driver, on(harness.AutomationPaused), "not paused")
	for _, text := range []string{`{}`, `{"pause": true}`, `<html>`} {
		answer.Store(text)
		denies(t, d, driver, on(harness.AutomationPaused), "none of Patroni")
		denies(t, d, driver, on(harness.AutomationRuns), "none of Patroni")
	}
}
