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
		Name:    string(harness.SlotActive),
		Doc:     "Holds when a replication slot of a primary is in use.",
		Example: "slot.active on east.db",
		New: func() Kind {
			return Kind{Scope: ScopeComponent, Protocol: postgresKind, Follows: true, Plan: asks(slots(true))}
		},
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.SlotInactive),
		Doc:     "Holds when a primary has replication slots and none is in use.",
		Example: "slot.inactive on east.db",
		New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: asks(slots(false))} },
	})
)

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
			return found("none of its %d replication slots is in use", all)
		case !wanted && active > 0:
			return found("%d of its %d replication slots are still in use", active, all)
		}
		return nil
	}
}
