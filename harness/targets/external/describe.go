package external

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/means"
	"blackstart/harness/secret"
	"blackstart/harness/target"
	"blackstart/harness/target/channels"
)

// Description is valid after Start.
func (d *Driver) Description() harness.Description {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.about
}

// Outline describes the target as its file does. Nobody is asked: versions, identities and ends of certificates are not known yet.
func (d *Driver) Outline(map[string]string) (harness.Description, error) {
	t := d.Target
	about := harness.Description{Name: t.Metadata.Name, Kind: harness.External, Environment: t.Metadata.Environment, Settings: map[string]string{},
		Probes: t.Probes, ProbePaces: t.ProbePaces(), LongestNS: int64(t.Limits.LongestDrill), LoadLimits: t.Limits.Loads, Calls: []string{}, Breakable: []string{}, Simulated: []string{}, Timings: harness.Timings{Profile: "standard"},
		Owned: &harness.Ownership{Owner: t.Metadata.Owner, Service: t.Metadata.Service, Plan: t.Metadata.Plan, Critical: t.Metadata.Critical}}
	for _, r := range t.Regions {
		about.Regions = append(about.Regions, harness.Region{Name: r.Name, Role: r.Role})
		about.Breakable = append(about.Breakable, r.Name) // by its people
	}
	traits := component.Traits()
	for _, c := range t.Components {
		region := t.RegionOf(c)
		speaks := traits[c.Kind].Speaks
		of := harness.Component{Name: c.Name, Kind: speaks, Region: region.Name}
		if traits[c.Kind].Replicates {
			of.Role = region.Role
		}
		of.Fencing = c.Fencing.Words()
		about.Components = append(about.Components, of)
		about.Breakable = append(about.Breakable, c.Name)
		if has := speaks + "." + region.Role; !slices.Contains(about.Provides, has) {
			about.Provides = append(about.Provides, has)
		}
	}
	for _, l := range t.Links {
		to, _ := t.ComponentByName(l.To)
		from := harness.Outside
		if c, ok := t.ComponentByName(l.From); ok {
			from = t.RegionOf(c).Name
		}
		about.Links = append(about.Links, harness.Link{Name: l.Name, From: from, To: l.To, Protocol: "tcp", Address: t.AddressOf(to)})
	}
	describeMeans(t, &about)
	about.Channels, about.Decisions = channels.Describe(t)
	var err error
	if t.Entry != nil {
		about.Entry, err = entryOf(*t.Entry)
		about.Provides = append(about.Provides, "entrypoint."+schemeOf(t.Entry.URL))
	}
	return about, err
}

// describeMeans tells by what the harness acts there.
func describeMeans(t *target.Target, about *harness.Description) {
	if len(t.Means) > 0 {
		about.LeaseNS = int64(t.LeaseTime())
	}
	for _, m := range t.Means {
		about.Means = append(about.Means, harness.MeansOf{Name: m.Name, Kind: m.Means, On: m.On, Acts: means.ActsOf(m), Host: m.Host})
	}
	for _, c := range t.Calls {
		if c.OneWay || c.Undo != "" {
			about.Calls = append(about.Calls, c.Name)
		}
		if c.Undo != "" {
			if about.Undoes == nil {
				about.Undoes = map[string]string{}
			}
			about.Undoes[c.Name] = c.Undo
		}
	}
}

func schemeOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme
}

// entryOf describes the public entry: what clients see of it, and no header.
func entryOf(e target.Entry) (harness.Entry, error) {
	u, wrong := target.WebAddress(e.URL)
	if wrong != "" {
		return harness.Entry{}, fmt.Errorf("the URL of the entry %s", wrong)
	}
	port, err := strconv.Atoi(target.PortOf(u))
	if err != nil {
		return harness.Entry{}, fmt.Errorf("the port of the entry: %w", err)
	}
	name := u.Hostname()
	if _, err := netip.ParseAddr(name); err != nil {
		name += "."
	}
	about := harness.Entry{Name: name, Resolver: e.Resolver, Port: port, URL: e.URL, Status: cmp.Or(e.Status, http.StatusOK)}
	if roots := e.TLS.Roots; roots != "" && roots != target.ResolverSystem {
		pem, _, err := secret.ReadFile(roots, target.MaxPEM)
		if err != nil {
			return about, fmt.Errorf("read the roots of the entry: %w", err)
		}
		about.CAPEM = string(pem)
	}
	return about, nil
}

// describe fills in what a component says of itself.
func describe(ctx context.Context, p part, c *harness.Component) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	seen, err := p.kind.Look(ctx, p.at)
	if err != nil {
		return err
	}
	c.Version, c.Identity, c.URL = seen.Version, p.Identity, p.access.URL
	if !seen.Expires.IsZero() {
		c.Expires = harness.Stamp(seen.Expires.UnixNano())
	}
	if who, ok := p.kind.(component.Identified); ok && c.Identity == "" && p.kind.Traits().Identity != nil {
		if id, err := who.Identity(ctx, p.at); err == nil { // a rehearsal may do without a pin, and the record tells who it was
			c.Identity = id
		}
	}
	return nil
}
