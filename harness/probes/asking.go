package probes

import (
	"context"
	"errors"

	"blackstart/harness"
	"blackstart/harness/component"
)

// asking is a listed probe that asks one question at a time and keeps nothing between two of them.
type asking struct {
	clock          *harness.Clock
	kind, on, unit string
	ask            func(ctx context.Context) (reply, error) // within the time of a question
	end            func()                                   // may be nil
}

// reply is a good answer.
type reply struct {
	value  int64
	detail string
}

// saidNo is an answer that is none of those that are asked for: somebody was reached, and gave it.
type saidNo struct{ error }

func (s saidNo) Unwrap() error { return s.error }

// no makes an answer that is none of those that are asked for.
func no(err error) error { return saidNo{err} }

// Ask implements harness.Probe.
func (a *asking) Ask(ctx context.Context) harness.Observation {
	o := harness.Observation{Probe: a.kind, On: a.on, Unit: a.unit}
	o.At.Lo = a.clock.Now()
	got, err := a.ask(ctx)
	o.At.Hi = a.clock.Now()
	if err != nil {
		o.Reached = errors.As(err, new(saidNo)) || reached(err) || gotResponse(err) || component.Refused(err) || errors.Is(err, errTooLong)
		o.Detail = reason(err)
		return o
	}
	o.Reached, o.OK, o.Value, o.Detail = true, true, got.value, truncate(got.detail)
	return o
}

// Close implements harness.Probe.
func (a *asking) Close() {
	if a.end != nil {
		a.end()
	}
}
