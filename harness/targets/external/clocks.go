package external

import (
	"context"
	"errors"
	"sync"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/host"
)

// Clocks implements harness.Timed: those of components that tell theirs, and of hosts that programs are run on. A database counts its
// connections.
func (d *Driver) Clocks(ctx context.Context, all bool) []harness.ClockAhead {
	d.mu.Lock()
	parts := d.parts
	d.mu.Unlock()
	var asks []func() harness.ClockAhead
	for _, p := range parts {
		if _, counts := p.kind.(*component.Postgres); counts && !all || !p.kind.Traits().Clock {
			continue
		}
		asks = append(asks, func() harness.ClockAhead {
			seen, err := p.kind.Look(ctx, p.at)
			return d.ahead(p.Name, seen.Clock, err)
		})
	}
	for _, of := range d.Target.Hosts {
		if of.By == "" || parts == nil {
			continue
		}
		asks = append(asks, func() harness.ClockAhead {
			h, err := host.Make(of)
			var seen host.Seen
			if err == nil {
				seen, err = h.Look(ctx)
			}
			return d.ahead(host.Label(of.Name), &seen.Clock, err)
		})
	}
	read := make([]harness.ClockAhead, len(asks))
	var wait sync.WaitGroup
	for i, ask := range asks {
		wait.Go(func() { read[i] = ask() })
	}
	wait.Wait()
	return read
}

// ahead is a reading, or why there is none.
func (d *Driver) ahead(of string, o *component.Offset, err error) harness.ClockAhead {
	if err == nil && o == nil {
		err = errors.New("not available: it does not tell its clock")
	}
	if err != nil {
		return harness.ClockAhead{Of: of, Detail: d.redact(err.Error())}
	}
	return harness.ClockAhead{Of: of, Ahead: harness.Offset{Lo: o.Lo.Nanoseconds(), Hi: o.Hi.Nanoseconds()}}
}
