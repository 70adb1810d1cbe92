package grants_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"blackstart/harness/call"
	"blackstart/harness/component"
	hosts "blackstart/harness/host"
	"blackstart/harness/target"
	"blackstart/harness/target/grants"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/internal/heartbeat"
	"blackstart/internal/pgdial"
)

const host = "127.78.5.1"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, allows string) *target.Target {
	t.Helper()
	r := target.Reader{Components: component.Kinds.Parameters(), Calls: call.Calls.Parameters(), Traits: component.Traits(),
		Transports: hosts.Transports.Parameters(), HostIdentity: hosts.Forms()}
	got, err := r.Parse("t.yaml", []byte(`apiVersion: blackstart.target/v1
kind: Target
metadata: {name: orders, owner: Order desk, environment: staging, critical: true, service: Order entry, plan: BCP 4.2}
regions: [{name: east, role: primary}, {name: west, role: standby}]
components:
  - {name: east.db, kind: postgres, region: east, address: 10.1.0.5, port: 5432, with: {database: 'or"ders', user: black-start, password: {file: /run/secrets/pl4nted}, encryption: tls}}
  - {name: west.db, kind: postgres, region: west, address: 10.2.0.5, port: 5432, with: {database: 'or"ders', user: black-start, password: {file: /run/secrets/pl4nted}, encryption: tls}}
  - {name: cache, kind: redis, region: east, address: 10.1.0.7, port: 6379, with: {user: watcher, password: {file: /run/secrets/cache}, encryption: tls}}
hosts:
  - {name: db1, region: east, address: 10.1.0.5, by: ssh, with: {user: drill, port: 2222}}
  - {name: pod, region: west, address: 10.2.0.6, by: kubectl, with: {context: west, namespace: orders, pod: orders-0}}
links: [{name: wal, from: west.db, to: east.db}, {name: clients, from: outside, to: east.db}]
entry: {url: "https://orders.example.com/", resolver: "10.0.0.53:53"}
limits: {connections: 3, loads: {rate: 50/s, rows: 900, bytes: 2MB}, ticket: "CHG[0-9]+", changeWindow: {zone: UTC, days: [sat], from: "01:00", to: "02:00"}}
calls: [{name: depth, call: exec, timeout: 5s, with: {argv: [queue, depth], stdin: {exec: [vault, read]}}}, {name: log, call: exec, timeout: 5s, with: {on: db1, argv: [journalctl]}},
  {name: keys, call: redis, reads: true, timeout: 5s, with: {on: cache, command: [DBSIZE]}}]
allows: `+allows+"\n"))
	must(t, err)
	return got
}

// database starts a server on which an ordinary administrator owns a database, and gives a way to connect.
func database(t *testing.T) func(user, password string) *pgx.Conn {
	t.Helper()
	in, err := postgres.Find(t.Context(), postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	if err != nil {
		t.Skipf("a real database cannot be tested: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "blackstart-grants-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	l, err := net.Listen("tcp", host+":0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	c := &postgres.Cluster{Name: "db", Install: in, Table: table, Dir: filepath.Join(dir, "db"), Host: host, Port: port, Log: filepath.Join(dir, "log"),
		Password: "of-the-owner", Settings: []string{"fsync = off"}}
	must(t, c.InitDB(t.Context()))
	must(t, c.Start(t.Context()))
	owner, err := c.ConnectTo(t.Context(), "postgres")
	must(t, err)
	defer owner.Close(context.Background())
	for _, sql := range []string{"CREATE ROLE dba LOGIN CREATEROLE PASSWORD 'dba'", `CREATE DATABASE "or""ders" OWNER dba`,
		"GRANT pg_read_all_stats TO dba WITH ADMIN OPTION"} {
		_, err := owner.Exec(t.Context(), sql)
		must(t, err)
	}
	return func(user, password string) *pgx.Conn {
		t.Helper()
		conn, err := pgdial.Connect(context.Background(), pgdial.Params{Address: fmt.Sprintf("%s:%d", host, port), User: user, Password: password, Database: `or"ders`})
		must(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
}

// run runs a script as psql -1 does.
func run(t *testing.T, c *pgx.Conn, script string) {
	t.Helper()
	if _, err := c.PgConn().Exec(t.Context(), "BEGIN;"+script+";COMMIT").ReadAll(); err != nil {
		t.Fatalf("%v\n%s", err, script)
	}
}

// TestTheRoleCanDoWhatIsNeededAndNothingElse runs what is printed as an ordinary administrator.
func TestTheRoleCanDoWhatIsNeededAndNothingElse(t *testing.T) {
	connect := database(t)
	text, err := grants.DDL(read(t, "[{write: ledger, on: east.db}, {write: heartbeat, on: east.db}]"), "")
	must(t, err)
	dba := connect("dba", "dba")
	run(t, dba, text)
	run(t, dba, `ALTER ROLE "black-start" PASSWORD 'x'; CREATE TABLE theirs (id int); INSERT INTO theirs VALUES (1)`)
	role := connect("black-start", "x")
	for range 2 { // a beat replaces the one before
		must(t, heartbeat.Write(t.Context(), role, heartbeat.OfChecks, time.Now(), func() { t.Error("the table had to be made") }))
	}
	for _, sql := range []string{
		"INSERT INTO blackstart.ledger (run, id, business_key, stream, amount) VALUES (gen_random_uuid(), 1, 1, 1, 1.00)",
		"SELECT count(*) FROM blackstart.ledger", "SELECT system_identifier FROM pg_control_system()", "SELECT pg_is_in_recovery()",
		"SELECT status, sender_host FROM pg_stat_wal_receiver",
	} {
		if _, err := role.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		"DELETE FROM blackstart.ledger", "UPDATE blackstart.ledger SET amount = 2", "TRUNCATE blackstart.ledger", "DROP TABLE blackstart.ledger",
		"ALTER TABLE blackstart.ledger ADD COLUMN x int", "DELETE FROM blackstart.heartbeat", "TRUNCATE blackstart.heartbeat",
		"CREATE TABLE blackstart.more (id int)", "DROP SCHEMA blackstart", "SELECT * FROM theirs", "INSERT INTO theirs VALUES (2)", "CREATE SCHEMA other",
		"CREATE ROLE more", "CREATE DATABASE more", "SELECT pg_promote()", "SELECT pg_switch_wal()", "SELECT pg_reload_conf()", "ALTER SYSTEM SET fsync = off",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dba'", "COPY (SELECT 1) TO '/tmp/x'", "SELECT pg_read_file('/etc/hostname')",
		"GRANT SELECT ON blackstart.ledger TO PUBLIC",
	} {
		tag, err := role.Exec(t.Context(), sql)
		if err == nil && !strings.HasPrefix(sql, "GRANT") { // a grant without the right to is a warning, and grants nothing
			t.Errorf("the role may do this: %s (%v)", sql, tag)
		}
	}
	var public bool
	must(t, dba.QueryRow(t.Context(), "SELECT has_table_privilege('public', 'blackstart.ledger', 'SELECT')").Scan(&public))
	if public {
		t.Error("the role has given its rights to everybody")
	}
	var more []*pgconn.PgConn // the third connection is the last
	for range 3 {
		c, err := pgdial.Wire(pgdial.Params{Address: fmt.Sprintf("%s:%d", role.Config().Host, role.Config().Port), User: "black-start", Password: "x", Database: `or"ders`})
		must(t, err)
		conn, err := pgconn.ConnectConfig(t.Context(), c)
		if err == nil {
			more = append(more, conn)
			defer conn.Close(context.Background())
		}
	}
	if len(more) != 2 {
		t.Errorf("%d more connections, want 2", len(more))
	}
}

// What the file does not allow is not made.
func TestOnlyWhatIsAllowed(t *testing.T) {
	for allows, c := range map[string]struct{ has, lacks []string }{
		"[]":                                {[]string{"CREATE ROLE", "GRANT CONNECT", "allows nothing"}, []string{"TABLE", "SCHEMA", "INSERT"}},
		"[{write: heartbeat, on: east.db}]": {[]string{"blackstart.heartbeat", "GRANT SELECT, INSERT, UPDATE ON blackstart.heartbeat"}, []string{"ledger"}},
		"[{write: ledger, on: east.db}]":    {[]string{"GRANT SELECT, INSERT ON blackstart.ledger", "--     pg_get_wal_records_info(pg_lsn, pg_lsn) TO \"black-start\";"}, []string{"UPDATE ON blackstart"}},
		"[{write: ledger, on: west.db}]":    {[]string{"allows nothing", "west.db is in a standby region"}, []string{"ledger"}},
	} {
		text, err := grants.DDL(read(t, allows), "")
		must(t, err)
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: it lacks %q:\n%s", allows, want, text)
			}
		}
		for _, bad := range append(c.lacks, "pl4nted") {
			if strings.Contains(text, bad) {
				t.Errorf("%s: it holds %q:\n%s", allows, bad, text)
			}
		}
	}
	if text, err := grants.DDL(read(t, "[{write: ledger, on: cache}]"), "cache"); err != nil || text != "ACL SETUSER watcher on +info +time ~blackstart:ledger:* +multi +discard +rpush +lrange\n" {
		t.Errorf("on a Redis: %s, %v", text, err)
	}
	if text, err := grants.DDL(read(t, "[]"), ""); err != nil || !strings.Contains(text, "-- cache has an access list of its own:\n--   blackstart target ddl --on cache | redis-cli\n") || strings.Contains(text, "ACL") {
		t.Errorf("SQL with a Redis beside it: %s, %v", text, err)
	}
	if text, err := grants.DDL(read(t, "[]"), "west.db"); err != nil || !strings.Contains(text, "-- west.db") || strings.Contains(text, "east.db") {
		t.Errorf("on one: %s, %v", text, err)
	}
	alone := read(t, "[]")
	alone.Links[0].From = "cache"
	if text, err := grants.DDL(alone, ""); err != nil || strings.Contains(text, "pg_read_all_stats") {
		t.Errorf("no link leads from a database to another: %s, %v", text, err)
	}
	if _, err := grants.DDL(read(t, "[]"), "north.db"); err == nil {
		t.Error("a database that is not there has statements")
	}
}

func TestTheTicketNamesEverything(t *testing.T) {
	text, err := grants.Ticket(read(t, "[{write: ledger, on: east.db}, {path: POST /orders}]"))
	must(t, err)
	for _, want := range []string{"Requests to the entry, by an account of their own:\n  POST /orders\n  each load at most: rate 50/s, 0 connections, 900 rows, 2MB",
		"critical: yes", "sat, 01:00 to 02:00, UTC", "matches CHG[0-9]+", "tcp     10.1.0.5:5432\n          for east.db (postgres), link clients",
		"tcp     10.2.0.5:5432", "udp+tcp 10.0.0.53:53", "orders.example.com:443", "role black-start", "blackstart.ledger: SELECT, INSERT", "pg_read_all_stats",
		"On cache (redis): user watcher: +info +time", "For call keys, the user of cache: +ping +dbsize",
		"reads:\n  /run/secrets/cache\n  /run/secrets/pl4nted\n", "runs:\n  kubectl\n  queue\n  ssh\n  vault\n",
		"tcp     10.1.0.5:2222\n          for host db1 (by ssh)", "On host db1 (10.1.0.5), by ssh, account drill: its login shell", "It runs:\n  uname, id, date (check)\n  journalctl (call log)\n",
		"On host pod (10.2.0.6), by kubectl exec into orders-0 of orders, context west: a role with get on namespaces and pods, create on pods/exec"} {
		if !strings.Contains(text, want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
}
