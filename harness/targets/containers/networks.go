package containers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"blackstart/harness/targets/finrag"
	"blackstart/harness/targets/relay"
)

// upTo is the network between outside and a region.
func upTo(region string) string { return outside + "-" + region }

// networkNames are all networks of a run.
var networkNames = []string{outside, east, west, outside + "-" + east, outside + "-" + west, walNet}

// makeNetworks makes the networks, without a way out of any of them, and the ways from outside to our receivers.
func (r *rehearsal) makeNetworks(ctx context.Context) error {
	for _, n := range networkNames {
		name := r.nameOf(n)
		made, err := r.engine.NetworkCreate(ctx, name, client.NetworkCreateOptions{Driver: "bridge", Internal: true, Labels: r.labels()})
		if err != nil {
			return &Error{Component: "network " + n, Err: err, Hint: r.hint(err.Error())}
		}
		info, err := r.engine.NetworkInspect(ctx, made.ID, client.NetworkInspectOptions{})
		if err != nil {
			return &Error{Component: "network " + n, Err: err, Hint: r.hint(err.Error())}
		}
		for _, c := range info.Network.IPAM.Config {
			if c.Gateway.Is4() {
				r.networks[n] = network{name: name, gateway: c.Gateway.String()}
			}
		}
		if r.networks[n].gateway == "" {
			return &Error{Component: "network " + n, Err: errors.New("the host has no address in it"), Hint: "use an engine whose bridge networks give the host one"}
		}
	}
	return r.openWayToReceivers()
}

// openWayToReceivers forwards from the network outside to where the harness receives alerts, which is loopback as a rule.
func (r *rehearsal) openWayToReceivers() error {
	ways := map[string]string{}
	for i, d := range r.Request.Deliveries {
		u, err := url.Parse(d.URL)
		plain := err != nil || u.Host == "" // host:port, not a URL
		target := d.URL
		if !plain {
			target = u.Host
		}
		if ways[target] == "" {
			way, err := relay.New(join(r.networks[outside].gateway, 0), target)
			if err != nil {
				return &Error{Component: d.Channel, Err: fmt.Errorf("open the way to its receiver: %w", err), Hint: r.hint(err.Error())}
			}
			r.relays = append(r.relays, way)
			ways[target] = way.Addr()
		}
		if plain {
			d.URL = ways[target]
		} else {
			u.Host = ways[target]
			d.URL = u.String()
		}
		r.Delivered[i] = d
	}
	return nil
}

// openGates gives every component its networks.
func (r *rehearsal) openGates(ctx context.Context) error {
	places := map[string][]string{
		outside:    {outside, upTo(east), upTo(west)},
		"east.db":  {east, upTo(east), walNet},
		"west.db":  {west, upTo(west), walNet},
		"east.api": {east, upTo(east)},
		"west.api": {west, upTo(west)},
	}
	if r.Settings.Cache {
		places["east.cache"], places["west.cache"] = []string{east}, []string{west}
	}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for name, networks := range places {
		group.Go(func() error {
			g, err := r.openGate(ctx, name, networks)
			if err == nil && name != outside {
				err = g.apply(ctx, nil) // the filter works here, or the start fails: never the cut
			}
			if g != nil {
				mu.Lock()
				r.gates[name] = g
				mu.Unlock()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if r.Settings.WALLatency > 0 {
		if err := r.openRelay(0); err != nil {
			return err
		}
	}
	r.Layout = r.where()
	var err error
	r.configs, err = r.WriteConfigs(r.Layout)
	return err
}

// openRelay puts a relay into the way of the WAL, which delays it.
func (r *rehearsal) openRelay(port int) error {
	db := join(r.gates["east.db"].address[walNet], databasePort)
	link, err := relay.New(join(r.networks[walNet].gateway, port), db)
	if err != nil {
		return &Error{Component: finrag.WALLink, Err: err, Hint: r.hint(err.Error())}
	}
	r.walRelay, r.relays = link, append(r.relays, link)
	return link.SetLatency(r.Settings.WALLatency)
}
