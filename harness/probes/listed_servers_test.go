package probes

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"blackstart/harness"
)

// databaseRows are the rows of a kind that asks PostgreSQL, with what is asked of a real server.
func databaseRows(t *testing.T, spec harness.ProbeSpec, works, refuses, old row) map[string]row {
	return map[string]row{
		"works": works, "refuses": refuses, "old answer": old,
		"silent": {spec: spec, access: listening(t, mute), says: "no answer in time"}, "wrong certificate": {spec: spec, access: impostor(t), reached: true, says: "unknown issuer"},
		"garbage": {spec: spec, access: listening(t, garbles)}, "never-ending": {spec: spec, access: listening(t, floods)},
	}
}

func roleRows(t *testing.T) map[string]row {
	c := startPrimary(t, postgresBin(t))
	stranger := c.access()
	stranger.User = "nobody-we-know"
	return databaseRows(t, harness.ProbeSpec{}, row{access: c.access(), ok: true, value: 1}, row{access: stranger, reached: true, says: "nobody-we-know"},
		row{none: "it has no age: it is asked of the server itself"})
}

func queryRows(t *testing.T) map[string]row {
	c := startPrimary(t, postgresBin(t))
	asks := func(query, unit string) harness.ProbeSpec {
		with := harness.With{"query": query}
		if unit != "" {
			with["unit"] = unit
		}
		return harness.ProbeSpec{With: with}
	}
	good := asks("SELECT 1 + 6", "")
	for name, r := range map[string]row{
		"numeric":    {spec: asks("SELECT 0.25::numeric", "share"), ok: true, value: 250_000},
		"truth":      {spec: asks("SELECT pg_is_in_recovery()", ""), ok: true},
		"no row":     {spec: asks("SELECT 1 WHERE false", ""), reached: true, says: "no row"},
		"two rows":   {spec: asks("SELECT generate_series(1, 100000000)", ""), reached: true, says: "more than one row"},
		"columns":    {spec: asks("SELECT 1, 2", ""), reached: true, says: "2 columns"},
		"null":       {spec: asks("SELECT NULL::int", ""), reached: true, says: "NULL"},
		"large":      {spec: asks("SELECT repeat('x', 8000000)", "")},
		"a text":     {spec: asks("SELECT 'secret'::text", ""), reached: true, says: "no number (6 bytes)"},
		"a write":    {spec: asks("WITH a AS (DELETE FROM pg_largeobject RETURNING 1) SELECT count(*) FROM a", ""), reached: true, says: "25006"},
		"a long one": {spec: asks("SELECT 1 FROM pg_sleep(30)", ""), reached: true, says: "57014"},
	} {
		r.access = c.access()
		t.Run(name, func(t *testing.T) { r.holds(t, queryName) })
	}
	return databaseRows(t, good, row{spec: good, access: c.access(), ok: true, value: 7},
		row{spec: asks("SELECT n FROM not_there", ""), access: c.access(), reached: true, says: "42P01"},
		row{spec: asks("SELECT now() - interval '1 hour'", "age"), access: c.access(), ok: true, value: int64(time.Hour - time.Second), atLeast: true})
}

// newRedis starts a real server that knows one user, who may ask INFO.
func newRedis(t *testing.T) string {
	program(t, "redis-server")
	port, users := freePort(t), filepath.Join(t.TempDir(), "users.acl")
	if err := os.WriteFile(users, []byte("user default off\nuser blackstart on >pw +info\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", t.TempDir(), "--save", "", "--aclfile", users)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, Username: "blackstart", Password: "pw", MaxRetries: -1})
	defer func() { _ = client.Close() }()
	for deadline := time.Now().Add(eventually); client.Info(context.Background()).Err() != nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not answer: %v", client.Info(context.Background()).Err())
		}
	}
	return "127.0.0.1:" + port
}

func infoRows(t *testing.T) map[string]row {
	address := newRedis(t)
	good := harness.ProbeSpec{With: harness.With{"section": "replication", "field": "role", "is": "master"}}
	enters := harness.Access{Address: address, User: "blackstart", Password: "pw"}
	t.Run("a field that is not there", func(t *testing.T) {
		row{spec: harness.ProbeSpec{With: harness.With{"section": "server", "field": "nonsense"}}, access: enters, reached: true, says: "no field nonsense"}.holds(t, infoName)
	})
	answers := func(begin func(c net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			buffer := make([]byte, 4096)
			for {
				n, err := c.Read(buffer)
				switch {
				case err != nil:
					return
				case strings.Contains(strings.ToLower(string(buffer[:n])), "hello"):
					_, _ = io.WriteString(c, "-ERR unknown command\r\n")
				default:
					begin(c)
				}
			}
		}
	}
	saved := answers(func(c net.Conn) { // in 2001
		text := "rdb_last_save_time:1000000000\r\n"
		_, _ = fmt.Fprintf(c, "$%d\r\n%s\r\n", len(text), text)
	})
	endless := answers(func(c net.Conn) {
		_, _ = io.WriteString(c, "$536870912\r\n")
		floods(c)
	})
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	t.Cleanup(s.Close)
	bare := func(serve func(net.Conn)) harness.Access { return harness.Access{Address: listening(t, serve).Address} }
	return map[string]row{
		"works": {spec: good, access: enters, ok: true, value: 1}, "refuses": {spec: good, access: harness.Access{Address: address}, reached: true, says: "NOAUTH"},
		"silent": {spec: good, access: bare(mute), says: "no answer in time"}, "garbage": {spec: good, access: bare(garbles)},
		"wrong certificate": {spec: good, access: distrusted(bare(func(c net.Conn) { _ = tls.Server(c, s.TLS).Handshake() })), reached: true, says: "unknown issuer"},
		"never-ending":      {spec: good, access: bare(endless), says: "says more than", orLate: true},
		"old answer": {spec: harness.ProbeSpec{With: harness.With{"section": "persistence", "field": "rdb_last_save_time", "unit": "age"}},
			access: bare(saved), ok: true, value: int64(20 * 365 * day), atLeast: true},
	}
}

func runRows(*testing.T) map[string]row {
	runs := func(unit, script string) harness.ProbeSpec {
		return harness.ProbeSpec{With: harness.With{"argv": []any{"sh", "-c", script}, "unit": unit}}
	}
	return map[string]row{
		"works": {spec: runs("count", "echo 7"), ok: true, value: 7}, "refuses": {spec: runs("count", "echo 7; echo s3cret >&2; exit 3"), reached: true, says: "exit code 3"},
		"silent": {spec: runs("count", "sleep 60"), says: "in time"}, "garbage": {spec: runs("count", `printf '\000\377garbage'`), reached: true, says: "no number"},
		"never-ending": {spec: runs("count", "yes"), says: "in time"}, "wrong certificate": {none: "it speaks no TLS"},
		"old answer": {spec: runs("age", "echo $(($(date +%s) - 3600))"), ok: true, value: int64(time.Hour - time.Second), atLeast: true},
	}
}
