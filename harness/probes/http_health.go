package probes

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: harness.ProbeHealth,
	Doc: "GET /health on a region's API from outside, on a fresh TLS connection that is verified as a client would: OK is " +
		"status 200 in time. Of a service that a target file describes: its own scheme, path, headers, TLS and status.",
	Example: "{probe: http.health, region: standby, failingFor: 5s}",
	New:     func() Factory { return healthFactory{} },
})

const (
	healthEvery    = 500 * time.Millisecond
	maxHealthBytes = 64 << 10 // of an answer's body
	apiKind        = "api"
)

type healthFactory struct{}

// Every is the pace of questions.
func (healthFactory) Every() time.Duration { return healthEvery }

// Traits: it asks every region's API, as clients do.
func (healthFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Speaks: apiKind, Roles: []string{harness.Primary, harness.Standby}, Public: true, Unit: unitBool}
}

// Open looks up the link from outside to the API of the region; empty: the standby's.
func (healthFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, false); err != nil {
		return nil, err
	}
	r, err := region(config, harness.Standby)
	if err != nil {
		return nil, err
	}
	link, ok := entryLink(&config.Target, r.Name)
	if !ok {
		return nil, fmt.Errorf("target %s has no link from outside to an API of region %s", config.Target.Name, r.Name)
	}
	if config.Target.Kind == harness.External {
		return described(config, link.To)
	}
	trust, err := entryTLS(config.Target.Entry)
	if err != nil {
		return nil, err
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", link.Address)
	}
	return &healthProbe{clock: config.Clock, component: link.To, client: client{tls: trust, dial: dial}, path: "/health", want: http.StatusOK}, nil
}

// described asks a service as its target file says.
func described(config harness.ProbeConfig, name string) (harness.Probe, error) {
	config.On = name
	r, err := reachOf(config)
	if err != nil {
		return nil, err
	}
	c, path, err := r.web("")
	if err != nil {
		return nil, err
	}
	return &healthProbe{clock: config.Clock, component: name, client: *c, path: path, want: cmp.Or(r.status, http.StatusOK)}, nil
}

// entryLink is the link from outside to the API of a region.
func entryLink(target *harness.Description, region string) (harness.Link, bool) {
	for _, l := range target.Links {
		to, known := target.ComponentByName(l.To)
		if known && l.From == harness.Outside && to.Region == region && to.Kind == apiKind {
			return l, true
		}
	}
	return harness.Link{}, false
}

type healthProbe struct {
	clock     *harness.Clock
	component string
	client    client
	path      string
	want      int // status of a good answer
}

// Ask sends one request on a connection of its own. Value is 1 for the status of a good answer.
func (h *healthProbe) Ask(ctx context.Context) harness.Observation {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	o := harness.Observation{Probe: harness.ProbeHealth, On: h.component, Unit: unitBool}
	o.At.Lo = h.clock.Now()
	status, _, err := h.client.send(ctx, http.MethodGet, h.path, nil, maxHealthBytes)
	o.At.Hi = h.clock.Now()
	o.Reached = err == nil || gotResponse(err)
	switch {
	case err != nil:
		o.Detail = reason(err)
	case status != h.want:
		o.Detail = fmt.Sprintf("status %d", status)
	default:
		o.OK, o.Value, o.Detail = true, 1, fmt.Sprintf("status %d", status)
	}
	return o
}

// Close does nothing: every question has its own connection.
func (h *healthProbe) Close() {}
