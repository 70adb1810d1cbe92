package region

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var (
	seedNamespaces = []string{"public", "research", "restricted"}
	seedIssuers    = []string{"Alder Bank", "Birch Capital", "Cedar Insurance", "Dogwood Energy", "Elm Logistics", "Fir Pharma", "Gorse Metals"}
	seedKinds      = []string{"quarterly report", "credit memorandum", "liquidity report", "risk disclosure", "audit letter"}
	seedSubjects   = []string{"net interest margin", "counterparty exposure", "intraday liquidity", "covenant headroom", "hedging cost",
		"deposit outflow", "capital adequacy", "settlement fails", "revenue recognition", "model risk", "collateral haircut"}
)

// seed writes n documents and those of the known questions into an empty table; it leaves a table with rows alone. The same
// n gives the same documents.
func (s *store) seed(ctx context.Context, n int) error {
	return pgx.BeginFunc(ctx, s.background, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return fmt.Errorf("lock for seed: %w", err)
		}
		var filled bool
		if err := tx.QueryRow(ctx, "select exists (select from financial_documents)").Scan(&filled); err != nil || filled {
			return err
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"financial_documents"}, []string{"namespace", "id", "title", "body"},
			pgx.CopyFromSlice(n+len(knownDocuments), func(i int) ([]any, error) {
				if i >= n {
					d := knownDocuments[i-n]
					return []any{d[0], d[1], d[2], d[3]}, nil
				}
				return seedDocument(i), nil
			}))
		if err != nil {
			return fmt.Errorf("seed documents: %w", err)
		}
		return nil
	})
}

// seedDocument returns namespace, id, title and body of the i-th document.
func seedDocument(i int) []any {
	pick := func(list []string, stride int) string { return list[i*stride%len(list)] }
	issuer, kind, subject := pick(seedIssuers, 3), pick(seedKinds, 1), pick(seedSubjects, 7)
	quarter, year := i%4+1, 2019+i%6
	return []any{
		pick(seedNamespaces, 1),
		fmt.Sprintf("seed-%06d", i),
		fmt.Sprintf("%s: %s Q%d %d", issuer, kind, quarter, year),
		fmt.Sprintf("%s of %s for quarter %d of %d. The section on %s compares %d basis points with %s in the quarter before; "+
			"the board reviewed it together with %s.", kind, issuer, quarter, year, subject, i*37%900+10, pick(seedSubjects, 5), pick(seedSubjects, 2)),
	}
}
