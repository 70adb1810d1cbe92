package external

import (
	"context"
	"net"
	"net/netip"
	"net/url"

	"blackstart/harness/target"
	"blackstart/internal/route"
)

// NetworkLost implements harness.Connected: the ways to every component and to the entry are looked at, as they were when the target
// was attached to.
func (d *Driver) NetworkLost() string {
	d.mu.Lock()
	w := d.ways
	d.mu.Unlock()
	if w == nil {
		return ""
	}
	return w.Lost()
}

// findWays finds out by which ways this machine reaches the target. A name that leads nowhere has none.
func (d *Driver) findWays(ctx context.Context) *route.Ways {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var all []netip.Addr
	look := func(r *net.Resolver, host string) {
		found, _ := r.LookupNetIP(ctx, "ip", host) //nolint:errcheck // whoever connects to it says so
		all = append(all, found...)
	}
	for _, c := range d.Target.Components {
		if host, _, err := net.SplitHostPort(d.Target.AddressOf(c)); err == nil {
			look(net.DefaultResolver, host)
		}
	}
	if e := d.Target.Entry; e != nil {
		asks := net.DefaultResolver
		if server, _, err := net.SplitHostPort(e.Resolver); err == nil && e.Resolver != target.ResolverSystem {
			look(net.DefaultResolver, server)
			asks = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, e.Resolver)
			}}
		}
		if u, err := url.Parse(e.URL); err == nil {
			look(asks, u.Hostname())
		}
	}
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return route.WaysTo(all)
}
