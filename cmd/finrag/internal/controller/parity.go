package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"blackstart/cmd/finrag/internal/notify"
)

const (
	parityCheck   = "code parity"
	classStale    = "code.stale"
	deployTimeout = 10 * time.Second
	deployPoll    = 100 * time.Millisecond
)

func (c *Controller) paritySubject() string { return "parity/" + c.config.Regions.Standby.Name }

// judgeParity tells people when the standby runs other code than the primary, by the builds the two told last.
func (c *Controller) judgeParity(s Sample) {
	if c.config.Parity.Enabled && s.Primary.Build != "" && s.Standby.Build != "" {
		c.tellParity(s.Primary.Build, s.Standby.Build)
	}
}

func (c *Controller) tellParity(primary, standby string) {
	end := c.config.Regions.Standby
	d := detail{"region": end.Name, "component": end.Name + ".api", "primary_build": primary, "standby_build": standby}
	m := notify.Message{Region: end.Name, Component: end.Name + ".api", Group: end.Name, Class: classStale, Severity: notify.Warning}
	if primary == standby {
		m.Text = fmt.Sprintf("finrag: both regions run build %s", primary)
		c.clearTrouble(c.paritySubject(), eventParityRestored, d, m)
		return
	}
	m.Text = fmt.Sprintf("finrag: region %s runs build %s, the primary runs %s: a failover would change the answers", end.Name, standby, primary)
	c.report(c.paritySubject(), eventParityLost, d, m)
}

// settleParity finds whether the standby runs the code that the primary ran last, and makes it so where that is allowed.
func (c *Controller) settleParity(ctx context.Context) finding {
	if !c.config.Parity.Enabled || !c.config.Preflight.Parity {
		return finding{parityCheck, resultNotCovered, "parity.enabled or preflight.parity is false"}
	}
	end, want, was := c.config.Regions.Standby, c.state.Basis.Primary.Build, c.state.Basis.Standby.Build
	limited, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	have := orElse(c.apiFacts(limited, end).Build, was)
	switch {
	case want == "" || have == "":
		return found(parityCheck, false, "the primary ran build %q, the standby runs %q: not known is not the same", want, have)
	case have != want && !c.config.Parity.Deploys():
		return found(parityCheck, false, "the standby runs build %s, the primary ran %s, and parity.deploy is off", have, want)
	case have != want:
		return c.deploy(ctx, have, want)
	case was != "" && was != want: // deployed before a restart of ours, or by somebody else
		c.noteDeployed(was, want, detail{"already": true})
	}
	return found(parityCheck, true, "both run build %s", want)
}

// deploy has the standby run the configured release, and waits until it says so and has its index again.
func (c *Controller) deploy(ctx context.Context, from, to string) finding {
	start, end, release := time.Now(), c.config.Regions.Standby, c.config.Parity.Release
	ctx, cancel := context.WithTimeout(ctx, deployTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]string{"build": release})
	if err != nil {
		return found(parityCheck, false, "encode request: %v", err)
	}
	res, _, err := c.adminCall(ctx, end, http.MethodPost, "/deploy", contentJSON, body)
	if err != nil {
		return found(parityCheck, false, "the standby runs build %s, the primary ran %s, and release %s was not deployed: %v", from, to, release, err)
	}
	if res.StatusCode == http.StatusOK { // it runs that release already
		return found(parityCheck, false, "the standby runs build %s, which is release %s; the primary ran %s", from, release, to)
	}
	for {
		f := c.apiFacts(ctx, end)
		if f.OK && f.Build == to && f.Synced {
			c.noteDeployed(from, to, detail{"release": release, "took_ms": milliseconds(time.Since(start))})
			return found(parityCheck, true, "build %s was deployed in place of %s", to, from)
		}
		if pause(ctx, deployPoll) != nil {
			return found(parityCheck, false, "release %s was deployed; after %s the standby says build %q, index whole %t %s; wanted build %s",
				release, time.Since(start).Round(time.Millisecond), f.Build, f.Synced, f.Error, to)
		}
	}
}

func (c *Controller) noteDeployed(from, to string, d detail) {
	d["incident"], d["region"], d["from"], d["to"] = c.state.Incident, c.config.Regions.Standby.Name, from, to
	c.note(eventDeployed, d)
	c.tellParity(to, to)
}
