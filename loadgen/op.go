package loadgen

import (
	"context"
	"math"
	"time"
)

// Slot is one due request, handed to an Op.
type Slot struct {
	Seq    uint64
	Due    int64  // ns since the anchor
	Sent   int64  // ns since the anchor: when the worker took it up
	Worker uint32 // which worker it is, from 0; one worker runs one Do at a time
}

// Result is how one request ended.
type Result struct {
	Outcome Outcome // not None, not Unsent
	Cohort  uint8
	Status  uint16
}

// Op is one operation of a load. Do is called by many workers at the same time.
//
// It must return within the run's timeout of being called: an op that does not
// keeps its worker from the schedule, and is counted in Stats.Overran. ctx ends
// only when a run is given up. Do must not re-send, and must not panic.
type Op interface {
	Do(ctx context.Context, slot Slot) Result
}

// OpFunc makes an Op of a function.
type OpFunc func(ctx context.Context, slot Slot) Result

// Do calls f.
func (f OpFunc) Do(ctx context.Context, slot Slot) Result { return f(ctx, slot) }

const (
	// MaxWorkers bounds the pool of a run.
	MaxWorkers = 1 << 16
	// spareWorkers is what a pool holds beyond rate × timeout.
	spareWorkers = 64
)

// WorkersFor returns the pool a run needs so that a target which answers
// nothing still gets every request: rate × timeout, a quarter more, and a few.
// Workers are started when they are needed, not before.
func WorkersFor(s Schedule, timeout time.Duration) int {
	need := math.Ceil(s.PerSecond()*timeout.Seconds()*1.25) + spareWorkers
	return int(min(need, MaxWorkers))
}
