package loads

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
)

// What a load may come to is counted for the worst case: nothing is answered, each write is tried again, and the drill takes as long as it may.
func TestWhatALoadMayWant(t *testing.T) {
	post := map[string]any{"method": "POST", "path": "/orders"}
	for name, c := range map[string]struct {
		workload string
		with     map[string]any
		want     Wanted
	}{
		"reads":             {"http.request", nil, Wanted{Rate: 20, Connections: 40}},
		"writes":            {"http.request", post, Wanted{Rate: 20, Connections: 40, Rows: 2000}},
		"two sets":          {"http.request", map[string]any{"cohorts": []any{"fresh", "pooled"}}, Wanted{Rate: 20, Connections: 80}},
		"a ledger":          {"postgres.ledger", nil, Wanted{Rate: 20, Connections: 1, Rows: 2000}},
		"tried again twice": {"postgres.ledger", map[string]any{"retries": 2}, Wanted{Rate: 20, Connections: 1, Rows: 6000}},
	} {
		got, ok := WantedOf(harness.LoadSpec{Workload: c.workload, With: c.with, Rate: harness.Rate{Count: 20, Per: time.Second}, Timeout: harness.Duration(2 * time.Second)}, 100*time.Second)
		if !ok || got != c.want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// A load is held to the limits of the target's file, whoever has checked them before.
func TestALoadIsHeldToItsLimits(t *testing.T) {
	spec := harness.LoadSpec{ID: "w", Workload: "http.request", Place: harness.Outside, Rate: harness.Rate{Count: 20, Per: time.Second},
		With: map[string]any{"method": "POST", "path": "/orders", "cohorts": []any{"fresh", "pooled"}}}
	s := harness.RunningTarget{RunID: uuid.NewString(), Clock: harness.NewClock(), Target: described()}
	s.Target.LoadLimits = &harness.LoadLimits{Rate: harness.Rate{Count: 20, Per: time.Second}, Connections: 50, Rows: 700}
	l, _, err := Open(1, spec, s)
	if err != nil {
		t.Fatal(err)
	}
	if c := l.(*load).config; c.Slots != 700 || c.Workers != 25 {
		t.Errorf("%d slots, %d workers", c.Slots, c.Workers)
	}
	s.Target.LoadLimits.Rate.Count = 19
	if _, _, err := Open(1, spec, s); err == nil || !strings.Contains(err.Error(), "a rate of 20/s is more than the 19/s") {
		t.Errorf("%v", err)
	}
	s.Target.LoadLimits = &harness.LoadLimits{Rows: 2}
	spec.Workload, spec.With = "postgres.ledger", map[string]any{"retries": 2}
	if _, _, err := Open(1, spec, s); err == nil || !strings.Contains(err.Error(), "may write 3 times") {
		t.Errorf("%v", err)
	}
}

// A load that has written as often as it may ends, and the service sees no write more.
func TestALoadEndsAtItsLimit(t *testing.T) {
	var posts atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { posts.Add(1) }))
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	s := harness.RunningTarget{RunID: uuid.NewString(), Clock: harness.NewClock(), Target: described(), DataDir: t.TempDir()}
	s.Target.Entry = harness.Entry{Name: at.Addr().String(), Port: int(at.Port()), URL: server.URL + "/"}
	s.Target.LoadLimits = &harness.LoadLimits{Rows: 7}
	s.Access = func(string, string) (harness.Access, error) { return harness.Access{URL: server.URL + "/"}, nil }
	l, _, err := Open(1, harness.LoadSpec{ID: "w", Workload: "http.request", Place: harness.Outside, Rate: harness.Rate{Count: 200, Per: time.Second},
		Timeout: harness.Duration(time.Second), With: map[string]any{"method": "POST", "path": "/orders"}}, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams, err := l.Wait() // nobody stops it
	if err != nil || posts.Load() != 7 || len(streams) != 1 || streams[0].Count != 7 || !streams[0].Closed {
		t.Errorf("%d writes, %+v, %v", posts.Load(), streams, err)
	}
}
