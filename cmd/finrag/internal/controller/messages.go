package controller

import (
	"fmt"

	"blackstart/cmd/finrag/internal/notify"
)

// Classes of the failover's own incident at the pager.
const (
	classUnreachable = "primary.unreachable"
	classRefused     = "failover.refused"
	classStuck       = "failover.stuck"
)

// send sends a message. A controller that is switched off only watches, and stays silent.
func (c *Controller) send(m notify.Message) {
	if c.config.Failover.Enabled || c.config.Failover.Manual {
		c.sender.Send(m)
	}
}

// notify sends a message about the failover's own incident, which is the primary's.
func (c *Controller) notify(m notify.Message) {
	name := c.config.Regions.Primary.Name
	m.Incident, m.Region, m.Component, m.Group = c.state.Incident, name, name+".api", name
	m.Class = orElse(m.Class, classUnreachable)
	c.send(m)
}

func (c *Controller) tellDetected() {
	c.notify(notify.Message{
		Kind: eventDetected, Page: notify.PageTrigger, Status: "investigating", Severity: notify.Critical,
		Text: fmt.Sprintf("finrag: region %s does not answer its health checks", c.config.Regions.Primary.Name),
	})
}

func (c *Controller) tellDeclared() {
	c.notify(notify.Message{
		Kind: eventDeclared, Status: "failover",
		Text: fmt.Sprintf("finrag: failover from %s to %s has been declared", c.config.Regions.Primary.Name, c.config.Regions.Standby.Name),
	})
}

func (c *Controller) tellRefused(why string) {
	c.notify(notify.Message{
		Kind: eventRefused, Class: classRefused, Page: notify.PageTrigger, Status: "investigating", Severity: notify.Critical,
		Text: fmt.Sprintf("finrag: failover to %s was REFUSED, a person must decide: %s", c.config.Regions.Standby.Name, why),
	})
}

func (c *Controller) tellEscalated(why string) {
	c.notify(notify.Message{
		Kind: eventEscalated, Class: classStuck, Page: notify.PageTrigger, Severity: notify.Critical,
		Text: fmt.Sprintf("finrag: failover to %s is stuck, a person must help: %s", c.config.Regions.Standby.Name, why),
	})
}

func (c *Controller) tellCleared(why string) {
	c.notify(notify.Message{
		Kind: eventCleared, Page: notify.PageResolve, Status: "restored",
		Text: fmt.Sprintf("finrag: the incident of region %s is over: %s", c.config.Regions.Primary.Name, why),
	})
}

func (c *Controller) tellDone() {
	c.notify(notify.Message{
		Kind: eventDone, Page: notify.PageResolve, Status: "restored",
		Text: fmt.Sprintf("finrag: failover from %s to %s is done and verified", c.config.Regions.Primary.Name, c.config.Regions.Standby.Name),
	})
}
