package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
	"blackstart/loadgen/workloads"
)

const deskHost = "127.78.8.1" // an address of these tests' own

// desk is a small firm on this machine that somebody else runs: PostgreSQL with its standby, a service that takes orders, and people. What
// comes from outside to the primary, and its log to the standby, goes by links that its people can cut.
type desk struct {
	t            *testing.T
	dir          string
	east, west   *postgres.Cluster
	clients, wal *relay.Link // outside → east.db, west.db → east.db
	service      *service
	secrets      secrets
	listens      map[string]string       // address of an alert channel of the drill, by its name
	lose         int                     // writes that are acknowledged and on their way to the standby when the primary is cut off
	then         map[string]func() error // what else happens when a task was done
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort finds a port of the firm's address that nobody has.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", deskHost+":0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	in, err := postgres.Find(t.Context(), postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	must(t, err)
	dir, err := os.MkdirTemp("/var/tmp", "blackstart-desk-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // PostgreSQL's account goes through it
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	d := &desk{t: t, dir: dir, listens: map[string]string{}}
	cluster := func(name string) *postgres.Cluster {
		return &postgres.Cluster{Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Host: deskHost, Log: filepath.Join(dir, name+".log"),
			Port: freePort(t), Password: "of-the-owner", Settings: []string{"fsync = off", "autovacuum = off", "log_connections = on"}}
	}
	d.east, d.west = cluster("east"), cluster("west")
	link := func(to *postgres.Cluster) *relay.Link {
		l, err := relay.New(deskHost+":0", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
		must(t, err)
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	d.clients, d.wal = link(d.east), link(d.east)
	must(t, d.east.InitDB(t.Context()))
	at := d.wal.Addr()[strings.LastIndex(d.wal.Addr(), ":")+1:]
	var port int
	_, err = fmt.Sscan(at, &port)
	must(t, err)
	must(t, d.west.MakeStandby(t.Context(), d.east, deskHost, port))
	must(t, d.east.Start(t.Context()))
	must(t, d.east.Prepare(t.Context(), "west"))
	must(t, d.west.Start(t.Context()))
	d.secrets = newSecrets(t, dir)
	d.sql(d.east, "CREATE ROLE watcher LOGIN PASSWORD '"+strings.ReplaceAll(d.secrets.password, "'", "''")+"'; CREATE ROLE app LOGIN PASSWORD 'of-the-service'; "+
		"CREATE TABLE orders (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp()); GRANT ALL ON orders TO app; GRANT SELECT ON orders TO watcher; "+
		"GRANT pg_read_all_stats TO watcher; GRANT EXECUTE ON FUNCTION pg_get_wal_records_info(pg_lsn, pg_lsn), pg_ls_waldir() TO watcher;"+workloads.CreateLedgerSQL+"GRANT USAGE ON SCHEMA blackstart TO watcher; GRANT SELECT, INSERT, UPDATE ON blackstart.heartbeat TO watcher; "+
		"GRANT SELECT, INSERT ON blackstart.ledger TO watcher")
	d.until(30*time.Second, "the standby has what was made last", func() error {
		return d.one(d.west, "SELECT 1 / has_table_privilege('watcher', 'blackstart.ledger', 'INSERT')::int", new(int))
	})
	for _, c := range []*postgres.Cluster{d.east, d.west} { // from now on each statement is in the server's log
		d.sql(c, "ALTER SYSTEM SET log_statement = 'all'")
		d.sql(c, "SELECT pg_reload_conf()")
	}
	d.service = newService(t, d)
	return d
}

// until waits for a condition of the firm.
func (d *desk) until(patience time.Duration, what string, holds func() error) {
	d.t.Helper()
	if err := within(patience, holds); err != nil {
		d.t.Fatalf("%s: not within %s: %v", what, patience, err)
	}
}

func within(patience time.Duration, holds func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := holds()
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// connect is how the firm's DBA reaches a server: by its own socket.
func (d *desk) connect(c *postgres.Cluster) (*pgx.Conn, func(), error) {
	conn, err := c.Connect(context.Background())
	return conn, func() { _ = conn.Close(context.Background()) }, err
}

// run runs statements as the DBA.
func (d *desk) run(c *postgres.Cluster, statements string) error {
	conn, done, err := d.connect(c)
	if err != nil {
		return err
	}
	defer done()
	_, err = conn.PgConn().Exec(context.Background(), statements).ReadAll()
	return err
}

func (d *desk) sql(c *postgres.Cluster, statements string) {
	d.t.Helper()
	must(d.t, d.run(c, statements))
}

// one asks for one value as the DBA.
func (d *desk) one(c *postgres.Cluster, query string, into any) error {
	conn, done, err := d.connect(c)
	if err != nil {
		return err
	}
	defer done()
	return conn.QueryRow(context.Background(), query).Scan(into)
}

const (
	taskCut     = "cut the primary database off"
	taskPromote = "promote the standby, and send the service there"
	taskHeal    = "let the primary database be reached again"
)

// act is what the firm's people do when they are asked for something.
func (d *desk) act(task string) error {
	if err := d.does(task); err != nil || d.then[task] == nil {
		return err
	}
	return d.then[task]()
}

func (d *desk) does(task string) error {
	switch task {
	case taskCut:
		return d.cutOff()
	case taskPromote:
		d.note("failover declared")
		if err := d.run(d.west, "SELECT pg_promote()"); err != nil {
			return err
		}
		d.service.follow(net.JoinHostPort(deskHost, fmt.Sprint(d.west.Port)))
		d.note("failover complete")
		return nil
	case taskHeal:
		if err := d.clients.Heal(); err != nil {
			return err
		}
		return d.fence()
	}
	return fmt.Errorf("nobody here knows how to %q", task)
}

// cutOff cuts the primary off from everybody. Where writes are to be lost, its log no longer arrives before that, and when enough was
// acknowledged it takes no more: so whatever its ledger alone has was acknowledged to its client.
func (d *desk) cutOff() error {
	if d.lose > 0 {
		var before, now int
		if err := errors.Join(d.wal.Cut(relay.Both), d.one(d.east, "SELECT count(*) FROM blackstart.ledger", &before)); err != nil {
			return err
		}
		if err := within(20*time.Second, func() error {
			if err := d.one(d.east, "SELECT count(*) FROM blackstart.ledger", &now); err != nil || now >= before+d.lose {
				return err
			}
			return errors.New("too few writes yet")
		}); err != nil {
			return err
		}
		if err := d.fence(); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // what was under way has been answered
	}
	return errors.Join(d.clients.Cut(relay.Both), d.wal.Cut(relay.Both))
}

// fence makes every session of the old primary read-only by default, as a controller would.
func (d *desk) fence() error {
	return errors.Join(d.run(d.east, "ALTER SYSTEM SET default_transaction_read_only = on"), d.run(d.east, "SELECT pg_reload_conf()"))
}

// note writes a line of the firm's own log.
func (d *desk) note(what string) {
	f, err := os.OpenFile(filepath.Join(d.dir, "failover.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"), what)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		d.t.Errorf("the firm's log: %v", err)
	}
}

// onlyOld is how many rows of the ledger the old primary has and the new one lacks: the truth about what was lost.
func (d *desk) onlyOld() int {
	d.t.Helper()
	ids := func(c *postgres.Cluster) map[string]bool {
		conn, done, err := d.connect(c)
		must(d.t, err)
		defer done()
		rows, err := conn.Query(context.Background(), "SELECT run::text || id FROM blackstart.ledger")
		must(d.t, err)
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(d.t, err)
		set := map[string]bool{}
		for _, id := range all {
			set[id] = true
		}
		return set
	}
	n, now := 0, ids(d.west)
	for id := range ids(d.east) {
		if !now[id] {
			n++
		}
	}
	return n
}
