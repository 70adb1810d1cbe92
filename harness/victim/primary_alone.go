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
		"read-only by default and nobody was seen to write there. Each is asked, and nothing is written.",
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
			var taken error
			if err := db.do(ctx, func(ctx context.Context, c *pgx.Conn) (err error) { _, taken, err = TakesWrites(ctx, c); return err }); err != nil {
				return fmt.Errorf("%s: %w", db.Name, err)
			}
			if taken != nil {
				name := db.Name
				if _, how, said := strings.Cut(taken.Error(), ": "); said {
					name += " (" + how + ")"
				}
				leading = append(leading, name)
			}
		}
		if len(leading) != 1 {
			return found("%d databases take writes: %s", len(leading), strings.Join(leading, ", "))
		}
		return nil
	}, nil
}
