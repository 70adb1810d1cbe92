package harness

import (
	"context"
	"fmt"
	"time"
)

// failing is what a guard keeps of a probe: since when it has had no good answer, 0 if the last one was good.
type failing struct{ since Stamp }

func (f *failing) take(o Observation) {
	switch {
	case o.OK:
		f.since = 0
	case f.since == 0:
		f.since = o.At.Lo
	}
}

func (s *series) failingSince() Stamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing.since
}

// guard stops the drill when a guarded probe has failed for too long. Once the undo has begun nothing is left that it could
// protect: what is ill after that is what clients are watched for.
func (d *drill) guard() error {
	if d.rec.Undo.At.Lo != 0 {
		return nil
	}
	for _, g := range d.Scenario.Guards {
		for _, s := range d.series {
			if s.run.Probe != g.Probe || s.run.Role != g.Region {
				continue
			}
			if since := s.failingSince(); since != 0 && d.clock.Now().Sub(since) >= g.FailingFor.D() {
				text := fmt.Sprintf("%s of the %s region has been failing for %s", g.Probe, g.Region, g.FailingFor)
				d.note("guard.fired", text, nil)
				return fmt.Errorf("%w: %s", errGuard, text)
			}
		}
	}
	return nil
}

// whileGuarded does what may take long, and ends it when a guard fires or the drill is interrupted.
func (d *drill) whileGuarded(ctx context.Context, what string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- safely(what, func() error { return do(ctx) }) }()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-ticker.C:
		}
		d.show(nil)
		if err := d.guard(); err != nil {
			cancel()
			<-done //nolint:errcheck // it was called off; nothing goes on beside the undo
			return err
		}
	}
}
