package external

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/targets/postgres"
)

// logTime bounds the reading of a log.
const logTime = time.Minute

// LedgerCommits implements harness.LogReader: the log is read where it stands, by SQL and by what the role there may ask. It is read only of a server
// of which it is seen that nobody writes there, before and after.
func (d *Driver) LedgerCommits(ctx context.Context, old, promoted, table string) (report harness.WALReport, commits []harness.WALCommit, err error) {
	there, err := d.LeftBehind(ctx, old, promoted)
	if err != nil {
		return report, nil, fmt.Errorf("not available: the log of %s is not read: %w", old, err)
	}
	ctx, cancel := context.WithTimeout(ctx, logTime)
	defer cancel()
	err = d.onBoth(ctx, old, promoted, func(from, to *pgx.Conn) error {
		report, commits, err = postgres.InspectedLedgerCommits(ctx, from, to, table)
		return component.Answered(err)
	})
	if err == nil {
		err = there.Still(ctx)
	}
	if err != nil {
		return harness.WALReport{}, nil, fmt.Errorf("not available: %w", err)
	}
	return report, commits, nil
}

// onBoth asks two databases, over a connection to each.
func (d *Driver) onBoth(ctx context.Context, old, promoted string, ask func(from, to *pgx.Conn) error) error {
	var both []*pgx.Conn
	for _, name := range []string{old, promoted} {
		p, err := d.find(name)
		if err != nil {
			return err
		}
		db, ok := p.kind.(*component.Postgres)
		if !ok {
			return errors.New(name + " is no database")
		}
		c, err := db.Connect(ctx, p.at)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer component.Close(ctx, c)
		both = append(both, c)
	}
	return ask(both[0], both[1])
}
