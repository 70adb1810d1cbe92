package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// patience bounds everything a test waits for.
const patience = 30 * time.Second

// stateDir is a directory that PostgreSQL's account can reach, with everything in its name that a configuration file, a
// connection string or a list of directories could take for its own.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", `pg o'd\d, "ü*`)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// cacheDir is shared by all runs, so that the bundle is fetched once.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// host is an address of the tests' own: on 127.0.0.1 the ports of outgoing
// connections would be in the way.
const host = "127.78.1.1"

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// two is a primary and a standby that reaches it through a link.
type two struct {
	east, west *postgres.Cluster
	wal        *relay.Link
	table      *procs.Table
}

func start(t *testing.T, in *postgres.Install, settings ...string) *two {
	t.Helper()
	ctx, dir := context.Background(), stateDir(t)
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	cluster := func(name string) *postgres.Cluster {
		return &postgres.Cluster{
			Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Log: filepath.Join(dir, name+".log"),
			Host: host, Port: freePort(t), Password: postgres.NewPassword(), Settings: settings,
		}
	}
	p := &two{east: cluster("east"), west: cluster("west"), table: table}
	p.west.Password = p.east.Password
	p.wal, err = relay.New(host+":0", fmt.Sprintf("%s:%d", host, p.east.Port))
	must(t, err)
	t.Cleanup(func() { p.wal.Close() })
	must(t, p.east.InitDB(ctx))
	_, port, err := net.SplitHostPort(p.wal.Addr())
	must(t, err)
	n, err := strconv.Atoi(port)
	must(t, err)
	must(t, p.west.MakeStandby(ctx, p.east, host, n))
	must(t, p.east.Start(ctx, "synchronous_standby_names = ''"))
	must(t, p.east.Prepare(ctx, "west"))
	must(t, p.west.Start(ctx))
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func query[T any](t *testing.T, c *postgres.Cluster, sql string, args ...any) T {
	t.Helper()
	conn, err := c.Connect(context.Background())
	must(t, err)
	defer conn.Close(context.Background())
	var v T
	must(t, conn.QueryRow(context.Background(), sql, args...).Scan(&v))
	return v
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// TestRehearsal takes both kinds of PostgreSQL through what a drill does: stream,
// cut, write behind the cut, kill, promote, and read the old primary alone.
func TestRehearsal(t *testing.T) {
	for _, tt := range []struct{ name, source, reader string }{
		{"installed", "", "pg_waldump"},
		{"bundle", postgres.SourceBundle, "pg_walinspect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			notice := ""
			in, err := postgres.Find(context.Background(), postgres.Options{
				Source: tt.source, CacheDir: cacheDir(t), Notice: func(s string) { notice = s },
			})
			must(t, err)
			if tt.source == postgres.SourceBundle && (!in.Bundle || in.Version != "16.9") {
				t.Errorf("found %+v", in)
			}
			if in.Bundle {
				tt.reader = "pg_walinspect"
			}
			t.Logf("PostgreSQL %s in %s, notice %q", in.Version, in.Bin, notice)
			rehearse(t, start(t, in), tt.reader)
		})
	}
}

func rehearse(t *testing.T, p *two, reader string) {
	ctx := context.Background()
	exec(t, p.east, "CREATE TABLE ledger (id bigint PRIMARY KEY, amount bigint)")
	exec(t, p.east, "CREATE TABLE noise (n int)")
	exec(t, p.east, "INSERT INTO ledger SELECT g, 100 FROM generate_series(1, 50) g")
	eventually(t, "replication of the database", func() bool {
		conn, err := p.west.Connect(ctx)
		return err == nil && conn.Close(ctx) == nil
	})
	eventually(t, "replication", func() bool {
		return query[*string](t, p.west, "SELECT to_regclass('ledger')::text") != nil && query[int](t, p.west, "SELECT count(*) FROM ledger") == 50
	})
	east, err := p.east.SystemIdentifier()
	must(t, err)
	if west, err := p.west.SystemIdentifier(); err != nil || west != east || east != query[string](t, p.east, "SELECT system_identifier::text FROM pg_control_system()") {
		t.Errorf("system identifiers %q, %q, %v", east, west, err)
	}
	must(t, p.wal.Cut(relay.Both))
	before := time.Now()
	for i := range 7 { // lost: committed behind the cut
		exec(t, p.east, "INSERT INTO ledger VALUES ($1, 100)", 1000+i)
		exec(t, p.east, "INSERT INTO noise VALUES ($1)", i)
	}
	subtransaction(t, p.east)
	exec(t, p.east, "SELECT count(*) FROM ledger")
	if list, err := procs.Inhabitants(p.east.DataDir()); err != nil || len(list) < 4 || !alive(t, p.east) {
		t.Errorf("found %v, %v, alive %v", list, err, alive(t, p.east))
	}
	must(t, p.east.Kill())
	if list, err := procs.Inhabitants(p.east.DataDir()); err != nil || len(list) != 0 || alive(t, p.east) {
		t.Errorf("after the kill: %v, %v, alive %v", list, err, alive(t, p.east))
	}
	if _, err := p.west.ForkPoint(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("fork of a standby: %v", err)
	}
	exec(t, p.west, "SELECT pg_promote(true)")
	exec(t, p.west, "INSERT INTO ledger VALUES (5000, 100)")
	fork, err := p.west.ForkPoint()
	must(t, err)
	if fork.Timeline != 2 || fork.Parent != 1 || fork.At == 0 {
		t.Errorf("fork %+v", fork)
	}
	if conn, err := p.east.Connect(ctx); err == nil {
		conn.Close(ctx)
		t.Error("a dead server answers")
	}
	examine(t, p.east, fork, before, reader)
}

// examine starts the old primary alone and reads its ledger and its WAL.
func examine(t *testing.T, old *postgres.Cluster, fork postgres.Fork, before time.Time, reader string) {
	t.Helper()
	ctx := context.Background()
	must(t, old.ReadOnlyStart(ctx))
	if n := query[int](t, old, "SELECT count(*) FROM ledger WHERE id BETWEEN 1000 AND 1999"); n != 8 {
		t.Errorf("the old primary holds %d lost rows, want 8", n)
	}
	if _, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", host, old.Port), time.Second); err == nil {
		t.Error("the old primary is not alone: its port answers")
	}
	conn, err := old.Connect(ctx)
	must(t, err)
	if _, err := conn.Exec(ctx, "INSERT INTO ledger VALUES (9999, 1)"); err == nil {
		t.Error("the old primary accepts writes")
	}
	must(t, conn.Close(ctx))
	wal, err := old.LedgerCommits(ctx, "ledger", fork.At)
	must(t, err)
	if wal.Reader != reader || len(wal.Commits) != 8 {
		t.Errorf("%s found %d commits of the ledger, want 8 by %s: %+v", wal.Reader, len(wal.Commits), reader, wal)
	}
	if wal.Before == nil || wal.Before.LSN >= fork.At {
		t.Errorf("the last commit before the fork is %+v", wal.Before)
	}
	for _, commit := range wal.Commits {
		if commit.At.Before(before.Add(-time.Second)) || commit.At.After(time.Now()) || commit.LSN < fork.At {
			t.Errorf("commit %+v, fork %v", commit, fork.At)
		}
	}
	var ids []uint64
	for _, c := range wal.Listed() {
		ids = append(ids, c.ID)
	}
	if want := []uint64{1000, 1001, 1002, 1003, 1004, 1005, 1006, 1100}; !slices.Equal(ids, want) { // 1100: in a subtransaction
		t.Errorf("the commits left the rows %v, want %v", ids, want)
	}
	must(t, old.Stop(ctx, postgres.Fast))
}

// subtransaction writes a ledger row in a savepoint, whose transaction number
// stands only in the list of the commit record.
func subtransaction(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	conn, err := c.Connect(context.Background())
	must(t, err)
	defer conn.Close(context.Background())
	must(t, pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
		return pgx.BeginFunc(context.Background(), tx, func(sub pgx.Tx) error {
			_, err := sub.Exec(context.Background(), "INSERT INTO ledger VALUES (1100, 1)")
			return err
		})
	}))
}

func exec(t *testing.T, c *postgres.Cluster, sql string, args ...any) {
	t.Helper()
	conn, err := c.Connect(context.Background())
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), sql, args...)
	must(t, err)
}

func TestStartTroubles(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), stateDir(t)
	in, err := postgres.Find(ctx, postgres.Options{CacheDir: cacheDir(t)})
	must(t, err)
	table, err := procs.NewTable(dir)
	must(t, err)
	defer table.StopAll()
	taken, err := net.Listen("tcp", host+":0")
	must(t, err)
	defer taken.Close()
	c := &postgres.Cluster{
		Name: "east", Install: in, Table: table, Dir: filepath.Join(dir, "east"), Log: filepath.Join(dir, "east.log"),
		Host: host, Port: taken.Addr().(*net.TCPAddr).Port, Password: postgres.NewPassword(),
	}
	must(t, c.InitDB(ctx))
	err = c.Start(ctx)
	var known *postgres.Error
	if !errors.As(err, &known) || !strings.Contains(known.Hint, "another process holds") {
		t.Errorf("start on a taken port: %v", err)
	}
	if alive(t, c) {
		t.Error("it runs all the same")
	}
	long := *c
	long.Dir = filepath.Join(dir, strings.Repeat("x", 100))
	if err := long.InitDB(ctx); !errors.As(err, &known) || !strings.Contains(known.Hint, "shorter path") {
		t.Errorf("a socket path that is too long: %v", err)
	}
	if err := c.MakeStandby(ctx, c, "127.0.0.1", 1); err == nil {
		t.Error("a cluster was copied onto itself")
	}
}

func alive(t *testing.T, c *postgres.Cluster) bool {
	t.Helper()
	runs, err := c.Runs()
	if err != nil {
		t.Error(err)
	}
	return runs
}
