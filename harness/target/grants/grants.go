// Package grants writes what people must allow before a target can be checked and drilled: the statements that a database
// administrator runs, and the text of a change ticket. It reads a target file and nothing else; it connects to nothing and runs
// nothing.
package grants

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/component"
	"blackstart/harness/target"
	"blackstart/internal/heartbeat"
	"blackstart/loadgen/workloads"
)

// database is a component that is one.
type database struct {
	target.Component
	region     target.Region
	name, user string
	stats      bool // a link that begins here is told by its statistics
	copy       bool // of another, which gets everything from there
}

// databases finds the components that are databases.
func databases(t *target.Target) ([]database, error) {
	var all []database
	for _, c := range t.Components {
		k, _ := component.Kinds.Get(c.Kind)
		kind, err := k.Make(c.With)
		if err != nil {
			return nil, fmt.Errorf("read component %s: %w", c.Name, err)
		}
		p, ok := kind.(*component.Postgres)
		if !ok {
			continue
		}
		d := database{Component: c, region: t.RegionOf(c)}
		d.name, d.user = p.Role()
		d.copy = d.region.Role == harness.Standby
		for _, l := range t.Links {
			from, _ := t.ComponentByName(l.From)
			to, _ := t.ComponentByName(l.To)
			d.stats = d.stats || from.Kind == c.Kind && to.Kind == c.Kind
		}
		all = append(all, d)
	}
	return all, nil
}

// DDL is the SQL that makes the role and, where the file allows it, the tables, on the database component on; "" means each that
// is no copy. The tables are those of the harness, in the schema blackstart. On a Redis it is the line for its access list.
func DDL(t *target.Target, on string) (string, error) {
	all, err := databases(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	n := lists(&b, t, on)
	for _, d := range all {
		switch {
		case on != "" && d.Name != on:
		case d.copy && on == "":
			fmt.Fprintf(&b, "-- %s is in a standby region: it copies all this from its primary.\n\n", d.Name)
		default:
			n++
			d.write(&b, t)
		}
	}
	if n == 0 {
		return "", errors.New("the target has no such database, or Redis")
	}
	return b.String(), nil
}

// lists writes what the access lists of Redis servers need: as it is run, where one is asked for; else where it is had from, as a comment
// of SQL. It tells for how many.
func lists(b *strings.Builder, t *target.Target, on string) (n int) {
	for _, c := range t.Components {
		k, _ := component.Kinds.Get(c.Kind)
		kind, err := k.Make(c.With)
		of, ok := kind.(component.Listed)
		if err != nil || !ok || on != "" && c.Name != on {
			continue
		}
		n++
		if on == "" {
			fmt.Fprintf(b, "-- %s has an access list of its own:\n--   blackstart target ddl --on %s | redis-cli\n\n", c.Name, c.Name)
			continue
		}
		user, rights := of.ACL(t, c.Name)
		fmt.Fprintf(b, "ACL SETUSER %s on %s\n", user, strings.Join(rights, " "))
	}
	return n
}

func quote(name ...string) string { return pgx.Identifier(name).Sanitize() }

func (d database) write(b *strings.Builder, t *target.Target) {
	role := quote(d.user)
	put := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	put("-- %s: database %s on %s", d.Name, d.name, t.AddressOf(d.Component))
	put("-- For a role with CREATEROLE that owns the database, in one transaction:")
	put("--   psql -1 -v ON_ERROR_STOP=1 -d %s -f THIS", d.name)
	put("-- Then give the role a password: \\password %s", d.user)
	limit := ""
	if n := t.Limits.Connections; n > 0 {
		limit = fmt.Sprintf(" CONNECTION LIMIT %d", n)
	}
	put("CREATE ROLE %s LOGIN%s", role, limit)
	put("  NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;")
	put("GRANT CONNECT ON DATABASE %s TO %s;", quote(d.name), role)
	if d.stats {
		put("-- for links between databases, by pg_stat_wal_receiver; from PostgreSQL 16")
		put("-- on only a role that was given this one WITH ADMIN may pass it on")
		put("GRANT pg_read_all_stats TO %s;", role)
	}
	beats, ledger := t.MayWrite(target.WriteHeartbeat, d.Name), t.MayWrite(target.WriteLedger, d.Name)
	switch {
	case ledger:
		put("-- allowed: %s; the ledger comes with the heartbeat", strings.Join(d.writes(t), ", "))
		put("%s", strings.TrimSpace(workloads.CreateLedgerSQL))
	case beats:
		put("-- allowed: heartbeat")
		put("%s", strings.TrimSpace(heartbeat.CreateSQL))
	default:
		put("-- The file allows nothing to be written here, so there are no tables to make.\n")
		return
	}
	put("GRANT USAGE ON SCHEMA blackstart TO %s;", role)
	for _, a := range d.tables(t) {
		put("GRANT %s ON %s TO %s;", strings.Join(a.Rights(), ", "), a.Table(), role)
	}
	if ledger {
		put("-- By a superuser, who may leave it out: then what the log of an old primary")
		put("-- tells of lost commits is not available. It shows no row.")
		put("--   CREATE EXTENSION pg_walinspect;")
		put("--   GRANT EXECUTE ON FUNCTION pg_ls_waldir(),")
		put("--     pg_get_wal_records_info(pg_lsn, pg_lsn) TO %s;", role)
	}
	put("")
}

// tables are what may be written here.
func (d database) tables(t *target.Target) []target.Allow {
	return slices.DeleteFunc(slices.Clone(t.Allows), func(a target.Allow) bool { return a.On != d.Name })
}

func (d database) writes(t *target.Target) (all []string) {
	for _, a := range d.tables(t) {
		all = append(all, a.Write)
	}
	slices.Sort(all)
	return all
}
