package check_test

import (
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

	"blackstart/harness/target/check"
	"blackstart/harness/targets/postgres"
)

// between starts a program that stands before the primary, as the account that runs the databases, and returns the port that it listens on.
func (r *rig) between(t *testing.T, program string, config func(port int) string, args ...string) int {
	t.Helper()
	path := "/usr/sbin/" + program
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not installed: apt-get install %[1]s", program)
	}
	port := freePort(t)
	file := r.write(fmt.Sprintf("%s.%d", program, port), config(port))
	must(t, os.Chmod(file, 0o644))
	cmd := exec.Command(path, append(args, file)...)
	var out strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(file), &out, &out
	if a := r.east.Install.Account; a != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.UID, Gid: a.GID}}
	}
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			_ = conn.Close()
			return port
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not listen: %s", program, out.String())
		}
	}
}

func (r *rig) bouncer(t *testing.T, mode, more string) int {
	t.Helper()
	users := r.write("users", fmt.Sprintf("\"watcher\" %q\n", password))
	must(t, os.Chmod(users, 0o644))
	return r.between(t, "pgbouncer", func(port int) string {
		return fmt.Sprintf("[databases]\n%s = host=%s port=%d\n[pgbouncer]\nlisten_addr = %s\nlisten_port = %d\nauth_type = scram-sha-256\nauth_file = %s\npool_mode = %s\n%s\n",
			postgres.Database, host, r.east.Port, host, port, users, mode, more)
	})
}

// poolers: a database that only a pooler of transactions reaches is not supported, whatever was asked before; one of sessions is, where it
// takes what probes set; a proxy of TCP is none.
func (r *rig) poolers(t *testing.T) {
	const takes = "ignore_startup_parameters = statement_timeout,default_transaction_read_only,synchronous_commit"
	proxy := func(t *testing.T) int {
		return r.between(t, "haproxy", func(port int) string {
			return fmt.Sprintf("defaults\n mode tcp\n timeout connect 2s\n timeout client 1m\n timeout server 1m\nlisten db\n bind %s:%d\n server one %s:%d\n",
				host, port, host, r.east.Port)
		}, "-f")
	}
	for _, c := range []struct {
		name  string
		port  func(t *testing.T) int
		limit string
		state check.State
		text  string
	}{
		{"transactions", func(t *testing.T) int { return r.bouncer(t, "transaction", takes) }, "connections: 2, ", check.NotAvailable, "not supported: only a transaction pooler reaches "},
		{"a pool of one", func(t *testing.T) int { return r.bouncer(t, "transaction", takes+"\ndefault_pool_size = 1") }, "connections: 2, ", check.NotAvailable, "not supported: only a transaction pooler reaches "},
		{"statements", func(t *testing.T) int { return r.bouncer(t, "statement", takes) }, "", check.NotAvailable, "not supported: only a pooler reaches "},
		{"room for one", func(t *testing.T) int { return r.bouncer(t, "session", takes) }, "connections: 1, ", check.NotAvailable, "could not be seen to keep a session"},
		{"sessions", func(t *testing.T) int { return r.bouncer(t, "session", takes) }, "connections: 2, ", check.Works, "leads"},
		{"sessions without parameters", func(t *testing.T) int { return r.bouncer(t, "session", "") }, "connections: 2, ", check.Refused, "ignore_startup_parameters = default_transaction_read_only, statement_timeout, synchronous_commit"},
		{"a proxy", proxy, "connections: 2, ", check.Works, "leads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := c.port(t)
			for range 3 { // what a check leaves on a server that others use is nothing the next one stumbles over
				rows, err := r.check("port: "+strconv.Itoa(r.east.Port)+",", fmt.Sprintf("port: %d,", port), "limits: {", "limits: {"+c.limit)
				if got := row(rows, "component", "east.db"); err != nil || got.State != c.state || !strings.Contains(got.Text, c.text) {
					t.Fatalf("%+v, %v", got, err)
				}
			}
		})
	}
	rows, err := r.check("{name: box, ", "{os: windows, name: box, ")
	if host, port := row(rows, "host", "box"), row(rows, "component", "east.port"); err != nil || host.State != check.NotAvailable || port.State != check.NotAvailable ||
		!strings.Contains(host.Text, "not supported: a host that runs Windows") || !strings.Contains(port.Text, "not supported: east.port runs on Windows") {
		t.Errorf("%+v, %+v, %v", host, port, err)
	}
}
