package workloads

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/internal/heartbeat"
	"blackstart/internal/pgdial"
	"blackstart/internal/registry"
	"blackstart/loadgen"
)

var _ = Workloads.Add(registry.Kind[Workload]{
	Name: "postgres.ledger",
	Doc: "Writes one row a request into blackstart.ledger and keeps, for each attempt, whether it was acknowledged, " +
		"certainly not applied, or unknown. The table is made before the load starts.",
	Example: "load:\n  - {workload: postgres.ledger, rate: 200/s, timeout: 1s, place: outside, with: {amount: \"100.00\"}}",
	New:     func() Workload { return &postgresLedger{} },
})

type postgresLedger struct{ LedgerWith }

// Traits implements Workload.
func (p *postgresLedger) Traits() loadgen.Traits { return p.traits("postgres", LedgerTable) }

// rowSize is what a row of the ledger takes in its table beside the digits of its amount: header, line pointer, columns and padding.
const rowSize = 80

// WriteSize implements Sized.
func (p *postgresLedger) WriteSize() int { return rowSize + len(p.amount().String()) }

// Open implements Workload.
func (p *postgresLedger) Open(cfg Config, ledger *loadgen.AttemptWriter) (loadgen.Op, error) {
	return OpenLedger(cfg, p.LedgerWith, ledger, p)
}

// Store implements Keeper.
func (p *postgresLedger) Store(at Config) (LedgerStore, error) {
	if err := at.Database.check(); err != nil {
		return nil, err
	}
	return &postgresStore{db: at.Database}, nil
}

const (
	// CreateLedgerSQL makes the schema blackstart with the ledger and a first beat, so that a standby has one which can grow
	// old. The ledger has no unique constraint on purpose: a write applied twice must be seen, not refused.
	CreateLedgerSQL = heartbeat.CreateSQL + `
CREATE TABLE IF NOT EXISTS ` + LedgerTable + ` (
	run          uuid        NOT NULL,
	id           bigint      NOT NULL,
	business_key bigint      NOT NULL,
	stream       int         NOT NULL,
	amount       numeric     NOT NULL,
	at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO blackstart.heartbeat (id, at) VALUES (1, clock_timestamp()) ON CONFLICT DO NOTHING;
`
	// insertLedger is one implicit transaction: its end is the commit.
	insertLedger = `INSERT INTO ` + LedgerTable + ` (run, id, business_key, stream, amount) VALUES ($1, $2, $3, $4, $5)`
	findLedger   = `SELECT id, business_key FROM ` + LedgerTable + ` WHERE run = $1`
	servesLedger = `SELECT NOT pg_is_in_recovery(), pg_last_xact_replay_timestamp()` // the time is NULL on a node that never replayed
)

// LedgerTable is where every write goes.
const LedgerTable = "blackstart.ledger"

// PostgreSQL's type numbers of insertLedger's parameters, and their formats: all
// binary but the amount, which is text.
var (
	insertTypes   = []uint32{2950, 20, 20, 23, 1700} // uuid, int8, int8, int4, numeric
	insertFormats = []int16{1, 1, 1, 1, 0}
)

// askLimit bounds the opening, and the closing, of the connection by which one node is asked.
const askLimit = 5 * time.Second

// postgresStore is the ledger of a PostgreSQL.
type postgresStore struct {
	writing[*pgSession]
	db Database
}

// ask runs f on a connection of its own to the node.
func (s *postgresStore) ask(ctx context.Context, f func(*pgx.Conn) error) error {
	to := s.db.params(s.db.Addresses[0])
	to.Timeout = askLimit
	conn, err := pgdial.Connect(ctx, to)
	if err != nil {
		return fmt.Errorf("connect to database: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		_ = conn.Close(ctx) // a connection that broke is as closed
	}()
	return f(conn)
}

// Prepare implements LedgerStore.
func (s *postgresStore) Prepare(ctx context.Context) error {
	return s.ask(ctx, func(c *pgx.Conn) error {
		if _, err := c.PgConn().Exec(ctx, CreateLedgerSQL).ReadAll(); err != nil {
			return fmt.Errorf("create ledger: %w", err)
		}
		return nil
	})
}

// Write implements LedgerStore.
func (s *postgresStore) Write(ctx context.Context, e LedgerEntry) (Fate, error) {
	pool := s.open(s.db, s.dial)
	deadline, _ := ctx.Deadline()
	sess, err := pool.acquire(deadline)
	if err != nil {
		// There was no connection, so nothing of this attempt has left.
		return Fate{loadgen.AttemptDefinite, classifyPG(err)}, err
	}
	err = sess.exec(deadline, insertLedger, [][]byte{
		e.Run[:],
		binary.BigEndian.AppendUint64(nil, e.ID),
		binary.BigEndian.AppendUint64(nil, e.Key),
		binary.BigEndian.AppendUint32(nil, e.Stream),
		[]byte(e.Amount.String()),
	})
	fate, why := classifyWrite(err, sess.warning)
	pool.release(sess, err != nil && (fate.Attempt == loadgen.AttemptUnknown || isReadOnly(err)), fate.Sample == loadgen.Timeout, err)
	return fate, why
}

// Find implements LedgerStore. It reads every row of the run, so that one which nobody wrote is seen.
func (s *postgresStore) Find(ctx context.Context, ids IDs) (*Found, error) {
	found := NewFound(ids)
	err := s.ask(ctx, func(c *pgx.Conn) error {
		rows := c.PgConn().ExecParams(ctx, findLedger, [][]byte{ids.Run[:]}, []uint32{2950}, []int16{1}, []int16{1})
		for rows.NextRow() {
			v := rows.Values()
			if len(v) != 2 || len(v[0]) != 8 || len(v[1]) != 8 {
				return errors.New("read ledger ids: the table has other columns than blackstart.ledger must have")
			}
			found.Add(binary.BigEndian.Uint64(v[0]), binary.BigEndian.Uint64(v[1]))
		}
		if _, err := rows.Close(); err != nil {
			return fmt.Errorf("read ledger ids: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Serves implements LedgerStore: the last write that it got from another is the last commit that it replayed.
func (s *postgresStore) Serves(ctx context.Context) (serves bool, followed int64, err error) {
	var replayed *time.Time
	err = s.ask(ctx, func(c *pgx.Conn) error { return c.QueryRow(ctx, servesLedger).Scan(&serves, &replayed) })
	if replayed != nil {
		followed = replayed.UnixNano()
	}
	return serves, followed, err
}
