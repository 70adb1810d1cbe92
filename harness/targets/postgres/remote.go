package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ServerSettings returns the settings that every rehearsal server has, "name = value", for one that is not started here.
func ServerSettings() []string { return slices.Clone(settings) }

// ParseHistory reads a timeline history file, NNNNNNNN.history, into the last fork in it.
func ParseHistory(name string, content []byte) (Fork, error) {
	fork, err := parseHistory(strings.TrimSuffix(name, ".history"), content)
	if err != nil {
		return Fork{}, fmt.Errorf("read the timeline history %s: %w", name, err)
	}
	return fork, nil
}

// A Dump runs pg_waldump where the server's WAL is, on one timeline from begin to end, and returns what it printed.
type Dump func(ctx context.Context, timeline uint32, begin, end LSN) ([]byte, error)

// RemoteLedgerCommits reads the WAL of a server that runs elsewhere, as Cluster.LedgerCommits does: conn leads to its
// Database, dump to its WAL.
func RemoteLedgerCommits(ctx context.Context, conn *pgx.Conn, dump Dump, relation string, from LSN) (WALCommits, error) {
	r := WALCommits{Reader: "pg_waldump", From: from, To: from}
	scan := &walScan{from: from, touched: map[string]bool{}}
	var end string
	var segment uint64
	err := conn.QueryRow(ctx, `SELECT pg_current_wal_flush_lsn()::text,
		(SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'),
		(SELECT CASE WHEN c.reltablespace = 0 THEN d.dattablespace ELSE c.reltablespace END || '/' || d.oid || '/' || pg_relation_filenode(c.oid)
		 FROM pg_class c, pg_database d WHERE c.oid = $1::text::regclass AND d.datname = current_database())`,
		relation).Scan(&end, &segment, &scan.relation)
	if err != nil {
		return WALCommits{}, fmt.Errorf("locate %s: %w", relation, err)
	}
	to, err := ParseLSN(end)
	if err != nil {
		return WALCommits{}, err
	}
	if to <= from {
		return r, nil // nothing was written after the fork
	}
	r.To = to
	// A segment that was ended early, as a base backup does, is empty behind that point, and pg_waldump finds no record to
	// begin with there: its first page always has one.
	start := from - min(from, lookBehind)
	begin, timeline, err := oldestWAL(ctx, conn, start-start%LSN(max(segment, 1)))
	if err != nil {
		return WALCommits{}, err
	}
	if begin > from {
		return WALCommits{}, fmt.Errorf("the WAL begins at %v, after %v: some of it was removed", begin, from)
	}
	out, err := dump(ctx, timeline, begin, to)
	if err != nil {
		return WALCommits{}, fmt.Errorf("run pg_waldump: %w", err)
	}
	for line := range bytes.Lines(out) {
		if err := scan.dumped(string(line)); err != nil {
			return WALCommits{}, err
		}
	}
	r.Commits, r.Before = scan.commits, scan.before
	return r, identify(ctx, conn, relation, r.Commits)
}
