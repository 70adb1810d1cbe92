package probes

import (
	"context"
	"fmt"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: "postgres.writable",
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

// Writes says what the probe leaves behind.
func (writableFactory) Writes() string { return "a row on the standby, once it takes writes" }

// Every is the pace of questions until the database takes writes.
func (writableFactory) Every() time.Duration { return writableEvery }

// Open looks up the database. The region is the one asked about; empty: the standby.
func (writableFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked("postgres.writable", config, true); err != nil {
		return nil, err
	}
	r, err := region(config, harness.Standby)
	if err != nil {
		return nil, fmt.Errorf("open postgres.writable: %w", err)
	}
	db, err := privateDatabase(config, r, nil)
	if err != nil {
		return nil, fmt.Errorf("open postgres.writable: %w", err)
	}
	every := config.Every
	if every <= 0 {
		every = writableEvery
	}
	return &writable{clock: config.Clock, db: db, every: every}, nil
}

type writable struct {
	clock *harness.Clock
	db    *database
	every time.Duration

	mu   sync.Mutex // guards the rest
	pace time.Duration
}

// Ask polls once and, out of recovery, writes once. Value is 1 if the write was completed.
func (w *writable) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{Probe: "postgres.writable", On: w.db.component, Unit: unitBool}
	recovering := true
	o.At.Lo = w.clock.Now()
	err := w.db.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if err := c.QueryRow(ctx, `SELECT pg_is_in_recovery()`).Scan(&recovering); err != nil || recovering {
			return err
		}
		return w.db.write(ctx, c, writableRow, w.clock.Now())
	})
	o.At.Hi = w.clock.Now()
	o.Reached = reached(err)
	switch {
	case err != nil && recovering:
		o.Detail = reason(err)
	case err != nil:
		o.Detail = clip("not in recovery, but no write was completed: " + reason(err))
	case recovering:
		o.Detail = InRecovery
	default:
		o.OK, o.Value, o.Detail = true, 1, "write completed"
	}
	w.note(o)
	return o
}

// note remembers what an answer means for the pace.
func (w *writable) note(o harness.Observation) {
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
func (w *writable) Pace() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pace
}

// KeepEvery says that answers between changes are thinned.
func (w *writable) KeepEvery() time.Duration { return writableKeep }

// Close ends the connection.
func (w *writable) Close() { w.db.close() }
