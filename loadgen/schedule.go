package loadgen

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Clock counts ns since Anchor on the monotonic clock. All streams of a drill
// share one, so that their offsets can be compared.
type Clock struct {
	// Anchor is instant 0, UTC. It stands in the header of each file.
	Anchor time.Time
	// Now returns ns since Anchor. It never goes back.
	Now func() int64
}

// NewClock returns a clock whose instant 0 is now.
func NewClock() Clock { return ClockFrom(time.Now()) }

// ClockFrom returns a clock whose instant 0 is anchor, which must come from
// time.Now and carry its monotonic reading.
func ClockFrom(anchor time.Time) Clock {
	return Clock{
		Anchor: anchor.UTC().Round(0),
		Now:    func() int64 { return int64(time.Since(anchor)) },
	}
}

// Schedule says when each request is due:
//
//	due(n) = Start + floor(n × Per ÷ Freq)   in ns since the anchor
//
// With Freq 0 nothing is ever due.
type Schedule struct {
	Start int64         // ns since the anchor
	Freq  int           // requests …
	Per   time.Duration // … in this time
}

// MaxRate bounds a schedule, in requests per second.
const MaxRate = 1_000_000

// Every returns a schedule of rate requests per second from start on.
func Every(rate int, start int64) Schedule {
	return Schedule{Start: start, Freq: rate, Per: time.Second}
}

// Check returns an error for a schedule that cannot be kept.
func (s Schedule) Check() error {
	switch {
	case s.Freq < 0 || s.Start < 0 || s.Per < 0:
		return fmt.Errorf("check schedule: negative start, freq or per: %+v", s)
	case s.Freq > 0 && s.Per == 0:
		return fmt.Errorf("check schedule: %d requests in no time", s.Freq)
	case s.PerSecond() > MaxRate:
		return fmt.Errorf("check schedule: %.0f requests a second exceed %d", s.PerSecond(), MaxRate)
	}
	return nil
}

// PerSecond returns the rate in requests per second.
func (s Schedule) PerSecond() float64 {
	if s.Freq == 0 || s.Per <= 0 {
		return 0
	}
	return float64(s.Freq) / s.Per.Seconds()
}

// Due returns when request n is due, in ns since the anchor. It is
// math.MaxInt64 for a request that never is.
func (s Schedule) Due(n uint64) int64 {
	if s.Freq <= 0 || s.Per <= 0 {
		return math.MaxInt64
	}
	hi, lo := bits.Mul64(n, uint64(s.Per))
	if hi >= uint64(s.Freq) {
		return math.MaxInt64
	}
	offset, _ := bits.Div64(hi, lo, uint64(s.Freq))
	if offset > uint64(math.MaxInt64-s.Start) {
		return math.MaxInt64
	}
	return s.Start + int64(offset)
}

// Count returns how many requests are due at or before the instant at.
func (s Schedule) Count(at int64) uint64 {
	if s.Freq <= 0 || s.Per <= 0 || at < s.Start {
		return 0
	}
	// n is due by then exactly if n × Per < (at − Start + 1) × Freq.
	hi, lo := bits.Mul64(uint64(at-s.Start)+1, uint64(s.Freq))
	if hi >= uint64(s.Per) {
		return math.MaxUint64
	}
	count, rest := bits.Div64(hi, lo, uint64(s.Per))
	if rest > 0 {
		count++
	}
	return count
}

// Pace makes a Schedule a vegeta.Pacer, so that vegeta's own attacker can run
// the same plan. (vegeta's ConstantPacer rounds the interval to whole ns, which
// drifts at 3 000/s, and starts one interval late; a due time could not be
// recomputed from it.)
func (s Schedule) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	due := s.Due(hits)
	if due == math.MaxInt64 {
		return 0, true
	}
	return time.Duration(due-s.Start) - elapsed, false
}

// Rate is PerSecond, for vegeta.Pacer.
func (s Schedule) Rate(time.Duration) float64 { return s.PerSecond() }

var _ vegeta.Pacer = Schedule{}
