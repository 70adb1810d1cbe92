package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
)

// identify gives every commit the ids of the rows that it left in the relation: a row names the transaction that wrote it
// (xmin), even when it was frozen since. A commit whose rows are gone keeps none.
func identify(ctx context.Context, conn *pgx.Conn, relation string, commits []Commit) error {
	if len(commits) == 0 {
		return nil
	}
	byXID := make(map[uint32]int, len(commits))
	for i, c := range commits {
		byXID[c.XID] = i
		for _, sub := range c.Subs {
			byXID[sub] = i
		}
	}
	name := pgx.Identifier(strings.Split(relation, ".")).Sanitize()
	rows, err := conn.Query(ctx, "SELECT xmin::text::bigint, id FROM "+name)
	if err != nil {
		return fmt.Errorf("read who wrote the rows of %s: %w", relation, err)
	}
	defer rows.Close()
	for rows.Next() {
		var xid, id int64
		if err := rows.Scan(&xid, &id); err != nil {
			return fmt.Errorf("read who wrote the rows of %s: %w", relation, err)
		}
		if i, ok := byXID[uint32(xid)]; ok { //nolint:gosec // an xid has 32 bits
			commits[i].IDs = append(commits[i].IDs, uint64(id)) //nolint:gosec // the bits of the id
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read who wrote the rows of %s: %w", relation, err)
	}
	return nil
}

// Listed gives the commits as they stand in the pack, one for each row, in the order of the log. A commit that left no row
// has one without an id.
func (w WALCommits) Listed() []harness.WALCommit {
	all := make([]harness.WALCommit, 0, len(w.Commits))
	for _, c := range w.Commits {
		line := harness.WALCommit{XID: c.XID, LSN: c.LSN.String(), At: harness.Stamp(c.At.UnixNano())}
		if len(c.IDs) == 0 {
			all = append(all, line)
		}
		for _, id := range c.IDs {
			line.ID = id
			all = append(all, line)
		}
	}
	return all
}
