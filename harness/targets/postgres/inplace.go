package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
)

// maxInspected bounds how much of a log a server is asked for at a time, in bytes: it keeps its answer until all of it was read.
const maxInspected = LSN(64 << 20)

// inspection is what reads a log by SQL, with what a role needs for it.
var inspection = []struct{ function, lacking string }{
	{"pg_get_wal_records_info(pg_lsn,pg_lsn)", "has no extension pg_walinspect"},
	{"pg_ls_waldir()", "does not list its log"},
}

// mayInspect tells whether the log of a server can be read by SQL, and what is lacking.
func mayInspect(ctx context.Context, conn *pgx.Conn) error {
	for _, q := range inspection {
		var may *bool
		if err := conn.QueryRow(ctx, "SELECT has_function_privilege(to_regprocedure($1), 'EXECUTE')", q.function).Scan(&may); err != nil {
			return err
		}
		switch {
		case may == nil:
			return errors.New("it " + q.lacking)
		case !*may:
			return fmt.Errorf("its role may not execute %s", q.function)
		}
	}
	return nil
}

// InspectedLedgerCommits is what the log of an old primary tells of a relation, by SQL alone and where it stands: the commits after the point at which the promoted
// server left. Both connections lead to the database of the relation, and both servers have pg_walinspect.
func InspectedLedgerCommits(ctx context.Context, old, promoted *pgx.Conn, relation string) (harness.WALReport, []harness.WALCommit, error) {
	fail := func(of string, err error) (harness.WALReport, []harness.WALCommit, error) {
		return harness.WALReport{}, nil, fmt.Errorf("the log of the %s: %w", of, err)
	}
	if err := mayInspect(ctx, old); err != nil {
		return fail("old primary", err)
	}
	if err := mayInspect(ctx, promoted); err != nil {
		return fail("new primary", err)
	}
	var end string
	if err := old.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&end); err != nil {
		return fail("old primary", err)
	}
	to, err := ParseLSN(end)
	if err != nil {
		return fail("old primary", err)
	}
	fork, err := inspectedFork(ctx, promoted, to)
	if err != nil {
		return fail("new primary", err)
	}
	if to > fork.At+maxInspected {
		return fail("old primary", fmt.Errorf("it has %d bytes after the new one left, and at most %d are read", to-fork.At, maxInspected))
	}
	wal, err := ledgerCommits(ctx, old, walinspect, inspected(old), relation, fork.At)
	if err != nil {
		return fail("old primary", err)
	}
	return wal.Report(fork), wal.Listed(), nil
}

var endOfRecovery = regexp.MustCompile(`tli (\d+); prev tli (\d+)`)

// inspectedFork finds, in the log of a promoted server, where it left the timeline of one whose log ends at a position: it cannot have left it later.
func inspectedFork(ctx context.Context, conn *pgx.Conn, end LSN) (f Fork, err error) {
	oldest, segment, _, err := walKept(ctx, conn)
	if err != nil {
		return f, err
	}
	begin := end - min(end, maxInspected-lookBehind)
	begin = max(begin-begin%segment, oldest)
	var flushed string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&flushed); err != nil {
		return f, err
	}
	until, err := ParseLSN(flushed)
	if err != nil {
		return f, err
	}
	until = min(until, end+lookBehind) // the record of it stands right behind
	rows, err := conn.Query(ctx, `SELECT start_lsn::text, coalesce(description, '') FROM pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn)
		WHERE resource_manager = 'XLOG' AND record_type = 'END_OF_RECOVERY'`, begin.String(), until.String())
	if err != nil {
		return f, err
	}
	var at, text string
	_, err = pgx.ForEachRow(rows, []any{&at, &text}, func() error {
		m := endOfRecovery.FindStringSubmatch(text)
		if m == nil {
			return nil
		}
		lsn, err := ParseLSN(at)
		timeline, _ := strconv.ParseUint(m[1], 10, 32)
		parent, _ := strconv.ParseUint(m[2], 10, 32)
		f = Fork{At: lsn, Timeline: uint32(timeline), Parent: uint32(parent)}
		return err
	})
	if err == nil && f.Timeline == 0 {
		err = fmt.Errorf("it does not tell where it left: no such record stands in the last %d bytes before %v", maxInspected-lookBehind, end)
	}
	return f, err
}
