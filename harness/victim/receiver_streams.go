package victim

import (
	"context"
	"errors"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var (
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.ReceiverStreams),
		Doc:     "Holds when a standby has a WAL receiver that streams.",
		Example: "receiver.streams on west.db",
		New: func() Kind {
			return Kind{Scope: ScopeComponent, Protocol: postgresKind, Follows: true, Plan: asks(receiver(true))}
		},
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.ReceiverGone),
		Doc:     "Holds when a standby has no WAL receiver that streams.",
		Example: "receiver.gone on west.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: asks(receiver(false))} },
	})
)

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
			return found("no WAL receiver streams")
		case !wanted && streaming > 0:
			return found("its WAL receiver still streams")
		}
		return nil
	}
}
