package victim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"blackstart/harness"
	"blackstart/internal/pgdial"
	"blackstart/internal/shortage"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// postgresKind is the kind of component that is asked in SQL.
const postgresKind = "postgres"

// statementTimeout ends a statement on the server before our own patience ends, so that no session is left behind.
const statementTimeout = answerTimeout * 4 / 5

// database is one database as it is reached by the private path: no link can be in the way of what it tells of itself.
type database struct {
	harness.Component
	driver Driver
}

// askAgain is the pause between two readings of a state that is to be reached.
const askAgain = 50 * time.Millisecond

// errPromoted says why a question about a standby has no answer: only a node in recovery receives and replays.
var errPromoted = errors.New("it is not in recovery, so nothing is replicated to it")

// errNoPrimary says why a question about a primary has no answer.
var errNoPrimary = errors.New("it is in recovery, so it is no primary")

// asks makes a check of one question to a database.
func asks(question func(context.Context, *pgx.Conn) error) func(Victim, harness.Check) (Ask, error) {
	return func(v Victim, check harness.Check) (Ask, error) {
		db := v.database(check.On)
		return func(ctx context.Context, _ func()) error { return db.do(ctx, question) }, nil
	}
}

// database is a component that was seen to be one.
func (v Victim) database(name string) database {
	c, _ := v.Target.ComponentByName(name)
	return database{c, v.Driver}
}

// source finds the database of the region that was the primary when the drill started.
func (v Victim) source() (database, error) {
	c, ok := v.Target.ComponentByRole(harness.Primary, postgresKind)
	if !ok {
		return database{}, fmt.Errorf("target %s has no primary region with a database", v.Target.Name)
	}
	return database{c, v.Driver}, nil
}

// do opens a connection of its own, asks, and closes it: a kept one would tell of the moment at which it was opened.
func (d database) do(ctx context.Context, ask func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	access, err := d.driver.Access(d.Region, d.Name)
	if err != nil {
		return fmt.Errorf("private path does not lead there: %w", err)
	}
	config, err := connConfig(access)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return d.fails(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // what was asked is answered; how it ends tells nothing
	if err := ask(ctx, conn); err != nil {
		return d.fails(err)
	}
	return nil
}

// fails says what went wrong without the connection's settings, which pgx puts into its text.
func (d database) fails(err error) error {
	shortage.Note("a check", err)
	var answered *pgconn.PgError
	switch {
	case errors.As(err, &answered):
		return fmt.Errorf("%s says: %s (SQLSTATE %s)", d.Name, answered.Message, answered.Code)
	case timedOut(err):
		return fmt.Errorf("%s does not answer by the private path", d.Name)
	}
	var refused *pgconn.ConnectError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s cannot be reached by the private path", d.Name)
	}
	return err
}

// connConfig makes a configuration that depends on the access alone.
func connConfig(access harness.Access) (*pgx.ConnConfig, error) {
	config, err := pgdial.Config(pgdial.Params{
		Address: access.Address, User: access.User, Password: access.Password, Database: access.Database, TLS: access.TLS, Auth: access.Auth, Identity: access.Identity,
		Params: map[string]string{
			"statement_timeout": strconv.FormatInt(int64(statementTimeout/time.Millisecond), 10),
			// A commit that waits for a standby which is cut off would wait for ever, and no timeout of the server ends it.
			"synchronous_commit": "local",
		}})
	if err != nil {
		return nil, fmt.Errorf("follow the private path: %w", err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	return config, nil
}
