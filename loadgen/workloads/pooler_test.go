package workloads

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/internal/pgdial"
	"blackstart/loadgen"
)

// between starts a program that stands between clients and a server, as whoever runs the server, and waits until it listens.
func (s *pgServer) between(t *testing.T, program, config string, args ...string) (address string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if path = "/usr/sbin/" + program; exec.Command("test", "-x", path).Run() != nil {
			t.Skipf("%s is not installed: apt-get install %[1]s", program)
		}
	}
	port := freePort(t)
	file := filepath.Join(s.makeDir(t), program+".conf")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(config, "PORT", strconv.Itoa(port))), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, file)...)
	var out strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(file), &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	until(t, program+" listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return address
}

func (s *pgServer) bouncer(t *testing.T, mode string) string {
	t.Helper()
	return s.between(t, "pgbouncer", fmt.Sprintf("[databases]\n* = host=127.0.0.1 port=%d user=drill\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = PORT\n"+
		"auth_type = any\npool_mode = %s\ndefault_pool_size = 20\n[users]\n", s.port, mode))
}

func (s *pgServer) proxy(t *testing.T) string {
	t.Helper()
	return s.between(t, "haproxy", fmt.Sprintf("defaults\n mode tcp\n timeout connect 2s\n timeout client 1m\n timeout server 1m\n"+
		"frontend f\n bind 127.0.0.1:PORT\n default_backend b\nbackend b\n server one 127.0.0.1:%d check inter 100ms\n", s.port), "-f")
}

// TestLedgerThroughOthers: whatever stands between a writer and its server, every acknowledged write is there once, one that was refused
// for certain is not, and what was under way when a backend ended is unknown until it is looked up.
func TestLedgerThroughOthers(t *testing.T) {
	s := newPGServer(t)
	s.start(t)
	conn, store := s.connect(t), storeOf(t, s.addr())
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for n, of := range []struct {
		name    string
		address func(*testing.T) string
	}{
		{"PgBouncer, sessions", func(t *testing.T) string { return s.bouncer(t, "session") }},
		{"PgBouncer, transactions", func(t *testing.T) string { return s.bouncer(t, "transaction") }},
		{"HAProxy", s.proxy},
	} {
		t.Run(of.name, func(t *testing.T) {
			address := of.address(t)
			until(t, "a way to the server", func() bool { return answersAt(t.Context(), address) })
			db := Database{Addresses: []string{address}, MaxConns: 8}
			w := startWriter(t, byte(20+2*n), Config{Rate: 500, Slots: 200, Stream: 3, Timeout: testTimeout, Database: db})
			if stats, _, found := w.wait(t); stats.OK != 200 || found.Rows != 200 || found.RepeatedKeys != 0 {
				t.Fatalf("%+v, %d rows, %v", stats, found.Rows, w.Errors())
			}
			testTerminatedAs(t, conn, db, byte(21+2*n))
		})
	}
	t.Run("another server than the one that is meant", func(t *testing.T) { testAnother(t, conn, s.addr()) })
}

func answersAt(ctx context.Context, address string) bool {
	conn, err := pgx.Connect(ctx, "postgres://drill@"+address+"/postgres?sslmode=disable")
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// testAnother: a write goes to no server but the one that is pinned, and is refused for certain.
func testAnother(t *testing.T, conn *pgx.Conn, address string) {
	var id string
	if err := conn.QueryRow(t.Context(), pgdial.WhoSQL).Scan(&id); err != nil {
		t.Fatal(err)
	}
	for identity, want := range map[string]int{id: 20, "123456789012345678": 0} {
		w := startWriter(t, byte(50+want), Config{Rate: 200, Slots: 20, Stream: 3, Timeout: time.Second, Database: Database{Addresses: []string{address}, Identity: identity}})
		stats, attempts, found := w.wait(t)
		if stats.OK != uint64(want) || found.Rows != uint64(want) || count(attempts, loadgen.AttemptDefinite) != 20-want {
			t.Errorf("pinned to %s: %+v, %d rows, %v", identity, stats, found.Rows, w.Errors())
		}
	}
	_, err := pgdial.Connect(t.Context(), pgdial.Params{Address: address, User: "drill", Database: "postgres", Identity: "123456789012345678"})
	if who := new(pgdial.AnotherError); !errors.As(err, &who) || who.Is != id {
		t.Errorf("another server: %v", err)
	}
}
