package workloads

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/internal/heartbeat"
	"blackstart/loadgen"
)

// LedgerTable is where every write goes.
const LedgerTable = "blackstart.ledger"

// CreateLedgerSQL makes the schema blackstart with the ledger and a first beat,
// so that a standby has one which can grow old. It may be run more than once.
// The ledger has no unique constraint on purpose: a write applied twice must be
// seen, not refused.
const CreateLedgerSQL = heartbeat.CreateSQL + `
CREATE TABLE IF NOT EXISTS blackstart.ledger (
	run          uuid        NOT NULL,
	id           bigint      NOT NULL,
	business_key bigint      NOT NULL,
	stream       int         NOT NULL,
	amount       numeric     NOT NULL,
	at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO blackstart.heartbeat (id, at) VALUES (1, clock_timestamp()) ON CONFLICT DO NOTHING;
`

// CreateLedger runs CreateLedgerSQL on conn.
func CreateLedger(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.PgConn().Exec(ctx, CreateLedgerSQL).ReadAll(); err != nil {
		return fmt.Errorf("create ledger: %w", err)
	}
	return nil
}

// Found is what a node's ledger holds of one run.
type Found struct {
	Streams map[uint32]*loadgen.IDSet // attempt numbers, by stream
	Rows    uint64                    // all rows of the run
	Foreign uint64                    // rows whose id no attempt can have; must be 0
	// RepeatedKeys is how many business keys have more than one row: one
	// payment booked twice. Retries share the key of their first attempt.
	RepeatedKeys uint64
}

// Copies returns how many rows hold the attempt id.
func (f *Found) Copies(id uint64) int {
	stream, n, ok := loadgen.SplitAttemptID(id)
	if set := f.Streams[stream]; ok && set != nil {
		return set.Copies(n)
	}
	return 0
}

// ReadIDs reads all rows of run from the ledger behind conn. Memory: one bit per
// id and one per business key.
func ReadIDs(ctx context.Context, conn *pgx.Conn, run [16]byte) (*Found, error) {
	return readIDs(ctx, conn.PgConn(), run)
}

func readIDs(ctx context.Context, conn *pgconn.PgConn, run [16]byte) (*Found, error) {
	const sql = `SELECT id, business_key FROM ` + LedgerTable + ` WHERE run = $1`
	rows := conn.ExecParams(ctx, sql, [][]byte{run[:]}, []uint32{2950}, []int16{1}, []int16{1})
	f := &Found{Streams: make(map[uint32]*loadgen.IDSet)}
	keys := make(map[uint32]*loadgen.IDSet)
	for rows.NextRow() {
		v := rows.Values()
		f.Rows++
		if !addID(f.Streams, binary.BigEndian.Uint64(v[0])) || !addID(keys, binary.BigEndian.Uint64(v[1])) {
			f.Foreign++
		}
	}
	if _, err := rows.Close(); err != nil {
		return nil, fmt.Errorf("read ledger ids: %w", err)
	}
	for _, set := range keys {
		f.RepeatedKeys += uint64(set.Duplicates())
	}
	return f, nil
}

func addID(sets map[uint32]*loadgen.IDSet, id uint64) bool {
	stream, n, ok := loadgen.SplitAttemptID(id)
	if !ok {
		return false
	}
	set := sets[stream]
	if set == nil {
		set = new(loadgen.IDSet)
		sets[stream] = set
	}
	return set.Add(n)
}
