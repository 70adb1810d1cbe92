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
		Name:    string(harness.ReplayRuns),
		Doc:     "Holds when a standby's replay is not paused; one that was promoted replays nothing more, paused or not.",
		Example: "replay.runs on west.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: replayRuns} },
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.ReplayPaused),
		Doc:     "Holds when a standby's replay is paused.",
		Example: "replay.paused on west.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: asks(replay("paused"))} },
	})
)

// replayRuns asks the standby alone: it can hold whatever became of the primary, and is over with the replay itself.
func replayRuns(v Victim, check harness.Check) (Ask, error) {
	db := v.database(check.On)
	standby, _ := v.Target.RegionByRole(harness.Standby)
	return func(ctx context.Context, _ func()) error {
		err := db.do(ctx, replay("not paused"))
		if db.Region == standby.Name && errors.Is(err, errPromoted) {
			return nil
		}
		return err
	}, nil
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
			return found("its replay is %s", *state)
		}
		return nil
	}
}
