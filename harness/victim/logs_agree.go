package victim

import (
	"context"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name:    string(harness.LogsAgree),
	Doc:     "Holds when a standby has received all log that the primary had written when it was asked, or more.",
	Example: "logs.agree on west.db",
	New: func() Kind {
		return Kind{Scope: ScopeComponent, Protocol: postgresKind, Follows: true, Plan: logsAgree}
	},
})

// logsAgree holds when the standby has, within the time of one answer, all log that the primary had when it was asked
// first. It never asks the other way round: log that is written in between would look like a lag.
func logsAgree(v Victim, check harness.Check) (Ask, error) {
	source, err := v.source()
	if err != nil {
		return nil, err
	}
	standby := v.database(check.On)
	return func(ctx context.Context, _ func()) error { return agree(ctx, source, standby) }, nil
}

func agree(ctx context.Context, source, standby database) error {
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
