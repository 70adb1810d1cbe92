package workloads

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"blackstart/loadgen"
)

func TestResolver(t *testing.T) {
	ns := newNameServer(t, "127.0.0.9", 3600)
	lookup := func(r *resolver, wait time.Duration) (string, error) {
		addr, err := r.lookup(time.Now().Add(wait))
		return addr.String(), err
	}
	fresh := func(hold time.Duration) *resolver {
		r, err := newResolver(testName, ns.addr, hold)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := fresh(0)
	for range 5 {
		if got, err := lookup(r, testTimeout); got != "127.0.0.9" || err != nil {
			t.Fatal(got, err)
		}
	}
	if ns.asked.Load() != 1 {
		t.Errorf("a TTL of an hour asked %d times", ns.asked.Load())
	}
	ns.truncated.Store(true)
	if got, err := lookup(fresh(0), testTimeout); got != "127.0.0.9" || err != nil || ns.askedTCP.Load() != 1 {
		t.Error("after a cut answer:", got, err, ns.askedTCP.Load())
	}
	ns.truncated.Store(false)
	ns.rcode.Store(int32(dns.RcodeNameError))
	if _, err := lookup(fresh(0), testTimeout); classify(err) != loadgen.DNS || !strings.Contains(err.Error(), "NXDOMAIN") {
		t.Error(err)
	}
	if got, err := lookup(r, testTimeout); got != "127.0.0.9" || err != nil {
		t.Error("within the TTL:", got, err)
	}
	ns.rcode.Store(0)
	ns.active.Store("")
	if _, err := lookup(fresh(0), testTimeout); classify(err) != loadgen.DNS {
		t.Error(err)
	}
	if got, err := lookup(&resolver{fixed: r.addr}, 0); got != "127.0.0.9" || err != nil {
		t.Error(got, err)
	}
}

func TestSilentResolverGetsOneQuestionAtATime(t *testing.T) {
	ns := newNameServer(t, "127.0.0.1", 1)
	ns.silent.Store(true)
	op := openOp(t, Config{
		Timeout: 300 * time.Millisecond, Entry: Entry{Scheme: "http", Name: testName, Resolver: ns.addr, Port: 1},
	}, Fresh)
	done := make(chan loadgen.Outcome)
	const clients = 50
	for seq := range uint64(clients) {
		go func() { done <- do(t, op, seq).Outcome }()
	}
	for range clients {
		if got := <-done; got != loadgen.DNS {
			t.Error(got)
		}
	}
	if got := ns.asked.Load(); got < 1 || got > 5 {
		t.Errorf("%d requests asked %d times", clients, got)
	}
}

func TestTTLExpiresInTheCache(t *testing.T) {
	ns := newNameServer(t, "127.0.0.1", 1)
	r, err := newResolver(testName, ns.addr, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.lookup(time.Now().Add(testTimeout)); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(r.expires); left <= 0 || left > time.Second {
		t.Fatalf("a TTL of 1 s is kept for %s", left)
	}
	r.expires = time.Now() // as if the second had passed
	ns.active.Store("127.0.0.3")
	if addr, err := r.lookup(time.Now().Add(testTimeout)); err != nil || addr.String() != "127.0.0.3" {
		t.Fatal(addr, err)
	}
}
