package victim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"blackstart/harness"
)

// betweenProofs is how much later all checks are asked once more: what lasted less was no fault.
const betweenProofs = time.Second

// Witness asks all checks at once, round after round, until all hold in one round or ctx ends, and so dates what others do. Lo is
// the begin of the last round in which every check was asked and seen not to hold: nothing of what is witnessed had come by then.
// It is 0 if there was no such round. Hi is when the last question of the round was asked in which all held, as they did in the next, a
// second later: by then all of it had.
// The error is a *ChecksFailedError when ctx ended, with what the last round lacked, and another error where a check cannot be
// asked at all.
func Witness(ctx context.Context, target harness.Description, driver Driver, checks []harness.Check, clock *harness.Clock) (at harness.Interval, err error) {
	asks, err := plan(Victim{&target, driver, clock}, checks)
	if err != nil {
		return at, err
	}
	return witness(ctx, checks, asks, clock)
}

// witness asks until all hold in one round.
func witness(ctx context.Context, checks []harness.Check, asks []Ask, clock *harness.Clock) (at harness.Interval, err error) {
	start := clock.Now()
	var last []FailedCheck
	for ctx.Err() == nil {
		began := clock.Now()
		unheld, asked := askAll(ctx, checks, asks, clock)
		if ctx.Err() != nil { // the answers of this round were cut short
			break
		}
		if len(unheld) == 0 && at.Hi != 0 {
			return at, nil
		}
		if len(unheld) == 0 { // once may be a packet that was lost
			at.Hi = asked
			pause(ctx, betweenProofs)
			continue
		}
		at.Hi = 0
		if last = unheld; len(unheld) == len(checks) && !slices.ContainsFunc(unheld, func(f FailedCheck) bool { return !f.Otherwise }) {
			at.Lo = began
		}
		pause(ctx, betweenRounds)
	}
	if last == nil {
		return harness.Interval{}, fmt.Errorf("witness checks: %w", ctx.Err())
	}
	return harness.Interval{}, &ChecksFailedError{Within: clock.Now().Sub(start), Failed: last}
}
