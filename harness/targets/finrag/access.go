package finrag

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
)

// Access gives the way from a place to a component. From outside, and from the
// other region, it is a link; a region reaches its own components by the private
// path, which no link uses.
func (d *Driver) Access(place, component string) (harness.Access, error) {
	s, _, err := d.Started("reach " + component)
	if err != nil {
		return harness.Access{}, err
	}
	c, ok := s.Described.ComponentByName(component)
	if !ok {
		return harness.Access{}, fmt.Errorf("reach %s from %s: there is no such component", component, place)
	}
	a := harness.Access{}
	if c.Kind == "postgres" {
		a = s.DatabaseAccess("")
	}
	if place == c.Region {
		a.Address = s.Layout.Inside[component]
		return a, nil
	}
	for _, l := range s.Described.Links {
		if l.From == place && l.To == component {
			a.Address = l.Address
			return a, nil
		}
	}
	return harness.Access{}, fmt.Errorf("reach %s from %s: there is no link", component, place)
}

// DatabaseAccess is how a database at an address is entered.
func (s *Site) DatabaseAccess(address string) harness.Access {
	return harness.Access{Address: address, User: postgres.User, Password: s.Password, Database: postgres.Database}
}

// Running answers by the private path whether a component runs.
func (d *Driver) Running(ctx context.Context, component string) (bool, error) {
	s, w, err := d.Started("look for " + component)
	if err != nil {
		return false, err
	}
	if _, ok := s.Described.ComponentByName(component); !ok {
		return false, fmt.Errorf("look for %s: there is no such component", component)
	}
	runs, err := w.Runs(ctx, component)
	if err != nil {
		return false, fmt.Errorf("look for %s: %w", component, err)
	}
	return runs, nil
}

// MissingComponents looks for every component, and gives a *harness.GoneError for each that is gone.
func (d *Driver) MissingComponents(ctx context.Context) error {
	s, w, err := d.Started("look for every component")
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range s.Described.Components {
		errs = append(errs, w.Gone(ctx, c.Name))
	}
	return errors.Join(errs...)
}

// RefusesWrites tries to make a table by the private path, in a transaction that
// is not committed. A database that is down refuses.
func (d *Driver) RefusesWrites(ctx context.Context, component string) (bool, error) {
	s, w, err := d.Started("try a write on " + component)
	if err != nil {
		return false, err
	}
	if err = s.checkComponents([]string{component}, "postgres"); err != nil {
		return false, fmt.Errorf("try a write on %s: %w", component, err)
	}
	takes, err := w.Accepts(ctx, component)
	if err != nil {
		return false, fmt.Errorf("try a write on %s: %w", component, err)
	}
	if !takes {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	refuses, err := refusesWrites(ctx, w, component)
	if err != nil {
		return false, fmt.Errorf("try a write on %s: %w", component, err)
	}
	return refuses, nil
}

func refusesWrites(ctx context.Context, w Ground, component string) (bool, error) {
	conn, err := w.Connect(ctx, component)
	if err != nil {
		return false, fmt.Errorf("it runs, yet %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// One simple query: the server takes it all as one transaction, and the
	// division makes that one fail after the write was taken.
	_, err = conn.PgConn().Exec(ctx, "CREATE TABLE blackstart_fence_check (n int); SELECT 1/0").ReadAll()
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "25006": // read-only transaction, or a standby
			return true, nil
		case "22012": // division by zero: the write before it was taken
			return false, nil
		}
	}
	return false, err
}
