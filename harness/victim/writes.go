package victim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Writes is what a database shows at one moment of the writes that it takes: what it says of itself, and what its transactions show.
type Writes struct {
	Recovering bool   // it is in recovery: nobody can write
	ReadOnly   bool   // sessions are read-only by default. That is its word alone: each session may decide otherwise for itself
	Except     string // a role or database whose sessions are not, "" if there is none
	Open       bool   // a session of another, or a prepared transaction, has written and not ended yet
	Ended      int64  // counts transactions that wrote and have ended: it moves with each of them
	Timeline   int64
}

// writesSQL asks for Writes. That sessions of our own role alone are read-only says nothing of the others; and that those of the server
// are, nothing of a role or a database that has a setting of its own.
const writesSQL = `SELECT pg_is_in_recovery(),
	(SELECT setting = 'on' AND source NOT IN ('user', 'database user', 'client', 'session') FROM pg_settings WHERE name = 'default_transaction_read_only'),
	coalesce((SELECT min(concat_ws(' in ', CASE WHEN s.setrole <> 0 THEN 'role ' || coalesce(r.rolname, s.setrole::text) END, CASE WHEN s.setdatabase <> 0 THEN 'database ' || d.datname END))
		FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
		WHERE c LIKE 'default_transaction_read_only=%' AND NOT split_part(c, '=', 2)::bool AND coalesce(r.rolcanlogin, true) AND coalesce(d.datname = current_database(), true)), ''),
	EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()),
	CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_snapshot_xmax(pg_current_snapshot())::text::bigint END,
	(SELECT timeline_id FROM pg_control_checkpoint())`

// AskWrites asks a database once; nothing is written.
func AskWrites(ctx context.Context, c *pgx.Conn) (w Writes, err error) {
	err = c.QueryRow(ctx, writesSQL).Scan(&w.Recovering, &w.ReadOnly, &w.Except, &w.Open, &w.Ended, &w.Timeline)
	return w, err
}

// Taken says why a database takes writes, by what it shows at one moment; nil if it says that it takes none.
func (w Writes) Taken() error {
	switch {
	case w.Recovering:
		return nil
	case !w.ReadOnly:
		return errors.New("takes writes")
	case w.Except != "":
		return fmt.Errorf("takes writes: its sessions are read-only by default, but not those of %s", w.Except)
	case w.Open:
		return errors.New("takes writes: its sessions are read-only by default, and one has written all the same")
	}
	return nil
}

// TakenSince is Taken where it was looked at before: then what has been written meanwhile is known, too.
func (w Writes) TakenSince(before Writes) error {
	if err := w.Taken(); err != nil || w.Recovering {
		return err
	}
	if n := w.Ended - before.Ended; n != 0 {
		return fmt.Errorf("takes writes: its sessions are read-only by default, and %d transactions wrote there all the same", n)
	}
	return nil
}

// betweenLooks is the time between two looks at whether somebody writes where nobody should.
const betweenLooks = 200 * time.Millisecond

// TakesWrites says why a database takes writes; taken is nil if it takes none: it is in recovery, or it says that its sessions are
// read-only by default and within some moments nobody wrote. It gives the last look. err says why it could not be asked.
func TakesWrites(ctx context.Context, c *pgx.Conn) (w Writes, taken, err error) {
	before, err := AskWrites(ctx, c)
	if taken = before.Taken(); err != nil || taken != nil || before.Recovering {
		return before, taken, err
	}
	select {
	case <-ctx.Done():
		return before, nil, ctx.Err()
	case <-time.After(betweenLooks):
	}
	if w, err = AskWrites(ctx, c); err != nil {
		return w, nil, err
	}
	return w, w.TakenSince(before), nil
}
