package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"blackstart/harness/call"
	"blackstart/harness/secret"
	"blackstart/harness/target/channels"
)

// secrets is component.Secrets.
func (c *checker) secrets(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
	s, _, err := c.Secrets.Resolve(ctx, ref)
	return s, err
}

// secretRows resolves every reference of the file.
func (c *checker) secretRows(ctx context.Context) []Row {
	var all []Row
	add := func(owner string, in any) {
		for _, ref := range secret.In(in) {
			row := Row{Of: "secret", Name: owner + " " + ref.Keys}
			if s, notes, err := c.Secrets.Resolve(ctx, ref.Reference); err != nil {
				row.no(err)
			} else {
				row.yes(strings.Join(append([]string{fmt.Sprintf("%s, %d bytes", ref, len(s.Reveal()))}, slices.Concat(notes, c.unproven(ref.Reference))...), "; "))
			}
			all = append(all, row)
		}
	}
	for _, p := range c.parts {
		if w, ok := p.kind.(interface{ With() any }); ok {
			add(p.Name, w.With())
		}
	}
	if c.Target.Entry != nil {
		add("entry", c.Target.Entry)
	}
	for _, of := range c.Target.Calls {
		if k, err := call.Make(of); err == nil {
			if w, ok := k.(interface{ With() any }); ok {
				add(of.Name, w.With())
			}
		}
	}
	for _, a := range c.Target.Alerts {
		add("alert "+a.Name, channels.Parametrised(a))
	}
	for _, a := range slices.Concat(c.Target.Announce, c.Target.StandDown) {
		add("announcement "+a.Name, a)
	}
	return all
}
