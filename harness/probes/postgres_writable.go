package probes

import (
	"context"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/internal/heartbeat"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: harness.ProbeWritable,
	Doc: "Asks every millisecond whether the database of a region is in recovery and, once it is not, writes a row for real: " +
		"the moment at which the region takes writes.",
	Example: "{probe: postgres.writable}",
	New:     func() Factory { return writableFactory{} },
})

// Paces of postgres.writable.
const (
	writableEvery  = time.Millisecond       // while it is in recovery
	writtenEvery   = 100 * time.Millisecond // once it takes writes: each question is a real one
	unreachedEvery = 5 * time.Millisecond   // while nothing is there to be asked
	writableKeep   = 100 * time.Millisecond // between changes, one answer is kept in this time
)

// InRecovery is the detail of an answer of postgres.writable that shows a standby.
const InRecovery = "in recovery"

type writableFactory struct{}

// Every is the pace of questions until the database takes writes.
func (writableFactory) Every() time.Duration { return writableEvery }

// Traits: it asks the standby's database whether it leads yet.
func (writableFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Speaks: postgresKind, Roles: []string{harness.Standby}, Leads: true, Unit: unitBool,
		Writes: "a row on the standby, once it takes writes"}
}

// Open looks up the database. The region is the one asked about; empty: the standby.
func (writableFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, true); err != nil {
		return nil, err
	}
	r, err := region(config, harness.Standby)
	if err != nil {
		return nil, err
	}
	db, err := privateDatabase(config, r, nil)
	if err != nil {
		return nil, err
	}
	if err := db.mayBeat(); err != nil {
		return nil, err
	}
	every := config.Every
	if every <= 0 {
		every = writableEvery
	}
	return &writableProbe{clock: config.Clock, db: db, every: every}, nil
}

type writableProbe struct {
	clock *harness.Clock
	db    *database
	every time.Duration

	mu   sync.Mutex // guards the rest
	pace time.Duration
}

// Ask polls once and, out of recovery, writes once. Value is 1 if the write was completed.
func (w *writableProbe) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{Probe: harness.ProbeWritable, On: w.db.component, Unit: unitBool}
	recovering := true
	o.At.Lo = w.clock.Now()
	err := w.db.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if err := c.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering); err != nil || recovering {
			return err
		}
		return w.db.write(ctx, c, heartbeat.OfWrites, w.clock.Now())
	})
	o.At.Hi = w.clock.Now()
	o.Reached = reached(err)
	switch {
	case err != nil && recovering:
		o.Detail = reason(err)
	case err != nil:
		o.Detail = truncate("not in recovery, but no write was completed: " + reason(err))
	case recovering:
		o.Detail = InRecovery
	default:
		o.OK, o.Value, o.Detail = true, 1, "write completed"
	}
	w.note(o)
	return o
}

// note remembers what an answer means for the pace.
func (w *writableProbe) note(o harness.Observation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case o.OK:
		w.pace = writtenEvery
	case !o.Reached:
		w.pace = unreachedEvery
	default:
		w.pace = w.every
	}
}

// Pace is the time to the next question.
func (w *writableProbe) Pace() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pace
}

// KeepEvery says that answers between changes are thinned.
func (w *writableProbe) KeepEvery() time.Duration { return writableKeep }

// Close ends the connection.
func (w *writableProbe) Close() { w.db.close() }
