package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/internal/pgdial"
	"blackstart/internal/shortage"
	"blackstart/loadgen/workloads"
)

// A store is one database that may hold a ledger, as far as it must be asked.
type store interface {
	// Prepare makes the ledger, where it is not there yet.
	Prepare(ctx context.Context) error
	// Find reads all that the ledger holds of a run: all of it, or an error.
	Find(ctx context.Context, run uuid.UUID) (*workloads.Found, error)
	// Recovery tells whether the database is in recovery, and the moment of the last commit it replayed, 0 if it never did.
	Recovery(ctx context.Context) (recovering bool, frozen harness.Stamp, err error)
	Close()
}

// An opener connects to a store.
type opener func(ctx context.Context, a harness.Access) (store, error)

// postgresStore is the ledger of a PostgreSQL.
type postgresStore struct{ conn *pgx.Conn }

// openPostgres opens one connection over a private or public path.
func openPostgres(ctx context.Context, a harness.Access) (store, error) {
	conn, err := pgdial.Connect(ctx, pgdial.To{
		Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, Timeout: connectLimit,
	})
	if err != nil {
		shortage.Note("the reconciliation", err)
		return nil, fmt.Errorf("connect to database: %w", err)
	}
	return postgresStore{conn}, nil
}

func (s postgresStore) Prepare(ctx context.Context) error { return workloads.CreateLedger(ctx, s.conn) }

func (s postgresStore) Find(ctx context.Context, run uuid.UUID) (*workloads.Found, error) {
	return workloads.ReadIDs(ctx, s.conn, run)
}

func (s postgresStore) Recovery(ctx context.Context) (recovering bool, frozen harness.Stamp, err error) {
	var replay *time.Time // NULL on a node that never replayed
	err = s.conn.QueryRow(ctx, "SELECT pg_is_in_recovery(), pg_last_xact_replay_timestamp()").Scan(&recovering, &replay)
	if replay != nil {
		frozen = harness.Stamp(replay.UnixNano())
	}
	return recovering, frozen, err
}

func (s postgresStore) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), connectLimit)
	defer cancel()
	_ = s.conn.Close(ctx) // a connection that broke is as closed
}

// errStrange says that a store holds of this run what nobody wrote: neither can its other answers be believed.
var errStrange = errors.New("holds rows of this run that no attempt of its loads wrote: it is not believed")

// find reads the ledger of a store and refuses an answer that cannot be one about these streams.
func find(ctx context.Context, s store, run uuid.UUID, streams []harness.Stream) (*workloads.Found, error) {
	found, err := s.Find(ctx, run)
	if err != nil {
		return nil, err
	}
	strange := found.Foreign > 0
	for id, set := range found.Streams {
		known := slices.IndexFunc(streams, func(st harness.Stream) bool { return st.Kind == "ledger" && st.ID == int(id) })
		strange = strange || known < 0 || set.End() > uint64(streams[known].Count) //nolint:gosec // a count of attempts
	}
	if strange {
		return nil, errStrange
	}
	return found, nil
}
