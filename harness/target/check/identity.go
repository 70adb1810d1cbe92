package check

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"

	"blackstart/harness"
	"blackstart/harness/component"
)

// identities asks who everything is, and nothing else. Whoever is another than the file says ends the check.
func (c *checker) identities(ctx context.Context) ([]Row, error) {
	rows := each(ctx, len(c.parts), lookTime, func(ctx context.Context, i int) []Row {
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
		row, sure := c.identity(p.Name, p.Identity, got, err)
		if sure {
			c.trust(p.Name)
		}
		return []Row{row}
	})
	rows = append(rows, c.entryIdentity(ctx)...)
	var wrong []Row
	for _, r := range rows {
		if r.Of == mistaken {
			wrong = append(wrong, r)
		}
	}
	if len(wrong) > 0 {
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
func (c *checker) identity(name, pinned, got string, err error) (row Row, sure bool) {
	row = Row{Of: "identity", Name: name}
	switch {
	case err != nil:
		row.no(err)
	case pinned == got:
		row.yes(got)
		return row, true
	case pinned != "":
		row.Of = mistaken
		row.refused("it is %s, and the file has %s", got, pinned)
	case c.Target.Metadata.Environment == harness.Rehearsal:
		row.yes(got + ", not pinned: a rehearsal may do without")
		return row, true
	default:
		row.refused("not pinned: write identity: %q", got)
	}
	return row, false
}

// entryIdentity shakes hands with every address of the entry.
func (c *checker) entryIdentity(ctx context.Context) []Row {
	e := c.Target.Entry
	if e == nil {
		return nil
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*LookTime)
	defer cancel()
	found, err := c.resolve(ctx, u.Hostname())
	if err != nil {
		row, _ := c.identity("entry", e.Identity, "", err)
		return []Row{row}
	}
	return each(ctx, len(found.addresses), lookTime, func(ctx context.Context, i int) []Row {
		config, err := component.Secrets(c.secrets).TLS(ctx, e.TLS, u.Hostname())
		if err != nil {
			row, _ := c.identity("entry", e.Identity, "", err)
			return []Row{row}
		}
		address := netip.AddrPortFrom(found.addresses[i], portOf(u)).String()
		got, err := component.KeyOf(ctx, address, config)
		row, _ := c.identity(fmt.Sprintf("entry %s", address), e.Identity, got, err)
		return []Row{row}
	})
}
