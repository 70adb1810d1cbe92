package check

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/route"
)

// resolved is what a name leads to.
type resolved struct {
	chain     []string // names on the way, with their final dots, where there is more than one
	addresses []netip.Addr
}

// maxAddresses bounds how many addresses of one name are asked.
const maxAddresses = 16

// resolve finds what the name of the entry leads to, by the resolver that the file names. In a rehearsal it may lead nowhere but
// to this machine.
func (c *checker) resolve(ctx context.Context, name string) (found resolved, err error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return resolved{nil, []netip.Addr{a}}, nil
	}
	if r := c.Target.Entry.Resolver; r == target.ResolverSystem {
		found.addresses, err = net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	} else {
		found, err = askServer(ctx, r, dns.Fqdn(name))
	}
	if err != nil {
		return found, fmt.Errorf("resolve %s: %w", name, err)
	}
	for i, a := range found.addresses {
		found.addresses[i] = a.Unmap()
		if c.Target.Foreign(a.Unmap().String()) {
			return found, &component.Refusal{Err: fmt.Errorf("resolve %s: it leads to %s, and this is a rehearsal", name, a)}
		}
	}
	slices.SortFunc(found.addresses, netip.Addr.Compare)
	found.addresses = slices.Compact(found.addresses)
	if len(found.addresses) > maxAddresses {
		return found, fmt.Errorf("resolve %s: it has %d addresses, and %d are asked at most", name, len(found.addresses), maxAddresses)
	}
	return found, nil
}

// askServer asks one name server for addresses of both families.
func askServer(ctx context.Context, server, name string) (found resolved, err error) {
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m := new(dns.Msg).SetQuestion(name, kind)
		r, _, err := (&dns.Client{}).ExchangeContext(ctx, m, server)
		if err == nil && r.Truncated {
			r, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, m, server)
		}
		if err != nil {
			return found, err
		}
		if r.Rcode != dns.RcodeSuccess {
			return found, &component.Refusal{Err: fmt.Errorf("%s says %s", server, dns.RcodeToString[r.Rcode])}
		}
		var chain []string
		for _, answer := range r.Answer {
			switch a := answer.(type) {
			case *dns.CNAME:
				chain = append(chain, a.Target)
			case *dns.A:
				found.add(a.A)
			case *dns.AAAA:
				found.add(a.AAAA)
			}
		}
		if len(chain) > len(found.chain) {
			found.chain = chain
		}
	}
	if len(found.addresses) == 0 {
		return found, &component.Refusal{Err: fmt.Errorf("%s has no address for it", server)}
	}
	return found, nil
}

func (r *resolved) add(ip net.IP) {
	if a, ok := netip.AddrFromSlice(ip); ok {
		r.addresses = append(r.addresses, a.Unmap())
	}
}

// by says by which way a host is reached from here: its first address, and the route to it.
func by(ctx context.Context, host string) (string, error) {
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", host, err)
	}
	if len(all) == 0 {
		return "", errors.New("resolve " + host + ": it has no address")
	}
	w, err := route.To(all[0])
	return beyond(host, all[0], w), err
}

// way says by which way a connection to "host:port" went, by its own ends: a name may lead elsewhere by now.
func way(address string, e component.Ends) string {
	w, err := route.To(e.Remote)
	if err != nil || !e.Local.IsValid() {
		return "by a way that the kernel does not tell"
	}
	w.Source = e.Local
	return beyond(component.Host(address), e.Remote, w)
}

// beyond puts the address that a name leads to before the way there.
func beyond(host string, to netip.Addr, w route.Route) string {
	if text := to.Unmap().String(); text != host {
		return text + " " + w.String()
	}
	return w.String()
}

// join puts those parts of a text together that say something.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
