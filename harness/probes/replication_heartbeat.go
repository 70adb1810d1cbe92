package probes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/internal/heartbeat"
	"blackstart/internal/registry"

	"github.com/jackc/pgx/v5"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: harness.ProbeHeartbeat,
	Doc: "Writes the time into a row on the primary every 100 to 250 ms and reads it on the standby, both by the private " +
		"path: the value is the age of what the standby has, and it grows while replication stands still.",
	Example: "{probe: replication.heartbeat, ageAtMost: 1s}",
	New:     func() Factory { return heartbeatFactory{} },
})

// Pace of the writer.
const (
	minBeat = 100 * time.Millisecond
	maxBeat = 250 * time.Millisecond
)

type heartbeatFactory struct{}

// Every is the pace of questions.
func (heartbeatFactory) Every() time.Duration { return minBeat }

// Traits: it asks the standby's database how old its copy is.
func (heartbeatFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Speaks: postgresKind, Roles: []string{harness.Standby}, Follows: true, Unit: unitNS,
		Writes: "a row of the table blackstart.heartbeat on the primary, ten times a second"}
}

// Open starts the writer. The region of the config is the one whose copy is read; empty, or the primary: the standby.
func (f heartbeatFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	primary, standby, err := pair(config)
	if err != nil {
		return nil, err
	}
	if err := primary.mayBeat(); err != nil {
		return nil, err
	}
	h := &heartbeatProbe{clock: config.Clock, standby: standby, beats: primary}
	every := min(max(config.Every, minBeat), maxBeat)
	ctx, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.writing.Go(func() { h.write(ctx, every) })
	return h, nil
}

// pair finds the databases of the primary region and of the one whose copy is asked about.
func pair(config harness.ProbeConfig) (primary, standby *database, err error) {
	if err := checked(config, true); err != nil {
		return nil, nil, err
	}
	from, ok := config.Target.RegionByRole(harness.Primary)
	if !ok {
		return nil, nil, fmt.Errorf("target %s has no primary region", config.Target.Name)
	}
	if config.Region == from.Name {
		config.Region = ""
	}
	to, err := region(config, harness.Standby)
	if err != nil {
		return nil, nil, err
	}
	// The primary's commits must not wait for the standby: this probe is to see it lag, not to lag with it.
	primary, err = privateDatabase(config, from, map[string]string{"synchronous_commit": "local"})
	if err != nil {
		return nil, nil, err
	}
	standby, err = privateDatabase(config, to, nil)
	if err != nil {
		return nil, nil, err
	}
	return primary, standby, nil
}

// heartbeatProbe is the reader; its writer runs beside it so that a primary that hangs cannot delay an answer.
type heartbeatProbe struct {
	clock   *harness.Clock
	standby *database // used by Ask alone
	beats   *database // used by the writer alone
	stop    context.CancelFunc
	writing sync.WaitGroup

	mu       sync.Mutex // guards writeErr
	writeErr string     // why the last write failed, "" if it did not
}

func (h *heartbeatProbe) write(ctx context.Context, every time.Duration) {
	defer h.beats.close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := h.beats.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
			return h.beats.write(ctx, c, heartbeat.OfReplication, h.clock.Now())
		})
		h.mu.Lock()
		h.writeErr = reason(err)
		h.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Ask reads the row on the standby. Value is the greatest age it can have had, at the end of the interval; the least is
// Value minus the interval's width.
func (h *heartbeatProbe) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{Probe: harness.ProbeHeartbeat, On: h.standby.component, Unit: unitNS}
	var recovering bool
	var at time.Time
	o.At.Lo = h.clock.Now()
	err := h.standby.do(ctx, func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, `SELECT pg_is_in_recovery(), at FROM blackstart.heartbeat WHERE id = $1`, heartbeat.OfReplication).Scan(&recovering, &at)
	})
	o.At.Hi = h.clock.Now()
	noRow := errors.Is(err, pgx.ErrNoRows)
	o.Reached = reached(err) || noRow
	switch {
	case noRow:
		o.Detail = "no heartbeat row: nothing has been replicated"
	case heartbeat.Missing(err):
		o.Detail = "no heartbeat table: nothing has been replicated"
	case err != nil:
		o.Detail = reason(err)
	default:
		h.judge(&o, recovering, harness.Stamp(at.UnixNano()))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writeErr != "" {
		o.Detail = truncate(o.Detail + "; last write on " + h.beats.component + ": " + h.writeErr)
	}
	return o
}

// judge fills in what a row says. Only a node in recovery replicates: a promoted one keeps its last row for ever.
func (h *heartbeatProbe) judge(o *harness.Observation, recovering bool, at harness.Stamp) {
	o.Value = int64(o.At.Hi - at)
	o.OK = recovering && o.Value >= 0
	switch {
	case !recovering:
		o.Detail = "role=promoted: not in recovery, so nothing is replicated to it"
	case o.Value < 0:
		o.Detail = "role=standby: its row is ahead of the clock, so it is not this drill's"
	default:
		o.Detail = "role=standby"
	}
}

// Close ends the writer and both connections.
func (h *heartbeatProbe) Close() {
	h.stop()
	h.writing.Wait()
	h.standby.close()
}
