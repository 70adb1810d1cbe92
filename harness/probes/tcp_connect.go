package probes

import (
	"context"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

const connectName = "tcp.connect"

var _ = Probes.Add(registry.Kind[Factory]{
	Name:    connectName,
	Doc:     "Opens a TCP connection to a component of any kind, or to the public entry, and ends it: OK, and the value 1, is one that is taken in time. Nothing is said on it.",
	Example: "{id: cache-port, probe: tcp.connect, on: east.cache}",
	New:     func() Factory { return connectFactory{} },
})

type connectFactory struct{}

// Every is the pace of questions.
func (connectFactory) Every() time.Duration { return time.Second }

// Traits: it is asked of anything that listens, as clients do.
func (connectFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Listed: true, Any: true, Entry: true, Public: true, Fastest: 100 * time.Millisecond, Unit: unitBool}
}

// Open finds the way there.
func (connectFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	ask := func(ctx context.Context) (reply, error) {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		c, err := r.dial(ctx)
		if err != nil {
			return reply{}, err
		}
		_ = c.Close() // nothing was said
		return reply{1, "connected"}, nil
	}
	return &asking{clock: config.Clock, kind: connectName, on: config.On, unit: unitBool, ask: ask}, nil
}
