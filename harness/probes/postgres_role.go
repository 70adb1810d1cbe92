package probes

import (
	"context"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

const roleName = "postgres.role"

var _ = Probes.Add(registry.Kind[Factory]{
	Name:    roleName,
	Doc:     "Asks a database, in a read-only transaction, whether it leads or follows: the value is 1 for one that is not in recovery, 0 for one that is. Both are OK.",
	Example: "{id: east-leads, probe: postgres.role, on: east.db}",
	New:     func() Factory { return roleFactory{} },
})

type roleFactory struct{}

// Every is the pace of questions.
func (roleFactory) Every() time.Duration { return time.Second }

// Traits: it is asked of a database.
func (roleFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Speaks: postgresKind, Fastest: 100 * time.Millisecond, Unit: unitBool}
}

// Open prepares a connection, which is made with the first question.
func (roleFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	db, err := readOnly(config)
	if err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		got := reply{1, "leads"}
		err := db.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
			var recovering bool
			err := tx.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering)
			if recovering {
				got = reply{0, "follows"}
			}
			return err
		})
		return got, err
	}
	return &asking{clock: config.Clock, kind: roleName, on: db.component, unit: unitBool, ask: ask, end: db.close}, nil
}
