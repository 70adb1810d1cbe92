// Package heartbeat is the one table that the harness writes on a target's databases, blackstart.heartbeat: a moment in each
// row. Each writer has a row of its own, so that none waits for another's lock.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Rows of the table, by who writes them.
const (
	OfReplication = 1 // the probe that reads it on the standby
	OfWrites      = 2 // the probe that asks whether writes are taken
	OfChecks      = 3 // checks of the victim
)

// Table is its name.
const Table = "blackstart.heartbeat"

const beatSQL = `INSERT INTO blackstart.heartbeat (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at`

// CreateSQL makes the table where nobody has made it yet.
const CreateSQL = `CREATE SCHEMA IF NOT EXISTS blackstart;
CREATE TABLE IF NOT EXISTS blackstart.heartbeat (id int PRIMARY KEY, at timestamptz NOT NULL);
`

// Beat puts a moment into a row of a table that is there.
func Beat(ctx context.Context, c *pgx.Conn, row int, at time.Time) error {
	_, err := c.Exec(ctx, beatSQL, row, at)
	return err
}

// Write puts a moment into a row. A missing table is made; made is then called before the moment is written, and may be nil.
func Write(ctx context.Context, c *pgx.Conn, row int, at time.Time, made func()) error {
	err := Beat(ctx, c, row, at)
	if !Missing(err) {
		return err
	}
	// Two that make it at the same moment stumble over each other's rows in the catalogue; then it is there, too.
	if _, err := c.PgConn().Exec(ctx, CreateSQL).ReadAll(); err != nil && !is(err, "23505") {
		return fmt.Errorf("make heartbeat table: %w", err)
	}
	if made != nil {
		made()
	}
	return Beat(ctx, c, row, at)
}

// Missing tells that the table, or its schema, is not there: on a standby it may be on its way.
func Missing(err error) bool { return is(err, "42P01", "3F000") }

// is tells whether a server answered with one of some SQLSTATEs.
func is(err error, states ...string) bool {
	var answered *pgconn.PgError
	return errors.As(err, &answered) && slices.Contains(states, answered.Code)
}
