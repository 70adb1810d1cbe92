package probes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"

	"github.com/jackc/pgx/v5"
)

const (
	clusterTimeout = 30 * time.Second // of one command of a cluster
	eventually     = 10 * time.Second // for a state to be reached
)

// postgresBin is where PostgreSQL's programs are; the test is skipped where there are none.
func postgresBin(t *testing.T) string {
	t.Helper()
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(found)
	for _, dir := range append(dirs, found...) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	t.Skip("no PostgreSQL server programs found (pg_config --bindir, /usr/lib/postgresql/*/bin): real databases cannot be tested")
	return ""
}

// cluster is one real PostgreSQL server that the test owns.
type cluster struct {
	t    *testing.T
	bin  string
	dir  string // holds data and log
	port string
	who  *syscall.Credential // nil: as ourselves
}

// newCluster makes room for a server: PostgreSQL refuses to run as root, so there it runs as postgres.
func newCluster(t *testing.T, bin string) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "blackstart-probes-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{t: t, bin: bin, dir: dir, port: freePort(t)}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("running as root without a user postgres: PostgreSQL refuses to run as root")
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, uid, gid)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (c *cluster) run(program string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.who}
	log, err := os.CreateTemp(c.t.TempDir(), program) // a file: a server that stays would keep a pipe open
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(log.Name())
		server, _ := os.ReadFile(filepath.Join(c.dir, "log"))
		c.t.Fatalf("run %s: %v\n%s\n%s", program, err, text, server)
	}
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) start() {
	c.t.Helper()
	options := fmt.Sprintf("-c port=%s -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off "+
		"-c wal_receiver_timeout=60s -c wal_retrieve_retry_interval=100ms -c max_connections=20 -c shared_buffers=16MB", c.port)
	c.run("pg_ctl", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-w", "-o", options, "start")
	c.t.Cleanup(c.stop)
}

// stop ends the server if it runs.
func (c *cluster) stop() {
	if _, err := os.Stat(filepath.Join(c.data(), "postmaster.pid")); err == nil {
		c.run("pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop")
	}
}

// startPrimary makes an empty server with a slot for the standby.
func startPrimary(t *testing.T, bin string) *cluster {
	t.Helper()
	c := newCluster(t, bin)
	c.run("initdb", "-D", c.data(), "-U", "postgres", "--auth=trust", "--no-sync", "--no-locale", "-E", "UTF8")
	c.start()
	c.exec("SELECT pg_create_physical_replication_slot('west', true)")
	return c
}

// startStandby copies the primary and follows it through the slot.
func startStandby(t *testing.T, primary *cluster) *cluster {
	t.Helper()
	c := newCluster(t, primary.bin)
	c.run("pg_basebackup", "-h", "127.0.0.1", "-p", primary.port, "-U", "postgres", "-D", c.data(), "-R", "-X", "stream",
		"-c", "fast", "-S", "west", "--no-sync")
	c.start()
	return c
}

func (c *cluster) access() harness.Access {
	return harness.Access{Address: "127.0.0.1:" + c.port, User: "postgres", Database: "postgres"}
}

// ask runs one statement and reads one value of it.
func ask[T any](c *cluster, sql string) (value T) {
	c.t.Helper()
	config, err := connConfig(c.access())
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, sql).Scan(&value); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func (c *cluster) exec(sql string) {
	c.t.Helper()
	config, err := connConfig(c.access())
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), clusterTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
}

// config is a probe's view of a primary in east and a standby in west.
func config(primary, standby *cluster) harness.ProbeConfig {
	return harness.ProbeConfig{
		Target: twoRegions(),
		Clock:  harness.NewClock(),
		Access: func(place, component string) (harness.Access, error) {
			switch place + " " + component {
			case "east east.db":
				return primary.access(), nil
			case "west west.db":
				return standby.access(), nil
			}
			return harness.Access{}, fmt.Errorf("no private path from %s to %s", place, component)
		},
	}
}

func twoRegions() harness.Description {
	return harness.Description{
		Name:    "test",
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "west.db", Kind: "postgres", Region: "west"},
			{Name: "east.api", Kind: "api", Region: "east"}, {Name: "west.api", Kind: "api", Region: "west"},
			{Name: "outside.dns", Kind: "dns", Region: harness.Outside},
		},
		Links: []harness.Link{
			{Name: "outside→east.db", From: harness.Outside, To: "east.db", Protocol: "tcp", Address: "127.0.0.1:1"},
			{Name: "outside→east.api", From: harness.Outside, To: "east.api", Protocol: "tcp", Address: "127.77.1.1:8443"},
			{Name: "outside→west.api", From: harness.Outside, To: "west.api", Protocol: "tcp", Address: "127.77.2.1:8443"},
		},
		Entry: harness.Entry{Name: "api.finrag.test.", Resolver: "127.0.0.1:1", Port: 8443},
	}
}

// open opens a probe that the test closes.
func open(t *testing.T, name string, config harness.ProbeConfig) harness.Probe {
	t.Helper()
	kind, ok := Probes.Get(name)
	if !ok {
		t.Fatalf("no probe %s", name)
	}
	p, err := kind.New().Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// until asks until an answer is as wanted, and gives that answer.
func until(t *testing.T, p harness.Probe, want string, is func(harness.Observation) bool) harness.Observation {
	t.Helper()
	var o harness.Observation
	for deadline := time.Now().Add(eventually); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if o = p.Ask(t.Context()); is(o) {
			return o
		}
	}
	t.Fatalf("never %s; last answer %+v", want, o)
	return o
}
