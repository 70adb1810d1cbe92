package call

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/target"
)

// startRedis starts a server on loopback that demands a password.
func startRedis(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = l.Close()
	cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "", "--requirepass", planted)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			return address
		}
		if time.Now().After(end) {
			t.Fatal("redis does not listen")
		}
	}
}

// A command ends as certainly as its server says: one that may have changed something before it failed is not known.
func TestACommandEnds(t *testing.T) {
	address := startRedis(t)
	password := planted
	a := Around{Redis: func(_ context.Context, on string) (harness.Access, error) {
		if on != "cache" {
			return harness.Access{}, errors.New("there is no component " + on)
		}
		return harness.Access{Address: address, Password: password}, nil
	}}
	send := func(on string, command ...any) Effect {
		t.Helper()
		k, err := Make(target.Call{Call: "redis", With: map[string]any{"on": on, "command": command}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return Kept(target.Call{Keep: KeepText}, k.Call(ctx, a, true))
	}
	for _, c := range []struct {
		on      string
		command []any
		want    Outcome
		unsent  bool
		text    string
	}{
		{"cache", []any{"SET", "k", "a \"b\""}, Done, false, `"OK"`}, {"cache", []any{"get", "k"}, Done, false, `"a \"b\""`}, {"cache", []any{"GET", "none"}, Done, false, "null"},
		{"cache", []any{"RPUSH", "list", "1", "2"}, Done, false, "2"}, {"cache", []any{"LRANGE", "list", "0", "-1"}, Done, false, `["1","2"]`},
		{"cache", []any{"INFO", "replication"}, Done, false, `"role":"master"`}, {"cache", []any{"INCR", "k"}, Refused, false, "not an integer"},
		{"cache", []any{"NO-SUCH"}, Refused, false, "unknown command"}, {"cache", []any{"EVAL", "redis.call('SET', 'half', 1); error('x')", "0"}, Unknown, false, "x"},
		{"cache", []any{"BLPOP", "never", "0"}, Unknown, false, "no answer in time"}, {"other", []any{"PING"}, Refused, true, "no component"},
	} {
		if e := send(c.on, c.command...); e.Outcome != c.want || e.Unsent != c.unsent || !strings.Contains(e.Text+e.Why, c.text) {
			t.Errorf("%v: %+v, want %s, %s", c.command, e, c.want, c.text)
		}
	}
	k, _ := Make(target.Call{Call: "redis", With: map[string]any{"on": "cache", "command": []any{"SET", "made", "1"}}})
	if text, err := k.Reach(t.Context(), a); err != nil || text != "cache lets the user in" {
		t.Errorf("%s, %v", text, err)
	}
	if e := send("cache", "EXISTS", "made"); e.Text != "0" {
		t.Errorf("finding out has made it: %+v", e)
	}
	password = "another"
	if e := send("cache", "SET", "k", "1"); e.Outcome != Refused || !e.Unsent || strings.Contains(fmt.Sprint(e), planted) {
		t.Errorf("another password: %+v", e)
	}
	if e := Kept(target.Call{}, k.Call(t.Context(), Around{}, false)); e.Outcome != Refused || !e.Unsent {
		t.Errorf("without a way: %+v", e)
	}
}

// What only reads is known by its name, and what carries a password is refused.
func TestCommandsThatRead(t *testing.T) {
	of := &target.Target{Components: []target.Component{{Name: "cache", Kind: "redis"}, {Name: "db", Kind: "postgres"}}}
	for command, c := range map[string]struct {
		on    string
		reads bool
		key   string
	}{
		"get k": {"cache", true, ""}, "sentinel get-master-addr-by-name orders": {"cache", true, ""}, "CONFIG GET maxmemory": {"cache", true, ""}, "SENTINEL FAILOVER orders": {"cache", false, ""},
		"SET k v": {"cache", true, "command"}, "CONFIG SET maxmemory 1": {"cache", true, "command"}, "SENTINEL failover orders": {"cache", true, "command"}, "GETDEL k": {"cache", true, "command"},
		"SORT k STORE x": {"cache", true, "command"}, "EVAL x 0": {"cache", true, "command"}, "AUTH x": {"cache", false, "command"}, "config set RequirePass x": {"cache", false, "command"},
		"": {"cache", false, "command"}, "PING": {"db", true, "on"}, "ping": {"none", true, "on"},
	} {
		if key, wrong, hint := (redisWith{On: c.on, Command: strings.Split(command, " ")}).Wrong(of, c.reads); key != c.key || (wrong == "") != (key == "") || (hint == "") != (key == "") {
			t.Errorf("%s: %q %s", command, key, wrong)
		}
	}
}
