package probes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"blackstart/harness"
	"blackstart/internal/heartbeat"
	"blackstart/internal/pgdial"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

const (
	postgresKind = "postgres"
	// statementTimeout ends a statement, and cancelGrace is what is left for the server to say so. A commit that waits for a
	// synchronous standby heeds no timeout of the server's own, only a cancel request; without one its session would stay
	// behind, and the next too, until the server has none left.
	statementTimeout = askTimeout * 4 / 5
	cancelGrace      = askTimeout - statementTimeout
	closeTimeout     = 250 * time.Millisecond
	maxMessage       = 1 << 20 // bytes of one message of a server
)

// errNotDurable is a write that the server took with a warning: it may exist on this node only.
var errNotDurable = errors.New("the server took the write with a warning")

// database is one connection to one database, opened when it is needed and again after it broke. One goroutine uses it.
type database struct {
	component string
	access    func() (harness.Access, error)
	params    map[string]string // session parameters
	allowed   harness.Allowing  // nil: what is missing may be made
	conn      *pgx.Conn
	warned    bool // the server sent a warning since this was last cleared
}

// privateDatabase reaches the database of a region by its private path.
func privateDatabase(config harness.ProbeConfig, region harness.Region, params map[string]string) (*database, error) {
	c, ok := config.Target.ComponentOf(region.Name, postgresKind)
	if !ok {
		return nil, fmt.Errorf("region %s has no %s component", region.Name, postgresKind)
	}
	return &database{
		component: c.Name,
		access:    func() (harness.Access, error) { return config.Access(region.Name, c.Name) },
		params:    params,
		allowed:   config.Allowed,
	}, nil
}

// readOnly reaches the database that a listed probe asks, by the way that the target has from its region, for questions alone.
func readOnly(config harness.ProbeConfig) (*database, error) {
	if err := checked(config, true); err != nil {
		return nil, err
	}
	access := func() (harness.Access, error) {
		return config.Access(cmp.Or(config.Region, harness.Outside), config.On)
	}
	if _, err := access(); err != nil {
		return nil, err
	}
	return &database{component: config.On, access: access, params: map[string]string{"default_transaction_read_only": "on"}}, nil
}

// read asks in a read-only transaction that is taken back.
func (d *database) read(ctx context.Context, ask func(context.Context, pgx.Tx) error) error {
	return d.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		tx, err := c.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		err = ask(ctx, tx)
		if undone := tx.Rollback(ctx); err == nil && !errors.Is(undone, pgx.ErrTxClosed) {
			err = undone
		}
		return err
	})
}

// do runs ask on an open connection and returns within askTimeout.
func (d *database) do(ctx context.Context, ask func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	if d.conn == nil {
		conn, err := d.connect(ctx)
		if err != nil {
			return err
		}
		d.conn = conn
	}
	err := ask(ctx, d.conn)
	if d.conn.IsClosed() {
		d.conn = nil
	}
	return err
}

func (d *database) connect(ctx context.Context) (*pgx.Conn, error) {
	access, err := d.access()
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", d.component, err)
	}
	config, err := connConfig(access)
	if err != nil {
		return nil, fmt.Errorf("reach %s: %w", d.component, err)
	}
	config.RuntimeParams["statement_timeout"] = strconv.FormatInt(statementTimeout.Milliseconds(), 10)
	for name, value := range d.params {
		config.RuntimeParams[name] = value
	}
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: cancelGrace}
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		d.warned = d.warned || n.SeverityUnlocalized == "WARNING"
	}
	return pgx.ConnectConfig(ctx, config)
}

// connConfig makes a configuration that depends on the access alone.
func connConfig(access harness.Access) (*pgx.ConnConfig, error) {
	config, err := pgdial.Config(pgdial.Params{
		Address: access.Address, User: access.User, Password: access.Password, Database: access.Database, TLS: access.TLS, Auth: access.Auth, Identity: access.Identity,
		MaxMessage: maxMessage,
	})
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // one round trip a question, nothing kept on the server
	return config, nil
}

// mayBeat says why no heartbeat may be written there.
func (d *database) mayBeat() error {
	if d.allowed == nil {
		return nil
	}
	return d.allowed.Allowed(d.component, heartbeat.Table)
}

// write puts the moment into a row, for real: a missing table is made where that is allowed, and a warning is no success.
func (d *database) write(ctx context.Context, conn *pgx.Conn, row int, at harness.Stamp) error {
	d.warned = false
	if d.allowed != nil {
		if err := heartbeat.Beat(ctx, conn, row, at.Time()); err != nil || !d.warned {
			return err
		}
		return errNotDurable
	}
	err := heartbeat.Write(ctx, conn, row, at.Time(), func() {
		d.warned = false // "already exists" is a notice, yet another writer may have warned of the race
	})
	if err == nil && d.warned {
		return errNotDurable
	}
	return err
}

// close ends the connection, if there is one.
func (d *database) close() {
	if d.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = d.conn.Close(ctx) // a broken connection is as closed
	d.conn = nil
}

// reached tells whether the server said anything at all, an error included.
func reached(err error) bool {
	var answered *pgconn.PgError
	return err == nil || errors.Is(err, errNotDurable) || errors.As(err, &answered)
}
