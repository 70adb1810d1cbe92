package victim

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name: string(harness.PrimaryAlone),
	Doc: "Holds when exactly one of the databases that lead or follow takes writes: all others are in recovery, or their sessions are " +
		"read-only by default. Each is asked, and nothing is written.",
	Example: "primary.alone on east.db",
	New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: primaryAlone} },
})

// primaryAlone asks every database of the pair that one of them is named by.
func primaryAlone(v Victim, _ harness.Check) (Ask, error) {
	var all []database
	for _, c := range v.Target.Components {
		if c.Kind == postgresKind && c.Replicates() {
			all = append(all, v.database(c.Name))
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no database of the target leads or follows another")
	}
	return func(ctx context.Context, _ func()) error {
		var leading []string
		for _, db := range all {
			var writes bool
			if err := db.do(ctx, func(ctx context.Context, c *pgx.Conn) (err error) { writes, err = takesWrites(ctx, c); return err }); err != nil {
				return fmt.Errorf("%s: %w", db.Name, err)
			}
			if writes {
				leading = append(leading, db.Name)
			}
		}
		if len(leading) != 1 {
			return found("%d databases take writes: %s", len(leading), strings.Join(leading, ", "))
		}
		return nil
	}, nil
}

// takesWrites asks what every session meets: that those of our own role alone are read-only says nothing of the others.
func takesWrites(ctx context.Context, c *pgx.Conn) (bool, error) {
	var refuses bool
	err := c.QueryRow(ctx, `SELECT pg_is_in_recovery() OR setting = 'on' AND source NOT IN ('user', 'database user', 'client', 'session')
		FROM pg_settings WHERE name = 'default_transaction_read_only'`).Scan(&refuses)
	return !refuses, err
}
