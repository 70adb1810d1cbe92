package controller

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	auditEvery     = 60      // of the failed checks after the decision, so that a long outage does not fill the disk
	maxHealthBytes = 4 << 10 // of an answer that is only read to be complete
)

// watch checks the primary, start to start at the configured interval, and acts on what it finds.
func (c *Controller) watch(ctx context.Context) {
	c.resume(ctx)
	next := time.Now()
	for ctx.Err() == nil {
		if c.state.Phase == PhaseFailedOver || c.state.failingOver() {
			<-ctx.Done() // done, or cut short by ctx, or switched off in the middle
			return
		}
		if c.await(ctx, next) != nil {
			return
		}
		start := time.Now()
		err := c.check(ctx)
		if ctx.Err() != nil {
			return
		}
		next = start.Add(c.config.Check.Interval.D())
		if err == nil {
			c.lastGood.Store(&start)
			c.checkPassed()
		} else {
			c.checkFailed(ctx, start, err)
		}
	}
}

// await waits until t, or less when ctx ends, and judges the samples that come meanwhile. So those that were taken during a
// health check are judged when it has answered.
func (c *Controller) await(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-c.samples:
			c.judge(s)
		case <-timer.C:
			return nil
		}
	}
}

// resume goes on where the state file says the last run was.
func (c *Controller) resume(ctx context.Context) {
	if !c.config.Failover.Enabled && !c.state.Requested {
		return
	}
	switch {
	case c.state.Phase == PhaseDetected:
		c.failures = c.config.Check.Failures
		c.tellDetected()
	case c.state.failingOver():
		c.tellDetected()
		if c.state.Phase == PhaseDeclared && c.check(ctx) == nil {
			c.clear("the primary answers again; nothing had been changed")
			return
		}
		c.failover(ctx)
	}
}

// check asks the primary's API for its health, over a connection of its own.
func (c *Controller) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Check.Timeout.D())
	defer cancel()
	end := c.config.Regions.Primary
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, end.API+"/health", nil)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := c.client(strict, end.ServerName, "").Do(r)
	if err != nil {
		return fmt.Errorf("check health: %w", err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxHealthBytes)); err != nil {
		return fmt.Errorf("check health: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("check health: the answer is %s", res.Status)
	}
	return nil
}

func (c *Controller) checkPassed() {
	c.failures = 0
	c.successes++
	switch c.state.Phase {
	case PhaseSuspecting:
		c.state = State{Troubles: c.state.Troubles}
		c.enter(PhaseWatching)
	case PhaseDetected:
		c.clear("the primary answers again")
	case PhaseRefused:
		if c.successes >= c.config.Check.Failures {
			c.clear("the primary answers again")
		}
	}
}

// clear ends an incident that needed no failover.
func (c *Controller) clear(why string) {
	c.note(eventCleared, detail{"incident": c.state.Incident, "reason": why})
	c.tellCleared(why)
	c.failures = 0
	c.state = State{Troubles: c.state.Troubles}
	c.enter(PhaseWatching)
}

func (c *Controller) checkFailed(ctx context.Context, start time.Time, cause error) {
	c.failures++
	c.successes = 0
	limits := c.config.Check
	if c.failures <= limits.Failures+limits.Confirm || c.failures%auditEvery == 0 {
		c.note(eventCheckFailed, detail{"failures": c.failures, "started": start.UTC().Format(auditTime),
			"took_ms": milliseconds(time.Since(start)), "error": cause.Error()})
	}
	if c.state.Phase == PhaseWatching {
		first := start.UTC()
		c.state.FirstFailedAt = &first
		c.state.Incident = fmt.Sprintf("finrag/%s/%d", c.config.Regions.Primary.Name, first.UnixNano())
		c.state.Basis = c.history.before(start)
		c.enter(PhaseSuspecting)
	}
	if c.state.Phase == PhaseSuspecting && c.failures >= limits.Failures {
		now := time.Now().UTC()
		c.state.DetectedAt = &now
		c.note(eventDetected, detail{"incident": c.state.Incident, "region": c.config.Regions.Primary.Name, "failures": c.failures})
		c.enter(PhaseDetected)
		c.tellDetected()
	}
	if c.state.Phase == PhaseDetected && c.failures >= limits.Failures+limits.Confirm && (c.config.Failover.Enabled || c.requested.Load()) {
		c.state.Requested = !c.config.Failover.Enabled
		now := time.Now().UTC()
		c.state.DeclaredAt = &now
		c.note(eventDeclared, detail{"incident": c.state.Incident, "from": c.config.Regions.Primary.Name, "to": c.config.Regions.Standby.Name})
		c.enter(PhaseDeclared)
		c.tellDeclared()
		c.failover(ctx)
	}
}
