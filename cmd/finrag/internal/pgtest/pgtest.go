// Package pgtest gives tests their surroundings: a real PostgreSQL primary, a streaming standby, certificates, free ports.
//
// Everything lives in temporary folders and ends with the test. It is for tests only.
package pgtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 60 * time.Second // a machine that is busy with other tests
	stopTimeout  = 10 * time.Second
	poll         = 20 * time.Millisecond
	settings     = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = 16MB
max_connections = 80
wal_level = replica
max_wal_senders = 5
hot_standby = on
logging_collector = off
`
)

// Node is one PostgreSQL server.
type Node struct {
	Dir  string // data folder
	Port int
	URL  string // of the database finrag, as its superuser

	bin string
	cmd *exec.Cmd
}

// binaries returns the folder with PostgreSQL's programs, or skips the test.
func binaries(t testing.TB) string {
	t.Helper()
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Sort(sort.Reverse(sort.StringSlice(found)))
	for _, dir := range append(dirs, found...) {
		if _, err := os.Stat(filepath.Join(dir, "pg_basebackup")); err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	t.Skip("no PostgreSQL server programs found by pg_config or in /usr/lib/postgresql: install postgresql to run this test")
	return ""
}

// account returns the credential PostgreSQL runs under: none of its own unless this is root, whom it refuses.
func account(t testing.TB) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("no account postgres or nobody to run PostgreSQL under")
	return nil
}

// folder makes a folder that PostgreSQL's account can reach and own.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "finrag-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if as := account(t); as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func prepare(t testing.TB, dir, bin, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, program), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "LC_ALL=C", "PGPASSFILE=/dev/null")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account(t), Pdeathsig: syscall.SIGQUIT, Setpgid: true}
	return cmd
}

func run(t testing.TB, dir, bin, program string, args ...string) {
	t.Helper()
	if out, err := prepare(t, dir, bin, program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Primary starts a fresh primary with an empty database finrag.
func Primary(t testing.TB) *Node {
	t.Helper()
	bin, dir := binaries(t), folder(t)
	n := newNode(t, bin, filepath.Join(dir, "data"))
	run(t, dir, bin, "initdb", "-D", n.Dir, "-U", "finrag", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	n.configure(t, "")
	n.Start(t)
	n.Exec(t, strings.Replace(n.URL, "/finrag?", "/postgres?", 1), "create database finrag")
	return n
}

// Standby makes a streaming standby of n and starts it. Its name in synchronous_standby_names is "standby".
func (n *Node) Standby(t testing.TB) *Node {
	t.Helper()
	dir := folder(t)
	s := newNode(t, n.bin, filepath.Join(dir, "data"))
	run(t, dir, n.bin, "pg_basebackup", "-D", s.Dir, "-d", fmt.Sprintf("host=127.0.0.1 port=%d user=finrag", n.Port),
		"-X", "stream", "--checkpoint=fast", "--no-sync")
	if err := os.WriteFile(filepath.Join(s.Dir, "standby.signal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.configure(t, fmt.Sprintf("primary_conninfo = 'host=127.0.0.1 port=%d user=finrag application_name=standby'", n.Port))
	s.Start(t)
	return s
}

func newNode(t testing.TB, bin, dir string) *Node {
	port := FreePort(t)
	return &Node{Dir: dir, Port: port, bin: bin, URL: fmt.Sprintf("postgres://finrag@127.0.0.1:%d/finrag?sslmode=disable", port)}
}

func (n *Node) configure(t testing.TB, more string) {
	t.Helper()
	text := settings + fmt.Sprintf("port = %d\n%s\n", n.Port, more)
	path := filepath.Join(n.Dir, "postgresql.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Start starts the server and waits until it answers. The end of the test stops it.
func (n *Node) Start(t testing.TB) {
	t.Helper()
	n.cmd = prepare(t, n.Dir, n.bin, "postgres", "-D", n.Dir)
	log, err := os.Create(filepath.Join(filepath.Dir(n.Dir), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	url := strings.Replace(n.URL, "/finrag?", "/postgres?", 1)
	deadline := time.Now().Add(startTimeout)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			c.Close(ctx)
		}
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, text)
		}
		time.Sleep(poll)
	}
}

// Stop ends the server at once, as a crash would but for its children, and waits. Stopping twice is fine.
func (n *Node) Stop() {
	if n.cmd == nil {
		return
	}
	cmd := n.cmd
	n.cmd = nil
	_ = cmd.Process.Signal(syscall.SIGQUIT)
	kill := time.AfterFunc(stopTimeout, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer kill.Stop()
	_ = cmd.Wait() // it was told to quit: how it does is no matter
}

// Exec runs statements on url, one after the other, each by itself.
func (n *Node) Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Ask returns the one value that a query gives, as text.
func (n *Node) Ask(t testing.TB, query string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	c, err := pgx.Connect(ctx, n.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	var v any
	if err := c.QueryRow(ctx, query).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return fmt.Sprint(v)
}

// Ports are taken from below the range the kernel gives to outgoing connections, so that none of those takes one first.
const (
	firstPort = 15000
	lastPort  = 31999
)

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on at this moment.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		l.Close()
		return port
	}
	t.Fatal("no free port found")
	return 0
}

// Eventually polls until ok, and fails the test with what after a generous time.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); !ok(); time.Sleep(poll) {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen within %s: %s", startTimeout, what)
		}
	}
}
