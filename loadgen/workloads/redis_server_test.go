package workloads_test

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"blackstart/loadgen/workloads"
)

// server is a real Redis in a directory of its own, and a client of it that is not ours.
type server struct {
	dir, addr string
	options   []string
	cmd       *exec.Cmd
	client    *redis.Client
}

// newServer starts a Redis that keeps what it acknowledged.
func newServer(t *testing.T, options ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on the PATH: install redis-server to run this test")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: t.TempDir(), addr: l.Addr().String(), options: options}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.client = redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
	t.Cleanup(func() { _ = s.client.Close() })
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.Command("redis-server", append([]string{"--bind", host, "--port", port, "--dir", s.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0"}, s.options...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the server has loaded what it keeps", func() bool {
		err := s.client.Ping(t.Context()).Err()
		return err == nil || strings.HasPrefix(err.Error(), "NOAUTH")
	})
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *server) port() string { _, port, _ := net.SplitHostPort(s.addr); return port }

// keys are the keys of a run by the server's own list, each with its length.
func (s *server) keys(t *testing.T) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	names, err := s.client.Keys(t.Context(), "blackstart:ledger:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if all[name], err = s.client.LLen(t.Context(), name).Result(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (s *server) set(t *testing.T, name string, value int) {
	t.Helper()
	if err := s.client.ConfigSet(t.Context(), name, strconv.Itoa(value)).Err(); err != nil {
		t.Fatal(err)
	}
}

// keeper is redis.ledger with its parameters.
func keeper(t *testing.T, with map[string]any) workloads.Keeper {
	t.Helper()
	kind, _ := workloads.Workloads.Get("redis.ledger")
	w, err := kind.Make(with)
	if err != nil {
		t.Fatal(err)
	}
	return w.(workloads.Keeper)
}

// storeOn opens the ledger on one node.
func storeOn(t *testing.T, db workloads.Database) workloads.LedgerStore {
	t.Helper()
	s, err := keeper(t, nil).Store(workloads.Config{Database: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// until waits for what must come.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("not in time: %s", what)
		case <-time.After(2 * time.Millisecond):
		}
	}
}
