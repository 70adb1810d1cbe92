// Package heartbeat is the one table that the harness writes on a target's databases, blackstart.heartbeat: a moment in each
// row. Each writer has a row of its own, so that none waits for another's lock.
package heartbeat

import (
	"context"
	"errors"
	"fmt"
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

const beatSQL = `INSERT INTO blackstart.heartbeat (id, at) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET at = excluded.at`

// tableSQL makes the table where nobody has made it yet.
var tableSQL = []string{
	`CREATE SCHEMA IF NOT EXISTS blackstart`,
	`CREATE TABLE IF NOT EXISTS blackstart.heartbeat (id int PRIMARY KEY, at timestamptz NOT NULL)`,
}

// Write puts a moment into a row. A missing table is made; made is then called before the moment is written, and may be nil.
func Write(ctx context.Context, c *pgx.Conn, row int, at time.Time, made func()) error {
	_, err := c.Exec(ctx, beatSQL, row, at)
	if !Missing(err) {
		return err
	}
	for _, sql := range tableSQL {
		if _, err := c.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make heartbeat table: %w", err)
		}
	}
	if made != nil {
		made()
	}
	_, err = c.Exec(ctx, beatSQL, row, at)
	return err
}

// Missing tells that the table, or its schema, is not there: on a standby it may be on its way.
func Missing(err error) bool {
	var answered *pgconn.PgError
	return errors.As(err, &answered) && (answered.Code == "42P01" || answered.Code == "3F000")
}
