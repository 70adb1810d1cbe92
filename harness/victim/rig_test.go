package victim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/postgres"
	"blackstart/harness/targets/procs"
	"blackstart/harness/targets/relay"
)

// databaseHost is an address of these tests' own: on 127.0.0.1 the ports of outgoing connections would be in the way.
const databaseHost = "127.78.3.1"

// rig is a real primary in east, a real standby in west that follows it through a link, and the driver that leads there.
type rig struct {
	t          *testing.T
	east, west *postgres.Cluster
	wal        *relay.Link
	about      harness.Description
}

// newRig starts both; the link is west.db→east.db. It is skipped where there is no PostgreSQL.
func newRig(t *testing.T) *rig {
	t.Helper()
	ctx := context.Background()
	in, err := postgres.Find(ctx, postgres.Options{CacheDir: filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))})
	if err != nil {
		t.Skipf("real databases cannot be tested: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "blackstart-victim-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755)) // PostgreSQL's account must get in
	table, err := procs.NewTable(dir)
	must(t, err)
	t.Cleanup(func() { must(t, table.StopAll()) })
	r := &rig{t: t}
	password := postgres.NewPassword()
	settings := []string{"fsync = off", "wal_receiver_timeout = 1s", "wal_sender_timeout = 1s"}
	cluster := func(name string) *postgres.Cluster {
		return &postgres.Cluster{Name: name, Install: in, Table: table, Dir: filepath.Join(dir, name), Host: databaseHost,
			Log: filepath.Join(dir, name+".log"), Port: freePort(t), Password: password, Settings: settings}
	}
	r.east, r.west = cluster("east"), cluster("west")
	r.wal, err = relay.New(databaseHost+":0", net.JoinHostPort(databaseHost, strconv.Itoa(r.east.Port)))
	must(t, err)
	t.Cleanup(func() { _ = r.wal.Close() })
	_, port, err := net.SplitHostPort(r.wal.Addr())
	must(t, err)
	number, err := strconv.Atoi(port)
	must(t, err)
	must(t, r.east.InitDB(ctx))
	must(t, r.west.MakeStandby(ctx, r.east, databaseHost, number))
	must(t, r.east.Start(ctx))
	must(t, r.east.Prepare(ctx, "west"))
	must(t, r.west.Start(ctx))
	r.about = twoDatabases(r.wal.Addr())
	return r
}

// twoDatabases is a primary and its standby, described.
func twoDatabases(wal string) harness.Description {
	return harness.Description{
		Name:    "pair",
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: "east", Role: harness.Primary}, {Name: "west.db", Kind: "postgres", Region: "west", Role: harness.Standby},
			{Name: "west.api", Kind: "api", Region: "west"},
		},
		Links: []harness.Link{{Name: "west.db→east.db", From: "west", To: "east.db", Protocol: "tcp", Address: wal}},
	}
}

// Running is part of Driver; nothing here asks it.
func (r *rig) Running(context.Context, string) (bool, error) {
	return false, errors.New("is not asked")
}

// Access is the private path.
func (r *rig) Access(place, component string) (harness.Access, error) {
	cluster := map[string]*postgres.Cluster{"east east.db": r.east, "west west.db": r.west}[place+" "+component]
	if cluster == nil {
		return harness.Access{}, fmt.Errorf("no private path from %s to %s", place, component)
	}
	return harness.Access{Address: net.JoinHostPort(cluster.Host, strconv.Itoa(cluster.Port)), User: postgres.User,
		Password: cluster.Password, Database: postgres.Database}, nil
}

func (r *rig) exec(on *postgres.Cluster, sql string) {
	r.t.Helper()
	conn, err := on.Connect(context.Background())
	must(r.t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(context.Background(), sql)
	must(r.t, err)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", databaseHost+":0")
	must(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
