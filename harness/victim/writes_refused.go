package victim

import (
	"context"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Checks.Add(registry.Kind[Kind]{
	Name: string(harness.WritesRefused),
	Doc: "Holds when a database refuses writes: it is in recovery, or its sessions are read-only by default. It is asked, and " +
		"nothing is written.",
	Example: "writes.refused on east.db",
	New:     func() Kind { return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: asks(writesRefused)} },
})

// writesRefused asks on a connection that sets nothing of its own: what it finds is what clients meet.
func writesRefused(ctx context.Context, c *pgx.Conn) error {
	var recovers bool
	var readOnly string
	err := c.QueryRow(ctx, "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')").Scan(&recovers, &readOnly)
	switch {
	case err != nil:
		return err
	case !recovers && readOnly != "on":
		return found("it takes writes")
	}
	return nil
}
