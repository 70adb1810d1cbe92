package probes

import (
	"context"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: lagName,
	Doc: "Bytes of the primary's log that the standby has not replayed; the primary's position is read first. It is not OK " +
		"while no sender, no receiver or no active slot is there: absence is not zero.",
	Example: "{probe: replication.lag}",
	New:     func() Factory { return lagFactory{} },
})

// Every question costs two round trips; positions are read as bytes since 0/0.
const (
	lagName  = "replication.lag"
	lagEvery = 250 * time.Millisecond

	sourceSQL = `SELECT pg_is_in_recovery(),
	CASE WHEN pg_is_in_recovery() THEN NULL ELSE (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint END,
	(SELECT count(*) FROM pg_stat_replication WHERE state IS NULL OR state IN ('streaming', 'catchup')),
	(SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' AND active),
	(SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical')`

	copySQL = `SELECT pg_is_in_recovery(),
	(pg_last_wal_receive_lsn() - '0/0'::pg_lsn)::bigint,
	(pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint,
	(SELECT count(*) FROM pg_stat_wal_receiver)`
)

type lagFactory struct{}

// Every is the pace of questions.
func (lagFactory) Every() time.Duration { return lagEvery }

// Traits: it asks the standby's database how much it lacks.
func (lagFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Speaks: postgresKind, Roles: []string{harness.Standby}, Follows: true, Unit: unitBytes}
}

// Open looks up both databases. The region of the config is the one whose copy is asked about; empty: the standby.
func (lagFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	primary, standby, err := pair(config)
	if err != nil {
		return nil, err
	}
	return &lagProbe{clock: config.Clock, primary: primary, standby: standby}, nil
}

type lagProbe struct {
	clock            *harness.Clock
	primary, standby *database
}

// primaryState is what the primary says of its log and of who reads it.
type primaryState struct {
	recovering                  bool
	written                     *int64 // bytes; nil in recovery
	senders, activeSlots, slots int
}

// standbyState is what the standby says of what it has.
type standbyState struct {
	recovering         bool
	received, replayed *int64 // bytes; nil if it never did
	receivers          int
}

// Ask reads the primary's position, then the standby's, so that the standby can only look better than it was.
func (l *lagProbe) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{Probe: lagName, On: l.standby.component, Unit: unitBytes}
	var s primaryState
	var c standbyState
	o.At.Lo = l.clock.Now()
	asked := l.primary
	err := l.primary.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sourceSQL).Scan(&s.recovering, &s.written, &s.senders, &s.activeSlots, &s.slots)
	})
	if err == nil {
		asked = l.standby
		err = l.standby.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, copySQL).Scan(&c.recovering, &c.received, &c.replayed, &c.receivers)
		})
	}
	o.At.Hi = l.clock.Now()
	o.Reached = reached(err)
	if err != nil {
		o.Detail = truncate(asked.component + ": " + reason(err))
		return o
	}
	o.Value, o.OK, o.Detail = judgeLag(s, c)
	return o
}

// judgeLag says how many bytes the standby is behind, whether replication is there at all, and in words what is wrong.
func judgeLag(s primaryState, c standbyState) (behind int64, ok bool, detail string) {
	switch {
	case s.recovering || s.written == nil:
		return 0, false, "the primary is in recovery: it is not the source of anything"
	case !c.recovering:
		return 0, false, "role=promoted: the standby is not in recovery, so nothing is replicated to it"
	case c.replayed == nil || c.received == nil:
		return *s.written, false, "the standby has received nothing since it was started"
	}
	behind = max(0, *s.written-*c.replayed)
	detail = fmt.Sprintf("not received %d bytes, not replayed %d bytes, %d senders, %d receivers, %d of %d slots active",
		max(0, *s.written-*c.received), behind, s.senders, c.receivers, s.activeSlots, s.slots)
	ok = s.senders > 0 && c.receivers > 0 && (s.slots == 0 || s.activeSlots > 0)
	return behind, ok, detail
}

// Close ends both connections.
func (l *lagProbe) Close() {
	l.primary.close()
	l.standby.close()
}
