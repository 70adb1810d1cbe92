package controller

import (
	"fmt"
	"time"

	"blackstart/cmd/finrag/internal/notify"
)

// lag is how far the standby's data is behind the primary's: the age of its heartbeat less that of the primary's own, which
// grows when nobody writes. It is known of a complete sample only.
func (s Sample) lag() (time.Duration, bool) {
	age := s.Standby.Database.HeartbeatAgeMs
	if !s.Complete || age == nil {
		return 0, false
	}
	behind := *age
	if own := s.Primary.Database.HeartbeatAgeMs; own != nil {
		behind -= max(0, *own)
	}
	return max(0, time.Duration(behind*float64(time.Millisecond))), true
}

// judgeLag tells people of a standby whose data falls behind, while the primary serves. A primary that does not answer is
// another incident: then the standby's data grows old too, and that is not replication's fault.
func (c *Controller) judgeLag(s Sample) {
	limits, end := c.config.Replication, c.config.Regions.Standby
	lag, known := s.lag()
	if !limits.Enabled || !known {
		return
	}
	subject := "replication/" + end.Name
	facts := s.Standby.Database
	d := detail{"region": end.Name, "component": end.Name + ".db", "age_ms": milliseconds(lag), "receiver": facts.Receiver,
		"replay_paused": facts.ReplayPaused, "warn_ms": limits.Warn.D().Milliseconds()}
	m := notify.Message{Region: end.Name, Component: end.Name + ".db", Group: end.Name, Severity: notify.Critical}
	if lag <= limits.Warn.D() {
		c.lagging = 0
		m.Status, m.Text = "restored", fmt.Sprintf("finrag: the data of region %s is %s old again", end.Name, seconds(lag))
		c.clearTrouble(subject, eventRecovered, d, m)
		return
	}
	if c.state.Phase != PhaseWatching || !s.Primary.API.OK {
		c.lagging = 0
		return
	}
	if limits.SilentWhenBroken && facts.Receiver == receiverNone {
		c.lagging = 0
		return // the hole: see config.Replication. A check that returns has counted nothing, when the receiver is back and the data still old, too
	}
	if c.lagging++; c.lagging < limits.Checks {
		return
	}
	m.Status = "investigating"
	m.Text = fmt.Sprintf("finrag: replication lags: the data of region %s is %s old, at most %s are allowed; its receiver: %s%s; a failover now "+
		"would lose what is missing", end.Name, seconds(lag), seconds(limits.Warn.D()), facts.Receiver, map[bool]string{true: ", replay is paused"}[facts.ReplayPaused])
	c.report(subject, eventLagging, d, m)
}

// seconds writes d for people, in tenths rounded up: what is over a limit must not look like the limit.
func seconds(d time.Duration) string {
	const tenth = 100 * time.Millisecond
	return fmt.Sprintf("%v s", float64((d+tenth-1)/tenth)/10)
}
