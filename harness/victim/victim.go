// Package victim asks, from the victim's side, whether a fault is in force or over: whether links are silent or answer,
// whether components run, whether a standby follows, which certificate is served, which build answers and what it says.
//
// It never takes the word of the one who made the fault for it. A link is dialled and sent one harmless greeting or
// request; a refusal is an answer: a link that refuses is not silent. A database is asked by the private path, which no link
// uses; nothing is written there but a row of blackstart.heartbeat. What cannot be read never holds.
package victim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"blackstart/harness"
)

// Limits of a check.
const (
	silence       = 300 * time.Millisecond // no answer for this long is silence
	answerTimeout = time.Second            // longest wait for a first answer
	betweenRounds = 20 * time.Millisecond  // pause after a round in which a check did not hold
	maxChecks     = 256
)

// Driver is what is needed of a target's driver.
type Driver interface {
	// Running answers by the private path whether a component's process runs.
	Running(ctx context.Context, component string) (bool, error)
	// Access gives the way from a place to a component; a region reaches its own components by the private path.
	Access(place, component string) (harness.Access, error)
}

// FailedCheck is one check that did not hold, and why.
type FailedCheck struct {
	Check     harness.Check
	Reason    string // "the link answered with a refusal, which is not silence", …
	Otherwise bool   // it was asked, and the answer shows that it is not so; else it is only not known to be so
}

// otherwise is the reason of a check that was asked, and whose answer shows that it does not hold.
type otherwise struct{ error }

// Unwrap gives what was found.
func (o otherwise) Unwrap() error { return o.error }

// found says what an answer shows in place of what was asked for.
func found(text string, args ...any) error { return otherwise{fmt.Errorf(text, args...)} }

// ChecksFailedError says which checks did not hold when patience ended.
type ChecksFailedError struct {
	Within time.Duration
	Failed []FailedCheck // from the last round, in the order of the checks
}

// Error names every check that did not hold, with its reason.
func (e *ChecksFailedError) Error() string {
	var parts []string
	for _, u := range e.Failed {
		parts = append(parts, fmt.Sprintf("%s on %s: %s", u.Check.Kind, u.Check.On, u.Reason))
	}
	return fmt.Sprintf("confirm within %v: %s", e.Within, strings.Join(parts, "; "))
}

// Await asks all checks at once, round after round, until all hold in one round or within has passed since the call. The
// interval is that in which the questions of the first round in which all held were asked. The error is a *ChecksFailedError if
// some check did not hold, and another error if a check cannot be asked at all (unknown link, component or kind; nothing
// wanted where something must be) or ctx ended.
func Await(ctx context.Context, target harness.Description, driver Driver, checks []harness.Check, within time.Duration,
	clock *harness.Clock,
) (harness.Interval, error) {
	asks, err := plan(Victim{&target, driver, clock}, checks)
	if err != nil {
		return harness.Interval{}, err
	}
	start := clock.Now()
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var last *ChecksFailedError
	for {
		began := clock.Now()
		unheld, asked := askAll(bounded, checks, asks, clock)
		ended := clock.Now()
		if ctx.Err() != nil {
			return harness.Interval{}, fmt.Errorf("confirm checks: %w", ctx.Err())
		}
		late := ended.Sub(start) > within
		if len(unheld) == 0 && !late {
			return harness.Interval{Lo: began, Hi: asked}, nil
		}
		if len(unheld) > 0 && (last == nil || !late) {
			last = &ChecksFailedError{Within: within, Failed: unheld}
		}
		if !pause(bounded, betweenRounds) {
			if last == nil {
				last = &ChecksFailedError{Within: within, Failed: tooLate(checks)}
			}
			return harness.Interval{}, last
		}
	}
}

// tooLate is what is to be said of checks that held, but only after the time was over.
func tooLate(checks []harness.Check) (all []FailedCheck) {
	for _, c := range checks {
		all = append(all, FailedCheck{Check: c, Reason: "held, but only after that time"})
	}
	return all
}

// Askable tells, without asking anything, why checks cannot be asked of a target; nil if they can.
func Askable(target harness.Description, driver Driver, checks []harness.Check) error {
	_, err := plan(Victim{&target, driver, harness.NewClock()}, checks)
	return err
}

// askAll asks every check at once and waits for all answers, so that one that does not hold never hides another. It returns
// when the last question had been asked.
func askAll(ctx context.Context, checks []harness.Check, asks []Ask, clock *harness.Clock) (unheld []FailedCheck, asked harness.Stamp) {
	reasons := make([]error, len(asks))
	times := make([]harness.Stamp, len(asks))
	var asking sync.WaitGroup
	for i, ask := range asks {
		asking.Go(func() {
			reasons[i] = ask(ctx, func() { times[i] = clock.Now() })
			if times[i] == 0 {
				times[i] = clock.Now()
			}
		})
	}
	asking.Wait()
	for i, err := range reasons {
		if err != nil {
			var seen otherwise
			unheld = append(unheld, FailedCheck{Check: checks[i], Reason: err.Error(), Otherwise: errors.As(err, &seen)})
		}
		asked = max(asked, times[i])
	}
	return unheld, asked
}

// plan finds out how each check is asked.
func plan(v Victim, checks []harness.Check) ([]Ask, error) {
	if len(checks) == 0 {
		return nil, errors.New("confirm checks: none given, so nothing would be confirmed")
	}
	if len(checks) > maxChecks {
		return nil, fmt.Errorf("confirm checks: %d given, at most %d are allowed", len(checks), maxChecks)
	}
	var asks []Ask
	for _, c := range checks {
		ask, err := v.ask(c)
		if err != nil {
			return nil, fmt.Errorf("confirm %s on %q: %w", c.Kind, c.On, err)
		}
		asks = append(asks, ask)
	}
	return asks, nil
}

// pause waits and tells whether ctx still goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
