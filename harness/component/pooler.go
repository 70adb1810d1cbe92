package component

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"blackstart/internal/pgdial"
)

// Pooling says what stands between a client and the PostgreSQL server that answers it.
type Pooling int

// Kinds of pooling.
const (
	Direct             Pooling = iota // nothing does that speaks the protocol: a proxy of TCP passes what the server says
	SessionPooling                    // a pooler gives each client one session for as long as it is connected
	TransactionPooling                // a pooler gives a session for one transaction, and then to somebody else
	SomePooling                       // a pooler stands there, and how it gives sessions was not found out
)

// Pooler finds out what stands between. A server tells a client by which process it is served, twice: when the client is connected, and
// when it is asked. A pooler tells something of its own at first. Whether a session is kept is seen by a second client: where it is served by
// the process of the first, or the first by another than before, no session is. At most two connections are open, and two are where
// two is true.
func (p *Postgres) Pooler(ctx context.Context, at At, two bool) (Pooling, error) {
	one, err := p.Connect(ctx, at)
	if err != nil {
		return Direct, err
	}
	defer Close(ctx, one)
	first, err := servedBy(ctx, one)
	if err != nil || first == one.PgConn().PID() {
		return Direct, Answered(err)
	}
	if again, err := servedBy(ctx, one); err == nil && again != first {
		return TransactionPooling, nil
	}
	if !two {
		return SomePooling, nil
	}
	other, err := p.Connect(ctx, at)
	if err != nil {
		return SomePooling, nil //nolint:nilerr // it has room for one: how it would share that is not known
	}
	defer Close(ctx, other)
	mode := SomePooling
	err = pgx.BeginTxFunc(ctx, other, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		second, err := servedBy(ctx, tx)
		if err != nil {
			return err
		}
		if mode = SessionPooling; second == first {
			mode = TransactionPooling
			return nil
		}
		if again, err := servedBy(ctx, one); err == nil && again != first {
			mode = TransactionPooling
		}
		return nil
	})
	if err != nil {
		return SomePooling, nil //nolint:nilerr // as above
	}
	return mode, nil
}

// servedBy is the process that serves a client now.
func servedBy(ctx context.Context, c interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (pid uint32, err error) {
	err = c.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid)
	return pid, err
}

// sessionParams are what probes and checks set when they connect. A pooler must take them, or be told to pass over them.
var sessionParams = map[string]string{"statement_timeout": "10000", "default_transaction_read_only": "on", "synchronous_commit": "local"}

// TakesParams finds out whether the parameters are taken that probes and checks set when they connect.
func (p *Postgres) TakesParams(ctx context.Context, at At) error {
	a, err := p.Access(ctx, at)
	if err != nil {
		return err
	}
	c, err := pgdial.Connect(ctx, pgdial.Params{Address: a.Address, User: a.User, Password: a.Password, Database: a.Database, TLS: a.TLS, Auth: a.Auth, Params: sessionParams})
	if err != nil {
		return fmt.Errorf("its pooler takes no parameters of a session, which probes set: ignore_startup_parameters = %s: %w",
			strings.Join(slices.Sorted(maps.Keys(sessionParams)), ", "), Answered(err))
	}
	Close(ctx, c)
	return nil
}

// Usable says why what stands between is nothing that a drill can be run through; nil if it can.
func (m Pooling) Usable(address string) error {
	switch m {
	case TransactionPooling:
		return fmt.Errorf("not supported: only a transaction pooler reaches %s, and no session is kept: whose role it tells may be another server's at each question. "+
			"write the address of the server itself, or of a pooler of sessions", address)
	case SomePooling:
		return fmt.Errorf("not supported: only a pooler reaches %s, and it could not be seen to keep a session: give it room for two, or write the address of the server itself", address)
	}
	return nil
}
