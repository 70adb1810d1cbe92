package check

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/lease"
	"blackstart/harness/means"
	"blackstart/harness/target"
)

// meansTime bounds what is tried of one means, and what is asked about its lease.
const meansTime = 20 * time.Second

// means finds out whether each means could do what it is there for, and each of its hosts keep a lease. Nothing is changed, and what is tried
// leaves nothing.
func (c *checker) means(ctx context.Context) []Row {
	type asked struct {
		m  target.Means
		on string // "": whether its host can keep a lease
	}
	var all []asked
	var hosts []string
	for _, m := range c.Target.Means {
		if !slices.Contains(hosts, m.Host) {
			hosts = append(hosts, m.Host)
			all = append(all, asked{m: m})
		}
		for _, on := range m.On {
			all = append(all, asked{m, on})
		}
	}
	return each(ctx, len(all), func(int) time.Duration { return meansTime }, func(int) chan struct{} { return nil }, func(ctx context.Context, i int) []Row {
		a := all[i]
		row := Row{Of: "means", Name: a.m.Name + " on " + a.on}
		text, err := "", error(nil)
		if a.on == "" {
			row = Row{Of: "lease", Name: "host " + a.m.Host}
			text, err = c.keepsLease(ctx, a.m.Host)
		} else {
			text, err = c.permits(ctx, a.m, a.on)
		}
		if err != nil {
			row.no(err)
		} else {
			row.yes(text)
		}
		return []Row{row}
	})
}

// keepsLease asks whether a host can undo by itself what is in force when we fall silent.
func (c *checker) keepsLease(ctx context.Context, name string) (string, error) {
	if why := StandsIn(c.Target); why != "" {
		return "", component.Refuse("%s", why)
	}
	h, err := c.host(name)
	if err != nil {
		return "", err
	}
	if err := h.Permits(ctx, lease.Programs(), lease.Try(c.Target.Metadata.Name)); err != nil {
		return "", err
	}
	return fmt.Sprintf("undoes what is in force by itself, when we are silent for %v", c.Target.LeaseTime()), nil
}

// StandsIn says that this machine, which drills, stands inside a region of a target that is no rehearsal: whatever is broken there may break
// the harness, too. "" if it does not.
func StandsIn(t *target.Target) string {
	if t.Metadata.Environment == harness.Rehearsal {
		return ""
	}
	ours, err := net.InterfaceAddrs()
	if err != nil {
		return "it is not known which addresses this machine has: " + err.Error()
	}
	stands := func(what, address, region string) string {
		a, err := netip.ParseAddr(strings.Trim(address, "[]"))
		if err != nil || a.IsLoopback() || region == "" || region == harness.Outside {
			return ""
		}
		for _, of := range ours {
			if p, err := netip.ParsePrefix(of.String()); err == nil && p.Addr().Unmap() == a.Unmap() {
				return fmt.Sprintf("this machine has the address %s of %s, in region %s: drill from outside of what is broken", a, what, region)
			}
		}
		return ""
	}
	for _, h := range t.Hosts {
		if why := stands("host "+h.Name, h.Address, h.Region); why != "" {
			return why
		}
	}
	for _, c := range t.Components {
		host, _, err := net.SplitHostPort(t.AddressOf(c))
		if why := stands(c.Name, host, t.RegionOf(c).Name); err == nil && why != "" {
			return why
		}
	}
	return ""
}

// permits asks whether everything is there that a means needs for one thing, and how that thing is.
func (c *checker) permits(ctx context.Context, m target.Means, on string) (string, error) {
	h, err := c.host(m.Host)
	if err != nil {
		return "", err
	}
	kind, err := means.Make(m)
	if err != nil {
		return "", err
	}
	s := means.SubjectOf(c.Target, m, on, "check")
	need := kind.Needs(s)
	if c.Target.Metadata.Environment == harness.Production { // nothing is broken there by the harness, and nothing is tried
		need.Try = ""
	}
	if err := h.Permits(ctx, need.Programs, need.Try); err != nil {
		return "", err
	}
	var acts []string
	for _, act := range kind.Acts() {
		acts = append(acts, string(act))
	}
	scripts, err := kind.Scripts(harness.Action{Kind: kind.Acts()[0], Components: []string{on}, Links: []string{on}}, s)
	if err != nil {
		return "", err
	}
	word, err := h.Word(ctx, scripts.State)
	switch {
	case err != nil:
		return "", fmt.Errorf("how it is: %w", err)
	case !slices.Contains(scripts.Free, word):
		return "", component.Refuse("it is %s, and a fault begins from %s", word, strings.Join(scripts.Free, " or "))
	}
	return fmt.Sprintf("%s, by host %s; it is %s", strings.Join(acts, ", "), m.Host, word), nil
}
