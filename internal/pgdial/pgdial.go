// Package pgdial is the one way in which the harness connects to a PostgreSQL server. What it connects with is what it was
// told: no PG* variable, password file, service file or certificate of the account that runs it can redirect a connection,
// or add to it.
//
// It never retries, never tries a second address, and never chooses a server by what it is.
package pgdial

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Application is the name under which a server sees the harness, where To.Params gives no other.
const Application = "blackstart"

// Params is everything a connection is made from.
type Params struct {
	Address                  string // "host:port", where the host may be the directory of a unix socket
	User, Password, Database string
	TLS                      *tls.Config       // nil: plain text
	Timeout                  time.Duration     // to connect; 0: as the context says
	Params                   map[string]string // of the session, application_name among them
	MaxMessage               int               // bytes of one message of the server; 0: as pgx has it
	Identity                 string            // system identifier that the server must have, asked before anything else; "": any
	Auth                     string            // methods that the server may ask for, as libpq's require_auth; "": any
}

// template is a configuration that came from no environment. pgx takes none that it has not parsed itself, and parsing reads
// the environment: so it happens once, before anything else runs, while the variables are out of the way.
var template = func() *pgx.ConnConfig {
	defer hide("PG")()
	c, err := pgx.ParseConfig("host=127.0.0.1 port=1 user=nobody dbname=none sslmode=disable target_session_attrs=any " +
		"passfile=/dev/null servicefile=/dev/null")
	if err != nil {
		panic("pgdial: " + err.Error()) // a constant that pgx understands, or the program is wrong
	}
	return c
}()

// hide takes every variable that begins with prefix out of the environment, and returns what puts them back.
func hide(prefix string) (restore func()) {
	hidden := map[string]string{}
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, prefix) {
			hidden[name] = value
			_ = os.Unsetenv(name) // fails for malformed names only
		}
	}
	return func() {
		for name, value := range hidden {
			_ = os.Setenv(name, value)
		}
	}
}

// Split reads an address, "host:port".
func Split(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fmt.Errorf("read database address %q: %w", address, err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("read database address %q: port is not a number from 1 to 65535", address)
	}
	return host, uint16(n), nil
}

// Config makes a configuration that depends on to alone.
func Config(to Params) (*pgx.ConnConfig, error) {
	host, port, err := Split(to.Address)
	if err != nil {
		return nil, err
	}
	c := template.Copy()
	c.Host, c.Port, c.Fallbacks, c.TLSConfig = host, port, nil, to.TLS
	c.User, c.Password, c.Database, c.ConnectTimeout, c.RequireAuth = to.User, to.Password, to.Database, to.Timeout, to.Auth
	if to.MaxMessage > 0 {
		c.MaxProtocolMessageBodyLen = to.MaxMessage
	}
	c.RuntimeParams = map[string]string{"application_name": Application}
	maps.Copy(c.RuntimeParams, to.Params)
	if to.Identity != "" {
		c.AfterConnect = func(ctx context.Context, pg *pgconn.PgConn) error { return hold(ctx, pg, to.Identity) }
	}
	return c, nil
}

// WhoSQL asks a server who it is: its system identifier, which a standby shares with its primary.
const WhoSQL = "SELECT system_identifier::text FROM pg_control_system()"

// AnotherError is the error of a connection to another server than the one that was meant.
type AnotherError struct{ Is, Want string }

func (e *AnotherError) Error() string { return "it is " + e.Is + ", and not " + e.Want }

// hold asks a server who it is before anything else is.
func hold(ctx context.Context, pg *pgconn.PgConn, want string) error {
	rows := pg.ExecParams(ctx, WhoSQL, nil, nil, nil, nil).Read()
	if rows.Err != nil {
		return fmt.Errorf("ask who it is: %w", rows.Err)
	}
	if len(rows.Rows) != 1 || len(rows.Rows[0]) != 1 {
		return fmt.Errorf("ask who it is: it gives %d rows", len(rows.Rows))
	}
	if is := string(rows.Rows[0][0]); is != want {
		return &AnotherError{is, want}
	}
	return nil
}

// Wire is Config for those who speak to the server without pgx.
func Wire(to Params) (*pgconn.Config, error) {
	c, err := Config(to)
	if err != nil {
		return nil, err
	}
	return &c.Config, nil
}

// Connect opens one connection, which the caller closes.
func Connect(ctx context.Context, to Params) (*pgx.Conn, error) {
	c, err := Config(to)
	if err != nil {
		return nil, err
	}
	return pgx.ConnectConfig(ctx, c)
}
