package victim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blackstart/harness"

	"github.com/jackc/pgx/v5"
)

// askAgain is the pause between two readings of a state that is to be reached.
const askAgain = 50 * time.Millisecond

// errPromoted says why a question about a standby has no answer: only a node in recovery receives and replays.
var errPromoted = errors.New("it is not in recovery, so nothing is replicated to it")

// errNoPrimary says why a question about a primary has no answer.
var errNoPrimary = errors.New("it is in recovery, so it is no primary")

// replicationAsker asks a database what it knows of its own replication.
func (s scene) replicationAsker(check harness.Check) (asker, error) {
	db, err := s.database(check.On)
	if err != nil {
		return nil, err
	}
	ask := map[harness.CheckKind]func(context.Context, *pgx.Conn) error{
		harness.ReceiverGone:    receiver(false),
		harness.ReceiverStreams: receiver(true),
		harness.SlotInactive:    slots(false),
		harness.SlotActive:      slots(true),
		harness.ReplayPaused:    replay("paused"),
		harness.ReplayRuns:      replay("not paused"),
	}[check.Kind]
	if ask != nil {
		return func(ctx context.Context, _ func()) error { return db.do(ctx, ask) }, nil
	}
	source, err := s.source()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ func()) error { return logsAgree(ctx, source, db) }, nil
}

func receiver(wanted bool) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		var recovering bool
		var streaming, hidden int
		// An account without the right to see it reads a receiver without a status: that is not its absence.
		err := c.QueryRow(ctx, `SELECT pg_is_in_recovery(), count(*) FILTER (WHERE status = 'streaming'),
			count(*) FILTER (WHERE status IS NULL) FROM pg_stat_wal_receiver`).Scan(&recovering, &streaming, &hidden)
		switch {
		case err != nil:
			return err
		case !recovering:
			return errPromoted
		case hidden > 0:
			return errors.New("the account may not see the receiver: grant it pg_read_all_stats")
		case wanted && streaming == 0:
			return errors.New("no WAL receiver streams")
		case !wanted && streaming > 0:
			return errors.New("its WAL receiver still streams")
		}
		return nil
	}
}

func slots(wanted bool) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		var recovering bool
		var all, active int
		err := c.QueryRow(ctx, `SELECT pg_is_in_recovery(), count(*), count(*) FILTER (WHERE active)
			FROM pg_replication_slots WHERE slot_type = 'physical'`).Scan(&recovering, &all, &active)
		switch {
		case err != nil:
			return err
		case recovering:
			return errNoPrimary
		case all == 0:
			return errors.New("it has no replication slot, so whether one is in use says nothing")
		case wanted && active == 0:
			return fmt.Errorf("none of its %d replication slots is in use", all)
		case !wanted && active > 0:
			return fmt.Errorf("%d of its %d replication slots are still in use", active, all)
		}
		return nil
	}
}

func replay(want string) func(context.Context, *pgx.Conn) error {
	return func(ctx context.Context, c *pgx.Conn) error {
		var state *string
		err := c.QueryRow(ctx, `SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END`).Scan(&state)
		switch {
		case err != nil:
			return err
		case state == nil:
			return errPromoted
		case *state != want:
			return fmt.Errorf("its replay is %s", *state)
		}
		return nil
	}
}

// logsAgree holds when the standby has, within the time of one answer, all log that the primary had when it was asked
// first. It never asks the other way round: log that is written in between would look like a lag.
func logsAgree(ctx context.Context, source, standby database) error {
	var written string
	err := source.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		var at *string
		err := c.QueryRow(ctx, `SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn()::text END`).Scan(&at)
		if err == nil && at == nil {
			return fmt.Errorf("%s: %w", source.Name, errNoPrimary)
		}
		if err == nil {
			written = *at
		}
		return err
	})
	if err != nil {
		return err
	}
	return standby.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		var recovering, agrees bool
		var received string
		for end := time.Now().Add(statementTimeout); ; {
			err := c.QueryRow(ctx, `SELECT pg_is_in_recovery(), coalesce(pg_last_wal_receive_lsn()::text, 'nothing'),
				coalesce(pg_last_wal_receive_lsn() >= $1::pg_lsn, false)`, written).Scan(&recovering, &received, &agrees)
			switch {
			case err != nil:
				return err
			case !recovering:
				return errPromoted
			case agrees:
				return nil
			}
			if time.Now().After(end) || !pause(ctx, askAgain) {
				return fmt.Errorf("it has received %s, the primary had written %s", received, written)
			}
		}
	})
}
