package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"blackstart/harness"
	"blackstart/internal/registry"

	"github.com/miekg/dns"
)

var _ = Probes.Add(registry.Kind[Factory]{
	Name: harness.ProbeDNS,
	Doc: "Asks the entry point's resolver for its A record: the value is the index of the region that the address belongs " +
		"to, -1 for none.",
	Example: "{probe: dns.answer}",
	New:     func() Factory { return dnsFactory{} },
})

const (
	dnsEvery = 250 * time.Millisecond
	dnsKind  = "dns"
	noRegion = -1
)

type dnsFactory struct{}

// Every is the pace of questions.
func (dnsFactory) Every() time.Duration { return dnsEvery }

// Traits: it asks the entry's resolver whether the name leads to the standby yet.
func (dnsFactory) Traits() harness.ProbeTraits {
	return harness.ProbeTraits{Roles: []string{harness.Standby}, Unit: unitCount}
}

// Open looks up which address belongs to which region. The region of the config does not matter.
func (dnsFactory) Open(_ context.Context, config harness.ProbeConfig) (harness.Probe, error) {
	if err := checked(config, false); err != nil {
		return nil, err
	}
	entry := config.Target.Entry
	if entry.Name == "" || entry.Resolver == "" {
		return nil, fmt.Errorf("target %s has no entry point with a name and a resolver", config.Target.Name)
	}
	if _, _, err := net.SplitHostPort(entry.Resolver); err != nil {
		return nil, fmt.Errorf("its name is resolved by %s, and this probe asks a name server: write its address", entry.Resolver)
	}
	a := &dnsProbe{clock: config.Clock, on: "entry", name: dns.Fqdn(entry.Name), resolver: entry.Resolver, regions: map[string]int64{}}
	if c, ok := config.Target.ComponentOf(harness.Outside, dnsKind); ok {
		a.on = c.Name
	}
	for i, r := range config.Target.Regions {
		link, ok := entryLink(&config.Target, r.Name)
		if !ok {
			continue
		}
		host, _, err := net.SplitHostPort(link.Address)
		if err != nil {
			return nil, fmt.Errorf("read address of link %s: %w", link.Name, err)
		}
		a.regions[host] = int64(i)
	}
	return a, nil
}

type dnsProbe struct {
	clock    *harness.Clock
	on       string
	name     string
	resolver string
	regions  map[string]int64 // index of the region, by address
}

// Ask sends one question, over TCP too if the answer was truncated. It is OK if there is exactly one address and a region
// has it.
func (d *dnsProbe) Ask(ctx context.Context) harness.Observation {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	o := harness.Observation{Probe: harness.ProbeDNS, On: d.on, Unit: unitCount, Value: noRegion}
	o.At.Lo = d.clock.Now()
	answer, err := addresses(ctx, d.resolver, d.name)
	o.At.Hi = d.clock.Now()
	o.Reached = err == nil
	if err != nil {
		o.Detail = reason(err)
		return o
	}
	address, err := single(answer)
	if err != nil {
		o.Detail = truncate(err.Error())
		return o
	}
	o.Detail = address
	if i, ok := d.regions[address]; ok {
		o.OK, o.Value = true, i
	}
	return o
}

// addresses asks a resolver for the A records of a name, over TCP too if the answer was truncated.
func addresses(ctx context.Context, resolver, name string) (*dns.Msg, error) {
	question := new(dns.Msg).SetQuestion(name, dns.TypeA)
	client := dns.Client{Net: "udp", Timeout: askTimeout}
	answer, _, err := client.ExchangeContext(ctx, question, resolver)
	if err == nil && answer.Truncated {
		client.Net = "tcp"
		answer, _, err = client.ExchangeContext(ctx, question, resolver)
	}
	return answer, err
}

// single is the one address of an answer.
func single(answer *dns.Msg) (string, error) {
	if answer.Rcode != dns.RcodeSuccess {
		return "", fmt.Errorf("answer is %s", dns.RcodeToString[answer.Rcode])
	}
	address := ""
	for _, record := range answer.Answer {
		a, ok := record.(*dns.A)
		if !ok {
			continue
		}
		if address != "" {
			return "", errors.New("answer has several addresses")
		}
		address = a.A.String()
	}
	if address == "" {
		return "", errors.New("answer has no address")
	}
	return address, nil
}

// Close does nothing: every question has its own socket.
func (d *dnsProbe) Close() {}
