package check

import (
	"context"
	"fmt"
	"time"

	"blackstart/harness/component"
	"blackstart/harness/secret"
)

// outlives finds out, where the file bounds the length of a drill, whether what opens a component is good for that long, as far as
// anything says so: the end of a client certificate, and of the password of a database's role. Of anything else it is not known, and
// the rows of the secrets say so.
func (c *checker) outlives(ctx context.Context) []Row {
	if c.Target.Limits.LongestDrill == 0 {
		return nil
	}
	rows := each(ctx, len(c.parts), lookTime, c.roomOfPart, func(ctx context.Context, i int) []Row {
		p := c.parts[i]
		var all []Row
		if a, err := component.AccessTo(ctx, p.kind, p.at); err == nil && a.TLS != nil {
			for _, shown := range a.TLS.Certificates {
				all = append(all, c.until(p.Name+" client certificate", shown.Leaf.NotAfter))
			}
		}
		db, ok := p.kind.(*component.Postgres)
		if !ok || c.known(p.Name, p.at.Pins()) != nil { // its own row says that it is not known who it is
			return all
		}
		end, err := db.PasswordUntil(ctx, p.at)
		switch row := (Row{Of: "secret", Name: p.Name + " role"}); {
		case err != nil:
			row.no(err)
			all = append(all, row)
		case !end.IsZero():
			all = append(all, c.until(row.Name, end))
		}
		return all
	})
	if e := c.Target.Entry; e != nil {
		a, err := component.Secrets(c.secrets).Web(ctx, e.URL, e.TLS, e.Headers, e.Identities...)
		if err == nil && a.TLS != nil { // else the row of the entry says why
			for _, shown := range a.TLS.Certificates {
				rows = append(rows, c.until("entry client certificate", shown.Leaf.NotAfter))
			}
		}
	}
	return rows
}

// until holds an end against the longest drill.
func (c *checker) until(name string, end time.Time) Row {
	row, longest := Row{Of: "secret", Name: name}, c.Target.Limits.LongestDrill
	text := fmt.Sprintf("good until %s", end.UTC().Format(time.RFC3339))
	if end.Before(c.Now.Add(longest.D())) {
		row.refused("%s, and a drill may last %s from now: its undo could not use it", text, longest)
	} else {
		row.yes(fmt.Sprintf("%s, longer than a drill of %s", text, longest))
	}
	return row
}

// unproven says what is not known of how long a secret is good, where the file bounds the length of a drill.
func (c *checker) unproven(ref secret.Reference) []string {
	longest := c.Target.Limits.LongestDrill
	switch {
	case longest == 0:
		return nil
	case ref.Env != "":
		return []string{"gone with its process: no undo after a kill has it"}
	case len(ref.Exec) > 0:
		return []string{fmt.Sprintf("asked for again by an undo; whether a lease of it lasts %s is not known", longest)}
	}
	return []string{fmt.Sprintf("read again by an undo; whether it stays as it is for %s is not known", longest)}
}
