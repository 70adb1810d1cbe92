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

// statementTimeout ends a statement on the server before our own patience ends, so that no session is left behind.
const statementTimeout = answerTimeout * 4 / 5

// database is one database as it is reached by the private path: no link can be in the way of what it tells of itself.
type database struct {
	harness.Component
	driver Driver
}

// database finds a component that is a database.
func (s scene) database(name string) (database, error) {
	c, err := s.component(name)
	if err != nil {
		return database{}, err
	}
	if c.Kind != "postgres" {
		return database{}, fmt.Errorf("a component of kind %q is no database", c.Kind)
	}
	if s.driver == nil {
		return database{}, errors.New("no driver is given, so there is no private path")
	}
	return database{c, s.driver}, nil
}

// source finds the database of the region that was the primary when the drill started.
func (s scene) source() (database, error) {
	region, ok := s.target.RegionByRole(harness.Primary)
	if !ok {
		return database{}, fmt.Errorf("target %s has no primary region", s.target.Name)
	}
	c, ok := s.target.ComponentOf(region.Name, "postgres")
	if !ok {
		return database{}, fmt.Errorf("primary region %s has no database", region.Name)
	}
	return s.database(c.Name)
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
	config, err := pgdial.Config(pgdial.To{
		Address: access.Address, User: access.User, Password: access.Password, Database: access.Database,
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
