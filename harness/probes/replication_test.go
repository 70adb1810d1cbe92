package probes

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/internal/heartbeat"

	"github.com/jackc/pgx/v5"
)

// naiveLag is the statement that the trap is about: it calls a standby that has replayed all it received up to date.
const naiveLag = `SELECT (CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
	ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END)::float8`

// TestReplication follows one real pair through its life, because each stage needs the one before.
func TestReplication(t *testing.T) {
	bin := postgresBin(t)
	primary := startPrimary(t, bin)
	standby := startStandby(t, primary)
	cfg := config(primary, standby)
	heartbeat, lag, writable := open(t, "replication.heartbeat", cfg), open(t, "replication.lag", cfg), open(t, "postgres.writable", cfg)

	t.Run("healthy", func(t *testing.T) {
		o := until(t, heartbeat, "young", func(o harness.Observation) bool { return o.OK })
		if o.Value < 0 || o.Unit != "ns" || o.On != "west.db" || o.Detail != "role=standby" {
			t.Errorf("heartbeat says %+v", o)
		}
		next := until(t, heartbeat, "renewed", func(n harness.Observation) bool {
			return n.OK && n.At.Hi-harness.Stamp(n.Value) > o.At.Hi-harness.Stamp(o.Value)
		})
		if next.Value < 0 {
			t.Errorf("row is %v ahead of its own clock", time.Duration(-next.Value))
		}
		o = until(t, lag, "attached", func(o harness.Observation) bool { return o.OK })
		if o.Unit != "bytes" || !strings.Contains(o.Detail, "1 senders, 1 receivers, 1 of 1 slots active") {
			t.Errorf("lag says %+v", o)
		}
		if o := writable.Ask(t.Context()); o.OK || !o.Reached || o.Detail != InRecovery || o.Value != 0 {
			t.Errorf("writable says %+v of a standby", o)
		}
	})
	t.Run("primary asked instead", func(t *testing.T) {
		east := cfg
		east.Region = "east"
		o := open(t, "postgres.writable", east).Ask(t.Context())
		if !o.OK || o.Value != 1 || o.On != "east.db" {
			t.Errorf("writable says %+v of a primary", o)
		}
		if ask[*time.Time](primary, "SELECT pg_last_xact_replay_timestamp()") != nil {
			t.Error("pg_last_xact_replay_timestamp() is not NULL on a primary: trap 1 has changed")
		}
		swapped := config(standby, primary) // the description is wrong: its primary is in recovery
		if o := open(t, "replication.lag", swapped).Ask(t.Context()); o.OK || !strings.Contains(o.Detail, "primary is in recovery") {
			t.Errorf("lag says %+v of a source in recovery", o)
		}
		o = until(t, open(t, "replication.heartbeat", swapped), "refused", func(o harness.Observation) bool {
			return strings.Contains(o.Detail, "last write on east.db: SQLSTATE 25006")
		})
		if o.OK {
			t.Errorf("heartbeat says %+v", o)
		}
	})
	t.Run("replication broken", func(t *testing.T) { brokenReplication(t, primary, standby, heartbeat, lag) })
	t.Run("promotion", func(t *testing.T) { promotion(t, primary, standby, cfg, writable) })
	t.Run("promoted", func(t *testing.T) {
		if o := heartbeat.Ask(t.Context()); o.OK || !strings.Contains(o.Detail, "role=promoted") {
			t.Errorf("heartbeat says %+v of a promoted node", o)
		}
		if o := lag.Ask(t.Context()); o.OK || !strings.Contains(o.Detail, "role=promoted") {
			t.Errorf("lag says %+v of a promoted node", o)
		}
		if ask[*time.Time](standby, "SELECT pg_last_xact_replay_timestamp()") == nil {
			t.Error("pg_last_xact_replay_timestamp() is NULL on a promoted node: trap 1 has changed")
		}
	})
	t.Run("gone", func(t *testing.T) { gone(t, primary, standby, heartbeat, lag, writable) })
}

// gone stops the standby, then the primary.
func gone(t *testing.T, primary, standby *cluster, heartbeat, lag, writable harness.Probe) {
	standby.stop()
	for _, p := range []harness.Probe{heartbeat, lag, writable} {
		until(t, p, "unreachable", func(o harness.Observation) bool {
			return !o.OK && !o.Reached && strings.Contains(o.Detail, "connection refused")
		})
	}
	standby.start()
	until(t, writable, "writable again", func(o harness.Observation) bool { return o.OK })
	primary.stop()
	until(t, lag, "unreachable", func(o harness.Observation) bool {
		return !o.OK && !o.Reached && o.Detail == "east.db: connection refused"
	})
	until(t, heartbeat, "without a writer", func(o harness.Observation) bool {
		return strings.HasSuffix(o.Detail, "last write on east.db: connection refused")
	})
}

// brokenReplication is trap 2: receive = replay says 0 while the standby lacks thousands of rows.
func brokenReplication(t *testing.T, primary, standby *cluster, heartbeat, lag harness.Probe) {
	conninfo := ask[string](standby, "SHOW primary_conninfo")
	standby.exec("ALTER SYSTEM SET primary_conninfo = ''")
	standby.exec("SELECT pg_reload_conf()")
	until(t, lag, "detached", func(o harness.Observation) bool {
		return !o.OK && o.Reached && strings.Contains(o.Detail, "0 senders, 0 receivers, 0 of 1 slots active")
	})
	primary.exec("CREATE TABLE missed AS SELECT g AS id FROM generate_series(1, 5000) g")
	if naive := ask[float64](standby, naiveLag); naive != 0 {
		t.Errorf("the naive statement says %v, not 0: trap 2 has changed", naive)
	}
	if o := lag.Ask(t.Context()); o.OK || o.Value < 5000*24 {
		t.Errorf("lag says %+v of a standby that lacks 5 000 rows", o)
	}
	first := heartbeat.Ask(t.Context())
	second := until(t, heartbeat, "older", func(o harness.Observation) bool { return o.Value > first.Value+int64(minBeat) })
	if second.At.Hi.Sub(first.At.Hi) < minBeat {
		t.Errorf("age grew faster than time: %+v, then %+v", first, second)
	}
	standby.exec("ALTER SYSTEM SET primary_conninfo = '" + strings.ReplaceAll(conninfo, "'", "''") + "'")
	standby.exec("SELECT pg_reload_conf()")
	until(t, lag, "attached again", func(o harness.Observation) bool { return o.OK })
}

// promotion watches a real promotion with the series runner and holds the interval against the server's own account.
func promotion(t *testing.T, primary, standby *cluster, cfg harness.ProbeConfig, probe harness.Probe) {
	var mu sync.Mutex
	var kept []harness.Observation
	written := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var series harness.ProbeSeries
	running.Go(func() {
		series = Run(ctx, probe, writableFactory{}.Every(), cfg.Clock, func(o harness.Observation) {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, o)
			if o.OK && len(kept) > 1 {
				select {
				case <-written:
				default:
					close(written)
				}
			}
		})
	})
	primary.exec("SELECT pg_switch_wal()")
	before := cfg.Clock.Now()
	standby.exec("SELECT pg_promote(true)")
	after := cfg.Clock.Now()
	select {
	case <-written:
	case <-time.After(eventually):
		t.Error("no write was seen")
	}
	stop()
	running.Wait()
	first := slices.IndexFunc(kept, func(o harness.Observation) bool { return o.OK })
	if first < 1 { // thinning must leave the last answer before the change, by which the moment is bounded
		t.Fatalf("of %d kept answers number %d is the first write", len(kept), first)
	}
	last, wrote := kept[first-1].At, kept[first].At
	if wrote.Hi < before || last.Lo > after || wrote.Lo.Sub(last.Hi) > writableKeep {
		t.Errorf("no write at %v, a write at %v; promotion asked for at %v and reported at %v", last, wrote, before, after)
	}
	if series.Probe != "postgres.writable" || series.On != "west.db" || series.Count != len(kept) || series.Ran.Never() {
		t.Errorf("series %+v of %d answers", series, len(kept))
	}
}

func TestWriteThatTheServerOnlyHalfTookIsNoWrite(t *testing.T) {
	primary := startPrimary(t, postgresBin(t))
	primary.exec("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
	primary.exec("SELECT pg_reload_conf()")
	cfg := config(primary, primary)
	cfg.Region = "east"
	p := open(t, "postgres.writable", cfg)
	o := until(t, p, "told apart from a write", func(o harness.Observation) bool { return !o.OK && o.Reached }) // once reloaded
	if o.Value != 0 || !strings.Contains(o.Detail, errNotDurable.Error()) {
		t.Errorf("a commit that waits for nobody in vain: %+v", o)
	}
	waiting := `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for range 3 {
		p.Ask(t.Context())
	}
	if n := ask[int](primary, waiting); n > 0 {
		t.Errorf("%d sessions were left behind that wait for a standby", n)
	}
	primary.exec("ALTER SYSTEM RESET synchronous_standby_names")
	primary.exec("SELECT pg_reload_conf()")
	until(t, p, "writable", func(o harness.Observation) bool { return o.OK })
}

func TestHeartbeatWithoutATable(t *testing.T) {
	bin := postgresBin(t)
	primary, other := startPrimary(t, bin), startPrimary(t, bin)
	p := open(t, "replication.heartbeat", config(primary, other)) // the other one replicates nothing
	if o := p.Ask(t.Context()); o.OK || !o.Reached || !strings.Contains(o.Detail, "no heartbeat table") {
		t.Errorf("got %+v", o)
	}
	other.exec("CREATE SCHEMA blackstart; CREATE TABLE blackstart.heartbeat (id int PRIMARY KEY, at timestamptz NOT NULL)")
	if o := p.Ask(t.Context()); o.OK || !o.Reached || !strings.Contains(o.Detail, "no heartbeat row") {
		t.Errorf("got %+v", o)
	}
}

// Two probes begin at the same moment, and each may be the one that makes the table.
func TestWritersMayMakeTheTableTogether(t *testing.T) {
	primary := startPrimary(t, postgresBin(t))
	to, err := connConfig(primary.access())
	if err != nil {
		t.Fatal(err)
	}
	conns := make([]*pgx.Conn, 8)
	for i := range conns {
		if conns[i], err = pgx.ConnectConfig(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close(context.Background())
	}
	for range 20 {
		primary.exec("DROP SCHEMA IF EXISTS blackstart CASCADE")
		var all sync.WaitGroup
		for _, conn := range conns {
			all.Go(func() {
				if err := heartbeat.Write(t.Context(), conn, heartbeat.OfWrites, time.Now(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}
