package grants

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/call"
	"blackstart/harness/component"
	"blackstart/harness/host"
	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// opening is one way that a firewall must let through.
type opening struct{ protocol, to, why string }

// Ticket is the text of a change ticket: what must be opened and granted, one thing a line.
func Ticket(t *target.Target) (string, error) {
	dbs, err := databases(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	m := t.Metadata
	put("What blackstart needs to check %s", m.Name)
	put("  environment: %s; critical: %s", m.Environment, map[bool]string{true: "yes", false: "no"}[m.Critical])
	put("  owner: %s\n  service: %s\n  plan: %s", m.Owner, m.Service, m.Plan)
	if w := t.Limits.ChangeWindow; w != nil {
		put("  change window: %s, %s to %s, %s", strings.Join(w.Days, " "), w.From, w.To, w.Zone)
	}
	if t.Limits.Ticket != "" {
		put("  ticket: matches %s", t.Limits.Ticket)
	}
	if d := t.Limits.LongestDrill; d > 0 {
		put("  longest drill: %s, its undo included", d)
	}
	put("\nFirewall, from the host that runs blackstart:")
	for _, o := range openings(t) {
		put("  %-7s %s\n          for %s", o.protocol, o.to, o.why)
	}
	if len(dbs) > 0 {
		put("\nDatabase roles, which `blackstart target ddl` writes out:")
	}
	for _, d := range dbs {
		put("  %s: role %s, CONNECT on %s", d.Name, d.user, d.name)
		if d.stats {
			put("    pg_read_all_stats")
		}
		for _, a := range d.tables(t) {
			put("    %s: %s", a.Table(), strings.Join(a.Rights(), ", "))
		}
	}
	for _, c := range t.Components {
		k, _ := component.Kinds.Get(c.Kind)
		if kind, err := k.Make(c.With); err == nil {
			if of, ok := kind.(component.Listed); ok {
				user, rights := of.ACL(t, c.Name)
				put("\nOn %s (%s): user %s: %s", c.Name, c.Kind, user, strings.Join(rights, " "))
				if t.MayWrite(target.WriteLedger, c.Name) {
					put("  Keys that a drill writes stay there: some 150 bytes of memory each, to be\n  deleted by hand.")
				}
			}
		}
	}
	for _, c := range t.Calls {
		if kind, err := call.Make(c); err == nil {
			if n, ok := kind.(component.Needing); ok {
				put("\nFor call %s, %s", c.Name, n.Needs())
			}
		}
	}
	requests(&b, t)
	local(&b, t)
	there(&b, t)
	breaks(&b, t)
	return b.String(), nil
}

// requests says what loads may ask of the entry that may change something, and how much at most.
func requests(b *strings.Builder, t *target.Target) {
	title := "\nRequests to the entry, by an account of their own:\n"
	for _, a := range t.Allows {
		if a.Path != "" {
			fmt.Fprintf(b, "%s  %s\n", title, a.Path)
			title = ""
		}
	}
	if l := t.Limits.Loads; l != nil && title == "" {
		fmt.Fprintf(b, "  each load at most: rate %s, %d connections, %d rows, %s (0: any number)\n", l.Rate, l.Connections, l.Rows, l.Bytes)
	}
}

// there says what is run on the hosts of the system, and by which way.
func there(b *strings.Builder, t *target.Target) {
	n := 0
	for _, h := range t.Hosts {
		of, err := host.Make(h)
		if err != nil {
			continue
		}
		n++
		runs := []string{"uname, id, date (check)"}
		for _, c := range t.Calls {
			kind, err := call.Make(c)
			r, ok := kind.(call.Running)
			if err != nil || !ok {
				continue
			}
			if on, program := r.Runs(); on == h.Name {
				runs = append(runs, program+" (call "+c.Name+")")
			}
		}
		fmt.Fprintf(b, "\nOn host %s (%s), %s.\nIt runs:\n  %s\n", h.Name, h.Address, of.Needs(), strings.Join(runs, "\n  "))
	}
	if n == 0 {
		fmt.Fprint(b, "\nNo command is run on the hosts of the system: it needs no account, sudo or\nRBAC there.\n")
	}
}

// openings are the ways, each once, with all that it is for.
func openings(t *target.Target) []opening {
	var all []opening
	add := func(protocol, to, why string) {
		for i, o := range all {
			if o.protocol == protocol && o.to == to {
				all[i].why += ", " + why
				return
			}
		}
		all = append(all, opening{protocol, to, why})
	}
	for _, c := range t.Components {
		add("tcp", t.AddressOf(c), c.Name+" ("+c.Kind+")")
	}
	for _, l := range t.Links {
		if c, ok := t.ComponentByName(l.To); ok && l.From == harness.Outside {
			add("tcp", t.AddressOf(c), "link "+l.Name)
		}
	}
	if e := t.Entry; e != nil {
		if e.Resolver != target.ResolverSystem {
			add("udp+tcp", e.Resolver, "the resolver of the entry")
		}
		add("tcp", addressOf(e.URL), "the entry, at every address of the name")
	}
	for _, h := range t.Hosts {
		if of, err := host.Make(h); err == nil {
			if port := of.Port(); port != "" {
				add("tcp", strings.Trim(h.Address, "[]")+":"+port, "host "+h.Name+" (by "+h.By+")")
			}
		}
	}
	for _, of := range t.Calls {
		if u, ok := of.With["url"].(string); ok {
			add("tcp", addressOf(u), "call "+of.Name)
		}
	}
	return all
}

func addressOf(text string) string {
	u, wrong := target.WebAddress(text)
	if wrong != "" {
		return text
	}
	return u.Hostname() + ":" + cmp.Or(u.Port(), port(u))
}

func port(u *url.URL) string { return map[string]string{"http": "80", "https": "443"}[u.Scheme] }

// local says what is used of the host that runs blackstart.
func local(b *strings.Builder, t *target.Target) {
	var reads, runs []string
	note := func(in any) {
		for _, ref := range secret.In(in) {
			switch {
			case ref.File != "":
				reads = append(reads, ref.File)
			case len(ref.Exec) > 0:
				runs = append(runs, ref.Exec[0])
			}
		}
	}
	note(t)
	if d := t.Decisions; d != nil && d.File != "" {
		reads = append(reads, d.File)
	}
	for _, c := range t.Components {
		k, _ := component.Kinds.Get(c.Kind)
		if kind, err := k.Make(c.With); err == nil {
			if p, ok := kind.(interface{ With() any }); ok {
				note(p.With())
			}
		}
	}
	for _, of := range t.Calls {
		if kind, err := call.Make(of); err == nil {
			if p, ok := kind.(interface{ With() any }); ok {
				note(p.With())
			}
			if r, ok := kind.(call.Running); ok {
				if on, program := r.Runs(); on == "" {
					runs = append(runs, program)
				}
			}
		}
	}
	for _, h := range t.Hosts {
		if of, err := host.Make(h); err == nil {
			runs = append(runs, of.Program())
		}
	}
	for _, l := range []struct {
		what string
		all  []string
	}{{"reads", reads}, {"runs", runs}} {
		slices.Sort(l.all)
		if l.all = slices.Compact(l.all); len(l.all) > 0 {
			fmt.Fprintf(b, "\nOn that host, the account of blackstart %s:\n  %s\n", l.what, strings.Join(l.all, "\n  "))
		}
	}
}
