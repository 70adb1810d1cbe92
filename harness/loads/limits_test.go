package loads

import (
	"fmt"
	"io"
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
		"much at a time": {"http.ledger", map[string]any{"path": "/orders/{uuid}", "body": "{seq}" + strings.Repeat("x", 80), "status": 201, "headers": []any{map[string]any{"name": "Key", "value": "{uuid}"}},
			"lookup": map[string]any{"path": "/orders/{uuid}", "pointer": "/id"}}, Wanted{Rate: 20, Connections: 40, Rows: 2000, Bytes: 2000 * (4 + 8 + 36 + 20 + 80 + 3 + 36), Sized: true}},
		"in a cache":        {"redis.ledger", map[string]any{"amount": "100.00"}, Wanted{Rate: 20, Connections: 1, Rows: 2000, Bytes: 2000 * (17 + 1 + 32 + 1 + 20 + 20 + 1 + 6), Sized: true}},
		"reads":             {"http.request", nil, Wanted{Rate: 20, Connections: 40, Sized: true}},
		"writes":            {"http.request", post, Wanted{Rate: 20, Connections: 40, Rows: 2000, Bytes: 2000 * 11, Sized: true}},
		"two sets":          {"http.request", map[string]any{"cohorts": []any{"fresh", "pooled"}}, Wanted{Rate: 20, Connections: 80, Sized: true}},
		"a ledger":          {"postgres.ledger", nil, Wanted{Rate: 20, Connections: 1, Rows: 2000, Bytes: 2000 * 84, Sized: true}},
		"tried again twice": {"postgres.ledger", map[string]any{"retries": 2}, Wanted{Rate: 20, Connections: 1, Rows: 6000, Bytes: 6000 * 84, Sized: true}},
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
	for most, want := range map[harness.LoadLimits]string{{Bytes: 251}: "one operation may write 3 times 84B, and its file lets a load write 251B", {Bytes: 252}: "1 operations", {Bytes: 84 * 30, Rows: 9}: "3 operations",
		{Bytes: 84 * 7, Rows: 900}: "2 operations"} {
		s.Target.LoadLimits = &most
		got := ""
		if l, _, err := Open(1, spec, s); err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprintf("%d operations", l.(*load).config.Slots)
		}
		if got != want {
			t.Errorf("%+v: %s, want %s", most, got, want)
		}
	}
}

// TestNoWriteIsMoreThanItsSize: what arrives of a write is no more than was counted, whatever its number and id are.
func TestNoWriteIsMoreThanItsSize(t *testing.T) {
	var most, all atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n := int64(len(r.Method) + len(r.URL.RequestURI()) + len("Key") + len(r.Header.Get("Key")) + len(body))
		all.Add(n)
		most.Store(max(most.Load(), n))
	}))
	defer server.Close()
	at := netip.MustParseAddrPort(server.Listener.Addr().String())
	s := harness.RunningTarget{RunID: uuid.NewString(), Clock: harness.NewClock(), Target: described(), DataDir: t.TempDir()}
	s.Target.Entry = harness.Entry{Name: at.Addr().String(), Port: int(at.Port()), URL: server.URL + "/"}
	s.Target.LoadLimits = &harness.LoadLimits{Bytes: 2000}
	s.Access = func(string, string) (harness.Access, error) { return harness.Access{URL: server.URL + "/"}, nil }
	spec := harness.LoadSpec{ID: "w", Workload: "http.request", Place: harness.Outside, Rate: harness.Rate{Count: 200, Per: time.Second}, Timeout: harness.Duration(time.Second),
		With: map[string]any{"method": "POST", "path": "/orders/{uuid}", "body": "{seq} is one of {uuid}", "headers": []any{map[string]any{"name": "Key", "value": "{seq}-{uuid}"}}}}
	size, sized := writeSize(spec)
	l, _, err := Open(1, spec, s)
	if err != nil || !sized {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams, err := l.Wait() // nobody stops it
	if err != nil || streams[0].Count != int(2000/size) || most.Load() > int64(size) || most.Load() < int64(size)-60 || all.Load() > 2000 || all.Load() < 1000 {
		t.Errorf("%d of %d bytes at most, %d in all, %+v, %v", most.Load(), size, all.Load(), streams, err)
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
