package external

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/harness/victim"
)

// onDatabase asks a database something over a connection of its own, within the time of one look.
func (d *Driver) onDatabase(ctx context.Context, name string, question func(context.Context, *pgx.Conn) error) (p part, err error) {
	if p, err = d.find(name); err != nil {
		return p, err
	}
	db, ok := p.kind.(*component.Postgres)
	if component.SpeaksRedis(p.kind) {
		return p, fmt.Errorf("not available: %s is a Redis, which does not show that nobody writes there, and loses what it alone had once it copies another", name)
	}
	if !ok {
		return p, fmt.Errorf("not available: %s is no database that says whether it takes writes", name)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c, err := db.Connect(ctx, p.at)
	if err != nil {
		return p, fmt.Errorf("not available: %s does not say whether it takes writes: %w", name, err)
	}
	defer component.Close(ctx, c)
	if err = question(ctx, c); err != nil {
		return p, fmt.Errorf("not available: %s does not say whether it takes writes: %w", name, component.Answered(err))
	}
	return p, nil
}

// RefusesWrites asks a database whether it takes writes, by the call that its file names for that, on the node itself; without one by the
// way from outside, and nothing is tried. One that its means says does not run refuses them. One that does not answer is an error: nobody here can see
// whether it is down.
func (d *Driver) RefusesWrites(ctx context.Context, name string) (bool, error) {
	if running, known, err := d.runs(ctx, name); known && err == nil && !running {
		return true, nil // nothing is there to take them
	}
	if c, ok := d.Target.ComponentByName(name); ok && c.Fencing != nil && c.Fencing.Asked != "" {
		_, said, err := d.said(ctx, c.Fencing.Asked)
		if err != nil {
			return false, err
		}
		refuses, err := said.Says()
		if err != nil {
			err = fmt.Errorf("call %s, which asks whether %s takes writes: %w", c.Fencing.Asked, name, err)
		}
		return refuses, err
	}
	var taken error
	_, err := d.onDatabase(ctx, name, func(ctx context.Context, c *pgx.Conn) (err error) {
		_, taken, err = victim.TakesWrites(ctx, c)
		return err
	})
	return err == nil && taken == nil, err
}

// LeftBehind implements harness.InPlace.
func (d *Driver) LeftBehind(ctx context.Context, name, serving string) (harness.Standing, error) {
	var taken error
	var then, now victim.Writes
	p, err := d.onDatabase(ctx, name, func(ctx context.Context, c *pgx.Conn) (err error) {
		then, taken, err = victim.TakesWrites(ctx, c)
		return err
	})
	if err == nil {
		_, err = d.onDatabase(ctx, serving, func(ctx context.Context, c *pgx.Conn) (err error) { now, err = victim.AskWrites(ctx, c); return err })
	}
	switch {
	case err != nil:
		return harness.Standing{}, err
	case taken != nil:
		return harness.Standing{}, fmt.Errorf("%s %w: what it holds may change while it is read", name, taken)
	case then.Recovering && then.Timeline >= now.Timeline:
		return harness.Standing{}, fmt.Errorf("%s is a copy of %s by now: what it alone had is gone", name, serving)
	}
	basis := name + " is in recovery"
	if !then.Recovering {
		tried, err := d.tryWrite(ctx, p)
		if err != nil {
			return harness.Standing{}, err
		}
		basis = fmt.Sprintf("%s says itself that its sessions are read-only by default; %s, and its transactions show that nobody wrote while it was read", name, tried)
	}
	return harness.Standing{Access: ownCopy(p.access), Basis: basis, Still: func(ctx context.Context) error {
		var meanwhile error
		_, err := d.onDatabase(ctx, name, func(ctx context.Context, c *pgx.Conn) error {
			w, err := victim.AskWrites(ctx, c)
			if meanwhile = w.TakenSince(then); w.Recovering != then.Recovering {
				meanwhile = errors.New("is another by now: it has been promoted, or follows again")
			}
			return err
		})
		if err == nil && meanwhile != nil {
			err = fmt.Errorf("%s %w: what it holds has changed while it was read", name, meanwhile)
		}
		return err
	}}, nil
}

// emptyWrites change no row, and are refused all the same where nothing can be written, by what must be allowed.
var emptyWrites = map[string]string{
	target.WriteHeartbeat: "UPDATE %[1]s SET at = at WHERE false",
	target.WriteLedger:    "INSERT INTO %[1]s SELECT * FROM %[1]s WHERE false",
}

// readOnlyTransaction is the SQLSTATE of a write that is refused because nothing may be written.
const readOnlyTransaction = "25006"

// tryWrite tries to write nothing into a table that allows lists, as any session would, and says how that went. That it is not refused is
// an error.
func (d *Driver) tryWrite(ctx context.Context, p part) (string, error) {
	for _, write := range []string{target.WriteHeartbeat, target.WriteLedger} {
		table := target.Allow{Write: write}.Table()
		if d.Allowed(p.Name, table) != nil {
			continue
		}
		var said error
		_, err := d.onDatabase(ctx, p.Name, func(ctx context.Context, c *pgx.Conn) error {
			_, said = c.Exec(ctx, fmt.Sprintf(emptyWrites[write], table))
			return nil
		})
		var refused *pgconn.PgError
		switch {
		case err != nil:
			return "", err
		case said == nil:
			return "", fmt.Errorf("%s says that its sessions are read-only by default, and a write of ours to %s was not refused", p.Name, table)
		case errors.As(said, &refused) && refused.Code == readOnlyTransaction:
			return "a write of ours to " + table + " was refused", nil
		}
		return "", fmt.Errorf("not available: %s does not say whether it takes a write: %w", p.Name, component.Answered(said))
	}
	return "no write was tried, since allows lists none there", nil
}
