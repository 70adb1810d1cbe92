package scratch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/victim"
	"blackstart/injectors"
	"blackstart/internal/registry"
	"blackstart/scenarios"
)

// described is a target that has a queue in each region.
func described() harness.Description {
	return harness.Description{
		Name: "scratch", Breakable: []string{"east", "west"},
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.queue", Kind: "queue", Region: "east"}, {Name: "west.queue", Kind: "queue", Region: "west"},
			{Name: "east.db", Kind: "postgres", Region: "east"},
		},
	}
}

// queue says how deep it is to whoever connects, and is the driver that leads there.
type queue struct {
	depth   atomic.Int64
	address string
}

func newQueue(t *testing.T) *queue {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	q := &queue{address: l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(c, "%d\n", q.depth.Load())
			_ = c.Close()
		}
	}()
	return q
}

func (q *queue) Access(string, string) (harness.Access, error) {
	return harness.Access{Address: q.address}, nil
}

func (q *queue) Running(context.Context, string) (bool, error) { return true, nil }

// The probe is asked of the standby's queue, and where there is none it is not available.
func TestAProbeIsOneFile(t *testing.T) {
	q := newQueue(t)
	q.depth.Store(7)
	kind, _ := probes.Probes.Get("queue.depth")
	around := harness.RunningTarget{Target: described(), Clock: harness.NewClock(), Access: q.Access}
	runs := probes.Open([]registry.Kind[probes.Factory]{kind}, nil, around, false)
	if len(runs) != 1 || runs[0].On != "west.queue" || runs[0].Role != harness.Standby {
		t.Fatalf("%+v", runs)
	}
	ctx, end := context.WithCancel(t.Context())
	var seen []harness.Observation
	runs[0].Run(ctx, func(o harness.Observation) {
		seen = append(seen, o)
		end()
	})
	if len(seen) == 0 || !seen[0].OK || seen[0].Value != 7 {
		t.Errorf("saw %+v", seen)
	}
	around.Target.Components = around.Target.Components[2:]
	runs = probes.Open([]registry.Kind[probes.Factory]{kind}, nil, around, false)
	if len(runs) != 1 || !strings.Contains(runs[0].Missing, "region west has no component of kind queue") {
		t.Errorf("%+v", runs)
	}
}

// A guard on the probe is judged by its traits: nobody told the reader of scenarios what region.kill takes away from it.
func TestAGuardOnItIsJudged(t *testing.T) {
	text, err := os.ReadFile("../../testdata/scenarios/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := probes.Probes.Get("queue.depth")
	known := scenarios.Known{
		Probes: map[string]harness.ProbeTraits{"queue.depth": kind.New().Traits(), "replication.heartbeat": {}},
		Target: func(harness.Scenario) harness.Description { return described() },
		Plan: func(d harness.Description, f harness.FaultSpec) (harness.Plan, error) {
			fault, _ := injectors.Faults.Get("region.kill")
			return fault.New().Plan(t.Context(), d, harness.FaultSpec{Kind: "region.kill", On: f.On})
		},
	}
	for _, tc := range []struct{ fault, guard, want string }{
		{harness.Primary, harness.Standby, ""},
		{harness.Standby, harness.Standby, "which fault 1 (region.partition) takes away"},
		{harness.Primary, harness.Primary, "is not asked there, and could never stop anything"},
	} {
		changed := strings.NewReplacer("{probe: http.health, region: standby,", "{probe: queue.depth, region: "+tc.guard+",",
			"kind: region.partition, on: primary", "kind: region.partition, on: "+tc.fault).Replace(string(text))
		_, _, err := scenarios.Reader{Known: known}.Parse("valid.yaml", []byte(changed), nil, "")
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

// The check holds when the queue is empty, and a drill knows that it needs a standby that follows.
func TestACheckIsOneFile(t *testing.T) {
	q := newQueue(t)
	checks := []harness.Check{{Kind: "queue.drained", On: "west.queue"}}
	if _, err := victim.Await(t.Context(), described(), q, checks, 5*time.Second, harness.NewClock()); err != nil {
		t.Error(err)
	}
	q.depth.Store(3)
	_, err := victim.Await(t.Context(), described(), q, checks, 50*time.Millisecond, harness.NewClock())
	var notHeld *victim.ChecksFailedError
	if !errors.As(err, &notHeld) || !strings.Contains(err.Error(), "3 messages wait in it") {
		t.Errorf("got %v", err)
	}
	if !victim.Follows("queue.drained") {
		t.Error("its trait is not known")
	}
}

// The channel is delivered to, answers, and tells this drill's alerts from others.
func TestAChannelIsOneFile(t *testing.T) {
	r, err := receivers.Start(t.Context(), receivers.Options{Clock: harness.NewClock(), Nonce: "nonce-of-a-scratch-drill"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all := r.Deliveries()
	at := slices.IndexFunc(all, func(d harness.Delivery) bool { return d.Channel == "bell" })
	if at < 0 {
		t.Fatalf("deliveries %v", all)
	}
	for key, want := range map[string]int{all[at].Secret: http.StatusNoContent, "another": http.StatusForbidden} {
		req, err := http.NewRequest(http.MethodPost, all[at].URL, strings.NewReader("east is down, key "+key))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Key", key)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		arrivals := r.Arrivals()
		a := arrivals[len(arrivals)-1]
		ours := want == http.StatusNoContent
		if res.StatusCode != want || a.Channel != "bell" || a.Nonce != ours || a.Accepted != ours || strings.Contains(a.Summary, all[at].Secret) {
			t.Errorf("answered %d, recorded %+v", res.StatusCode, a)
		}
	}
}
