package controller

import (
	"fmt"
	"maps"
	"time"

	"blackstart/cmd/finrag/internal/notify"
)

// Trouble is an open incident beside the failover's own: data that lags, a certificate near or past its end, code that
// differs.
type Trouble struct {
	Incident string    `json:"incident"` // the pager's deduplication key
	Event    string    `json:"event"`    // told last
	Since    time.Time `json:"since"`
}

// report tells that the trouble of a subject (such as certificate/west) is now what event says. What is open already under
// the same event is not told again; under another event it is the same incident.
func (c *Controller) report(subject, event string, d detail, m notify.Message) {
	open, known := c.state.Troubles[subject]
	if known && open.Event == event {
		return
	}
	if !known {
		now := time.Now().UTC()
		open = Trouble{Incident: fmt.Sprintf("finrag/%s/%d", subject, now.UnixNano()), Since: now}
	}
	open.Event = event
	d["incident"] = open.Incident
	c.note(event, d)
	c.setTrouble(subject, &open)
	m.Kind, m.Class, m.Incident, m.Page = event, orElse(m.Class, event), open.Incident, notify.PageTrigger
	c.send(m)
}

// clearTrouble tells that the trouble of a subject is gone. Where there was none it says nothing.
func (c *Controller) clearTrouble(subject, event string, d detail, m notify.Message) {
	open, known := c.state.Troubles[subject]
	if !known {
		return
	}
	d["incident"], d["lasted_ms"] = open.Incident, milliseconds(time.Since(open.Since))
	c.note(event, d)
	c.setTrouble(subject, nil)
	m.Kind, m.Class, m.Incident, m.Page, m.Severity = event, orElse(m.Class, open.Event), open.Incident, notify.PageResolve, ""
	c.send(m)
}

// setTrouble changes the state and keeps it. The map is never changed in place: readers hold copies of the state.
func (c *Controller) setTrouble(subject string, t *Trouble) {
	next := maps.Clone(c.state.Troubles)
	if t == nil {
		delete(next, subject)
	} else {
		if next == nil {
			next = map[string]Trouble{}
		}
		next[subject] = *t
	}
	c.state.Troubles = next
	c.save()
}

// judge looks at a sample for trouble beside the failover's own. It waits for nothing but the disk. A sample from before a
// failover that was refused says nothing of what that failover mended.
func (c *Controller) judge(s Sample) {
	if s.At.Before(c.judgeFrom) {
		return
	}
	c.judgeLag(s)
	c.judgeCertificates(s)
	c.judgeParity(s)
}
