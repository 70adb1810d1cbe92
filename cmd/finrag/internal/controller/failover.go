package controller

import (
	"context"
	"fmt"
	"time"
)

const (
	fenceTimeout   = time.Second // a primary that cannot be reached must not hold up the failover
	catchUpTimeout = time.Second // for the standby to replay what a reachable primary wrote last
	stepPause      = 500 * time.Millisecond
	escalateAfter  = 5 // attempts at one step, then people are called; the attempts go on
)

// failover takes the steps from the current phase on until it is done, refused, or ctx ends. Each step can be taken again:
// after a restart the one that was cut short is.
func (c *Controller) failover(ctx context.Context) {
	defer func() { c.judgeFrom = time.Now() }()
	attempts := 0
	for ctx.Err() == nil && c.state.failingOver() {
		next, err := c.step(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			attempts = 0
			c.enter(next)
			continue
		}
		attempts++
		c.log.Warn("step of the failover failed", "phase", c.state.Phase, "attempt", attempts, "error", err)
		if attempts == escalateAfter {
			if c.state.Phase == PhaseVerifying {
				c.note(eventVerifyFailed, detail{"incident": c.state.Incident, "attempts": attempts, "error": err.Error()})
			}
			c.note(eventEscalated, detail{"incident": c.state.Incident, "phase": c.state.Phase, "reason": err.Error()})
			c.tellEscalated(fmt.Sprintf("%s: %v", c.state.Phase, err))
		}
		_ = pause(ctx, stepPause) // a context that is done ends the loop above
	}
}

// step does the work of the current phase and returns the next one.
func (c *Controller) step(ctx context.Context) (Phase, error) {
	switch c.state.Phase {
	case PhaseDeclared:
		return c.decide(ctx), nil
	case PhaseFencing:
		c.fence(ctx)
		return PhasePromoting, nil
	case PhasePromoting:
		return PhaseSwitching, c.promote(ctx)
	case PhaseSwitching:
		start := time.Now()
		if err := c.switchDNS(ctx); err != nil {
			return "", err
		}
		c.note(eventSwitched, detail{"incident": c.state.Incident, "record": recordStandby, "took_ms": milliseconds(time.Since(start))})
		return PhaseVerifying, nil
	case PhaseVerifying:
		return PhaseFailedOver, c.finish(ctx)
	}
	return "", fmt.Errorf("no step in phase %s", c.state.Phase)
}

// decide runs pre-flight, and calls people instead of going on when it fails.
func (c *Controller) decide(ctx context.Context) Phase {
	if !c.config.Preflight.Enabled {
		c.note(eventPreflightSkipped, detail{"incident": c.state.Incident, "reason": "preflight.enabled is false"})
		c.state.Decision = "failover, without pre-flight"
		return PhaseFencing
	}
	start := time.Now()
	findings := c.preflight(ctx)
	if ctx.Err() != nil {
		return ""
	}
	d := detail{"incident": c.state.Incident, "checks": findings, "took_ms": milliseconds(time.Since(start)), "basis": c.state.Basis}
	why := failed(findings)
	if why == "" {
		c.note(eventPreflightPassed, d)
		c.state.Decision = "failover"
		return PhaseFencing
	}
	c.note(eventPreflightFailed, d)
	c.note(eventRefused, detail{"incident": c.state.Incident, "reason": why})
	c.note(eventEscalated, detail{"incident": c.state.Incident, "phase": c.state.Phase, "reason": "the standby may not be promoted: " + why})
	c.tellRefused(why)
	c.state.Decision = "refused: " + why
	now := time.Now().UTC()
	c.state.EndedAt = &now
	return PhaseRefused
}

// fence stops the old primary as far as it can be reached, and says how far that was.
func (c *Controller) fence(ctx context.Context) {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, fenceTimeout)
	defer cancel()
	primary := newNode(c.config.Regions.Primary)
	defer primary.close()
	f, err := primary.fence(limited)
	if ctx.Err() != nil {
		return
	}
	d := detail{"incident": c.state.Incident, "region": c.config.Regions.Primary.Name, "took_ms": milliseconds(time.Since(start))}
	if err != nil {
		d["error"] = err.Error()
		c.note(eventFenceUnreachable, d)
		return
	}
	d["terminated_sessions"], d["last_lsn"] = f.terminated, f.lsn
	if f.lsn != "" {
		d["caught_up"] = c.catchUp(ctx, f.lsn)
	}
	c.note(eventFenceDone, d)
}

// catchUp gives the standby a moment to replay what the fenced primary wrote last, and reports whether it did.
func (c *Controller) catchUp(ctx context.Context, lsn string) bool {
	ctx, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	standby := newNode(c.config.Regions.Standby)
	defer standby.close()
	return standby.waitReplay(ctx, lsn) == nil
}

func (c *Controller) promote(ctx context.Context) error {
	start := time.Now()
	limited, cancel := context.WithTimeout(ctx, promoteTimeout)
	defer cancel()
	standby := newNode(c.config.Regions.Standby)
	defer standby.close()
	already, err := standby.promote(limited)
	if err != nil {
		return err
	}
	c.note(eventPromoted, detail{"incident": c.state.Incident, "region": c.config.Regions.Standby.Name,
		"already": already, "took_ms": milliseconds(time.Since(start))})
	return nil
}

// finish asks the end-to-end query and closes the incident.
func (c *Controller) finish(ctx context.Context) error {
	start := time.Now()
	v, err := c.verify(ctx)
	if err != nil {
		return err
	}
	c.note(eventVerified, detail{"incident": c.state.Incident, "address": v.Address.String(), "region": v.Region, "build": v.Build,
		"data_as_of": v.DataAsOf.Format(auditTime), "results": len(v.Results), "took_ms": milliseconds(time.Since(start))})
	now := time.Now().UTC()
	c.state.EndedAt = &now
	d := detail{"incident": c.state.Incident, "from": c.config.Regions.Primary.Name, "to": c.config.Regions.Standby.Name}
	if c.state.FirstFailedAt != nil {
		d["since_first_failed_check_ms"] = milliseconds(now.Sub(*c.state.FirstFailedAt))
	}
	c.note(eventDone, d)
	c.tellDone()
	return nil
}
