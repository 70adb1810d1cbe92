package check

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/web"
)

// entry is the public entry with what its name leads to. It is resolved once: who is asked is who has said who it is.
type entry struct {
	*target.Entry
	url *url.URL
	resolved
	err error // of the resolution
}

// findEntry resolves the name of the entry, if there is one.
func (c *checker) findEntry(ctx context.Context) error {
	of := c.Target.Entry
	if of == nil {
		return nil
	}
	u, wrong := target.WebAddress(of.URL)
	if wrong != "" {
		return fmt.Errorf("check the entry: its URL %s", wrong)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*LookTime)
	defer cancel()
	c.entry = &entry{Entry: of, url: u}
	c.entry.resolved, c.entry.err = c.resolve(ctx, u.Hostname())
	return nil
}

// at is the i-th address of the entry, with its port.
func (e *entry) at(i int) string {
	return net.JoinHostPort(e.addresses[i].String(), target.PortOf(e.url))
}

// entryRows asks the public entry at every address that its name has.
func (c *checker) entryRows(ctx context.Context) []Row {
	e := c.entry
	if e == nil {
		return nil
	}
	named := Row{Of: "entry", Name: "name"}
	if e.err != nil {
		named.no(e.err)
		return []Row{named}
	}
	text := fmt.Sprintf("%s has %d address", e.url.Hostname(), len(e.addresses))
	if len(e.addresses) > 1 {
		text += "es"
	}
	for _, name := range e.chain {
		text += ", by way of " + name
	}
	named.yes(text + " (resolver " + e.Resolver + ")")
	return append([]Row{named}, each(ctx, len(e.addresses), lookTime, anywhere, func(ctx context.Context, i int) []Row {
		row := Row{Of: "entry", Name: e.at(i)}
		if err := c.known("entry "+row.Name, e.Identities); err != nil {
			row.no(err)
			return []Row{row}
		}
		q := web.Question{Method: http.MethodGet, URL: e.URL, Address: row.Name}
		begun := time.Now()
		a, err := component.Secrets(c.secrets).Ask(ctx, q, e.TLS, e.Headers, e.Identities...)
		switch want := cmp.Or(e.Status, http.StatusOK); {
		case err != nil:
			row.no(err)
		case a.Status != want:
			row.refused("it answers with status %d, not %d", a.Status, want)
		default:
			row.yes(join(fmt.Sprintf("status %d in %v", a.Status, time.Since(begun).Round(100*time.Microsecond)), component.Until(a), way(row.Name, component.EndsOf(a.Conn))))
		}
		return []Row{row}
	})...)
}
