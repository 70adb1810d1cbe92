// Package database opens connections to a region's PostgreSQL from its configuration.
//
// It adds the password from its file, a name and a connection timeout. It never logs a URL and never starts a query itself.
package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"blackstart/cmd/finrag/internal/config"
)

const (
	connectTimeout  = 2 * time.Second
	stateReadOnly   = "25006" // read_only_sql_transaction
	stateNoTable    = "42P01" // undefined_table
	stateCancelled  = "57014" // query_canceled
	syncWaitCancel  = "canceling wait for synchronous replication"
	unacknowledged  = "finrag.unacknowledged"
	applicationName = "application_name"
)

// Parse returns the connection configuration of d, named name in pg_stat_activity.
func Parse(d config.Database, name string) (*pgx.ConnConfig, error) {
	p, err := ParsePool(d, name, 1)
	if err != nil {
		return nil, err
	}
	return p.ConnConfig, nil
}

// ParsePool returns the configuration of a pool of at most size connections to d. It holds none open in reserve.
func ParsePool(d config.Database, name string, size int32) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(d.URL)
	if err != nil {
		return nil, errors.New("parse database url: it is not one PostgreSQL understands")
	}
	if d.PasswordFile != "" {
		if c.ConnConfig.Password, err = config.ReadSecret(d.PasswordFile); err != nil {
			return nil, err
		}
	}
	c.MaxConns = size
	c.MinConns = 0
	c.ConnConfig.ConnectTimeout = connectTimeout
	c.ConnConfig.RuntimeParams[applicationName] = name
	c.ConnConfig.OnNotice = func(conn *pgconn.PgConn, n *pgconn.Notice) {
		if strings.Contains(n.Message, syncWaitCancel) {
			conn.CustomData()[unacknowledged] = true
		}
	}
	return c, nil
}

// Open makes a pool of at most size connections. It does not connect, so it succeeds while the database is down.
func Open(ctx context.Context, d config.Database, name string, size int32, set map[string]string) (*pgxpool.Pool, error) {
	c, err := ParsePool(d, name, size)
	if err != nil {
		return nil, err
	}
	for k, v := range set {
		c.ConnConfig.RuntimeParams[k] = v
	}
	p, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	return p, nil
}

// Unacknowledged reports whether a commit on c since the last call returned although no synchronous standby confirmed it.
// PostgreSQL says so in a warning only; such a commit may be lost in a failover.
func Unacknowledged(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	was, _ := data[unacknowledged].(bool)
	delete(data, unacknowledged)
	return was
}

// IsReadOnly reports whether err says that the database takes no writes: a standby, or a fenced primary.
func IsReadOnly(err error) bool { return hasState(err, stateReadOnly) }

// IsMissingTable reports whether err says that the schema has not arrived yet.
func IsMissingTable(err error) bool { return hasState(err, stateNoTable) }

func hasState(err error, state string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == state
}

// IsRejected reports whether err says that the server turned the statement down before any commit, so that nothing of it
// can be there later. The end of a session (class 57P) and a broken connection say no such thing.
func IsRejected(err error) bool {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return !strings.HasPrefix(e.Code, "57P") && !strings.HasPrefix(e.Code, "08") && e.Code != stateCancelled
	}
	return pgconn.SafeToRetry(err)
}
