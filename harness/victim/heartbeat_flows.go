package victim

import (
	"context"
	"errors"
	"fmt"
	"time"

	"blackstart/harness"
	"blackstart/internal/heartbeat"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var (
	_ = Checks.Add(registry.Kind[Kind]{
		Name: string(harness.HeartbeatStalls),
		Doc: "Holds when the last heartbeat that a standby has applied, read by the private path, is more than a second old " +
			"and does not move while one more is written on the primary.",
		Example: "heartbeat.stalls on west.db",
		New: func() Kind {
			return Kind{Scope: ScopeComponent, Protocol: postgresKind, Plan: afterBeat(Victim.heartbeatStalls)}
		},
	})
	_ = Checks.Add(registry.Kind[Kind]{
		Name:    string(harness.HeartbeatFlows),
		Doc:     "Holds when a heartbeat that is written on the primary is applied by a standby within a second.",
		Example: "heartbeat.flows on west.db",
		New: func() Kind {
			return Kind{Scope: ScopeComponent, Protocol: postgresKind, Follows: true, Plan: afterBeat(Victim.heartbeatFlows)}
		},
	})
)

const (
	// freshBeat is the age that tells a standby that follows from one that does not.
	freshBeat = time.Second
	// betweenBeats is the pause between two readings of a beat that is not to move: more than one beat of the probe's long.
	betweenBeats = 200 * time.Millisecond
)

// afterBeat writes a beat on the primary before it reads the standby: a heartbeat that nobody writes stalls too, and after a
// drill that was killed no probe writes one.
func afterBeat(read func(v Victim, ctx context.Context, c *pgx.Conn, beat time.Time) error) func(Victim, harness.Check) (Ask, error) {
	return func(v Victim, check harness.Check) (Ask, error) {
		standby := v.database(check.On)
		source, err := v.source()
		if err != nil {
			return nil, err
		}
		if source.Name == standby.Name {
			return nil, errors.New("it is the primary's own database: a heartbeat is read on a standby")
		}
		write := func(ctx context.Context, c *pgx.Conn, beat time.Time) error {
			return heartbeat.Write(ctx, c, heartbeat.OfChecks, beat, nil)
		}
		if allowing, ok := v.Driver.(harness.Allowing); ok { // then nothing is made
			if err := allowing.Allowed(source.Name, heartbeat.Table); err != nil {
				return nil, fmt.Errorf("not available: %w", err)
			}
			write = func(ctx context.Context, c *pgx.Conn, beat time.Time) error {
				return heartbeat.Beat(ctx, c, heartbeat.OfChecks, beat)
			}
		}
		return func(ctx context.Context, _ func()) error {
			beat := v.Clock.Now().Time().Truncate(time.Microsecond) // as the column keeps it
			if err := source.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
				return write(ctx, c, beat)
			}); err != nil {
				return fmt.Errorf("no heartbeat could be written: %w", err)
			}
			return standby.do(ctx, func(ctx context.Context, c *pgx.Conn) error { return read(v, ctx, c, beat) })
		}, nil
	}
}

// lastBeat reads the last beat, whoever wrote it, that a standby has applied.
func lastBeat(ctx context.Context, c *pgx.Conn) (time.Time, error) {
	var recovering bool
	var last *time.Time
	err := c.QueryRow(ctx, `SELECT pg_is_in_recovery(), max(at) FROM blackstart.heartbeat`).Scan(&recovering, &last)
	switch {
	case err != nil:
		return time.Time{}, err
	case !recovering:
		return time.Time{}, errPromoted
	case last == nil:
		return time.Time{}, errors.New("no heartbeat has ever arrived")
	}
	return *last, nil
}

// heartbeatStalls holds if the standby's last beat is old and does not move while one more has been written.
func (v Victim) heartbeatStalls(ctx context.Context, c *pgx.Conn, _ time.Time) error {
	first, err := lastBeat(ctx, c)
	if err != nil {
		return err
	}
	if !pause(ctx, betweenBeats) {
		return errors.New("the time was over before its heartbeat could be read twice")
	}
	second, err := lastBeat(ctx, c)
	if err != nil {
		return err
	}
	if second.After(first) {
		return found("it still applies heartbeats")
	}
	if age := v.Clock.Now().Time().Sub(second); age <= freshBeat {
		return found("its last heartbeat is only %v old", age.Round(time.Millisecond))
	}
	return nil
}

// heartbeatFlows holds if the beat that was just written arrives before it is old.
func (v Victim) heartbeatFlows(ctx context.Context, c *pgx.Conn, beat time.Time) error {
	for {
		last, err := lastBeat(ctx, c)
		tableComes := heartbeat.Missing(err)
		if err != nil && !tableComes {
			return err
		}
		if err == nil && !last.Before(beat) {
			return nil
		}
		if v.Clock.Now().Time().Sub(beat) >= freshBeat || !pause(ctx, askAgain) {
			if tableComes {
				return errors.New("no heartbeat has ever arrived")
			}
			return found("its last heartbeat is %v old", v.Clock.Now().Time().Sub(last).Round(time.Millisecond))
		}
	}
}
