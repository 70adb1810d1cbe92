package workloads_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/measure"
	"blackstart/harness/reconcile"
	"blackstart/loadgen"
)

// link is the way from a replica to its master, until it is cut.
type link struct {
	net.Listener
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func newLink(t *testing.T, to string) *link {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &link{Listener: l}
	t.Cleanup(k.end)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			k.join(in, out)
		}
	}()
	return k
}

func (k *link) join(in, out net.Conn) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conns = append(k.conns, in, out)
	if k.cut {
		_, _ = in.Close(), out.Close()
		return
	}
	go func() { _, _ = io.Copy(out, in) }()
	go func() { _, _ = io.Copy(in, out) }()
}

// end cuts the link for good.
func (k *link) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = true
	_ = k.Close()
	for _, c := range k.conns {
		_ = c.Close()
	}
}

// caches is a driver of two Redis servers, of which the old one is started again to be read.
type caches struct {
	harness.Driver
	t          *testing.T
	east, west *server
}

func (c caches) access(_, component string) (harness.Access, error) {
	return harness.Access{Address: map[string]*server{"east.cache": c.east, "west.cache": c.west}[component].addr}, nil
}

func (c caches) StartAlone(_ context.Context, component string) (harness.Access, func(context.Context) error, error) {
	c.east.start(c.t)
	a, err := c.access("", component)
	return a, func(context.Context) error { c.east.kill(); return nil }, err
}

func (c caches) LedgerCommits(context.Context, string, string, string) (harness.WALReport, []harness.WALCommit, error) {
	return harness.WALReport{}, nil, errors.New("a cache keeps no log")
}

// TestAcknowledgedWritesThatAKilledRedisTookAlong: the replica no longer follows, the master still acknowledges, and is killed;
// what it acknowledged meanwhile is lost, exactly, by what the servers themselves list to another client.
func TestAcknowledgedWritesThatAKilledRedisTookAlong(t *testing.T) {
	east := newServer(t)
	way := newLink(t, east.addr)
	_, port, _ := net.SplitHostPort(way.Addr().String())
	west := newServer(t, "--replicaof", "127.0.0.1 "+port)
	until(t, "the replica follows", func() bool {
		info, err := west.client.InfoMap(t.Context(), "replication").Result()
		return err == nil && info["Replication"]["master_link_status"] == "up"
	})
	spec := harness.LoadSpec{ID: "sessions", Workload: "redis.ledger", Place: harness.Outside, Rate: harness.Rate{Count: 500, Per: time.Second},
		Timeout: harness.Duration(500 * time.Millisecond), With: harness.With{"amount": "1.00"}}
	root, driver := t.TempDir(), caches{t: t, east: east, west: west}
	around, rec := scene(spec, driver, root)
	if err := reconcile.Prepare(rec.Scenario.Load)(t.Context(), around); err != nil {
		t.Fatal(err)
	}
	load, _, err := loads.Open(1, spec, around)
	if err != nil {
		t.Fatal(err)
	}
	if err := load.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func(s *server) int64 { n, _ := s.client.DBSize(t.Context()).Result(); return n }
	until(t, "both have writes", func() bool { return count(west) > 100 })
	way.end()
	then := count(west)
	until(t, "the master acknowledges alone", func() bool { return count(east) > then+300 })
	east.kill()
	fault := around.Clock.SinceAnchor()
	if err := west.client.ReplicaOf(t.Context(), "NO", "ONE").Err(); err != nil {
		t.Fatal(err)
	}
	kept := count(west)
	until(t, "writers have found the new master", func() bool { return count(west) > kept+100 })
	load.Stop()
	if rec.Streams, err = load.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := reconcile.Ledger(driver)(t.Context(), around, rec); err != nil {
		t.Fatal(err)
	}
	judge(t, rec, root, driver, fault)
}

// scene is a target of two Redis servers of which one follows the other, and an empty record of a drill on it.
func scene(spec harness.LoadSpec, driver caches, root string) (harness.RunningTarget, *harness.Record) {
	around := harness.RunningTarget{RunID: uuid.Must(uuid.NewV7()).String(), Clock: harness.NewClock(), Access: driver.access, DataDir: filepath.Join(root, "data")}
	around.Target = harness.Description{
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.cache", Kind: "redis", Region: "east", Role: harness.Primary}, {Name: "west.cache", Kind: "redis", Region: "west", Role: harness.Standby},
		},
	}
	return around, &harness.Record{RunID: around.RunID, Anchor: around.Clock.Anchor(), Scenario: harness.Scenario{Load: []harness.LoadSpec{spec}}}
}

// judge holds what was counted against what the servers list.
func judge(t *testing.T, rec *harness.Record, root string, driver caches, fault int64) {
	t.Helper()
	driver.east.start(t)
	old, now := driver.east.keys(t), driver.west.keys(t)
	run := uuid.MustParse(rec.RunID)
	w := writes{run: run}
	got, want, missing := map[string]int{}, map[string]int{}, 0
	var all []measure.Attempt
	for a, err := range measure.Files(os.DirFS(root), rec).Attempts(1) {
		if err != nil {
			t.Fatal(err)
		}
		got[measure.ClassOf(a)]++
		key := w.key(1, uint64(len(all)))
		all = append(all, a)
		want[measure.ClassOf(measure.Attempt{Attempt: a.Attempt, New: int(now[key]), Old: int(old[key])})]++
		if old[key] > 0 && now[key] == 0 {
			missing++
		}
	}
	l := rec.Ledger
	if !maps.Equal(got, want) || l.OldOnly != missing || !l.Read || !l.OldRead || !l.Promoted || l.BusinessTwice != 0 {
		t.Errorf("counted %v, the servers list %v; %d of them missing: %+v", got, want, missing, l)
	}
	loss := measure.LossOf(slices.Values(all), fault, nil)
	if loss.Lost < 100 || loss.Lost != want[measure.Lost] || int64(loss.Amount) != int64(100*loss.Lost) || loss.Unread > 0 {
		t.Errorf("lost %+v, the servers list %v", loss, want)
	}
	if len(all) == 0 || all[len(all)-1].Outcome != loadgen.AttemptOK {
		t.Error("the writers have not found the new master")
	}
	t.Logf("%v, rpo %+v", got, loss)
}
