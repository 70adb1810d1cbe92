package check

import (
	"context"
	"net"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target"
)

// identities asks who everything is, and nothing else. Whoever is another than the file says ends the check.
func (c *checker) identities(ctx context.Context) ([]Row, error) {
	rows := each(ctx, len(c.parts), lookTime, c.roomOfPart, func(ctx context.Context, i int) []Row {
		p := c.parts[i]
		who, ok := p.kind.(component.Identified)
		if !ok || p.kind.Traits().Identity == nil {
			c.trust(p.Name)
			return nil
		}
		if p.Identity == "" && p.unidentifiable() {
			c.trust(p.Name)
			return nil
		}
		got, err := who.Identity(ctx, p.at)
		row, sure := c.identity(p.Name, p.at.Pins(), got, err)
		if sure {
			c.trust(p.Name)
		}
		return []Row{row}
	})
	rows = append(rows, c.hostIdentities(ctx)...)
	rows = append(rows, c.entryIdentity(ctx)...)
	var wrong []Row
	for _, r := range rows {
		if r.Of == mistaken {
			wrong = append(wrong, r)
		}
	}
	if len(wrong) > 0 {
		c.finish(wrong)
		return nil, &Mistaken{wrong}
	}
	return rows, nil
}

// mistaken marks a row that ends the check. It is never shown.
const mistaken = "mistaken"

// unidentifiable tells whether a component has no identity as it is written, such as an http service without TLS.
func (p part) unidentifiable() bool {
	a, ok := p.kind.(interface{ Anonymous() bool })
	return ok && a.Anonymous()
}

// identity compares who somebody is with who is written; sure means that a pin was kept, or that none is needed.
func (c *checker) identity(name string, pinned []string, got string, err error) (row Row, sure bool) {
	row = Row{Of: "identity", Name: name}
	switch {
	case err != nil:
		row.no(err)
	case slices.Contains(pinned, got):
		row.yes(got)
		return row, true
	case len(pinned) > 0:
		row.Of = mistaken
		row.no(component.Another(got, pinned...))
	case c.Target.Metadata.Environment == harness.Rehearsal:
		row.yes(got + ", not pinned: a rehearsal may do without")
		return row, true
	case strings.HasPrefix(name, "entry "):
		row.refused("not pinned: write identities: [%q]", got)
	default:
		row.refused("not pinned: write identity: %q", got)
	}
	return row, false
}

// pins gives the TLS keys that whoever listens on "host:port" may have: what is pinned as a component, or as the entry, is so for a
// call, too.
func (c *checker) pins(address string) ([]string, error) {
	for _, p := range c.parts {
		if component.HasKey(p.kind) && p.at.Address == address {
			return p.at.Pins(), c.known(p.Name, p.at.Pins())
		}
	}
	if e := c.entry; e != nil && len(e.Identities) > 0 && net.JoinHostPort(e.url.Hostname(), target.PortOf(e.url)) == address {
		return e.Identities, nil
	}
	return nil, nil
}

// entryIdentity shakes hands with every address of the entry.
func (c *checker) entryIdentity(ctx context.Context) []Row {
	e := c.entry
	if e == nil || e.url.Scheme != "https" {
		return nil
	}
	if e.err != nil {
		row, _ := c.identity("entry", nil, "", e.err)
		return []Row{row}
	}
	return each(ctx, len(e.addresses), lookTime, anywhere, func(ctx context.Context, i int) []Row {
		config, err := component.Secrets(c.secrets).TLS(ctx, e.TLS, e.url.Hostname())
		got := ""
		if err == nil {
			got, err = component.KeyOf(ctx, e.at(i), config)
		}
		row, sure := c.identity("entry "+e.at(i), e.Identities, got, err)
		if sure {
			c.trust(row.Name)
		}
		return []Row{row}
	})
}
