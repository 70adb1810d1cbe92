package component

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/secret"
	"blackstart/harness/target"
)

// startRedis starts a server with a password on loopback.
func startRedis(t *testing.T, more ...string) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsave \"\"\nrequirepass pl4nted-Secret\nmasterauth pl4nted-Secret\nrepl-diskless-sync-delay 0\n%s\n",
		port, dir, strings.Join(more, "\n"))
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, conf)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	eventually(t, "it listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return address
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func secrets(t *testing.T, password string) Secrets {
	t.Setenv("PLANTED", password)
	r := &secret.Resolver{Hide: func(...string) {}}
	return func(ctx context.Context, ref secret.Reference) (secret.Secret, error) {
		s, _, err := r.Resolve(ctx, ref)
		return s, err
	}
}

func TestRedis(t *testing.T) {
	leader := startRedis(t)
	host, port, _ := net.SplitHostPort(leader)
	copied := startRedis(t, "replicaof "+host+" "+port)
	k := &redisKind{redisWith{Encryption: "none", Password: &secret.Reference{Env: "PLANTED"}}}
	at := func(address string) At { return At{Address: address, Secrets: secrets(t, "pl4nted-Secret")} }
	s, err := k.Look(t.Context(), at(leader))
	if err != nil || s.Role != Leads || !strings.HasPrefix(s.Version, "Redis ") || s.Clock == nil || !s.Clock.Within(time.Second) || s.Ends.Remote.String() != host || !s.Ends.Local.IsValid() {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = k.Look(t.Context(), at(copied)); err != nil || s.Role != Follows {
		t.Errorf("%+v, %v", s, err)
	}
	var text string
	eventually(t, "the copy is connected", func() bool {
		text, err = k.ConnectedTo(t.Context(), at(copied), leader)
		return err == nil
	})
	if text != "it copies "+leader {
		t.Error(text)
	}
	for want, f := range map[string]func() error{
		"copies no other server": func() error { _, err := k.ConnectedTo(t.Context(), at(leader), copied); return err },
		"at the other end":       func() error { _, err := k.ConnectedTo(t.Context(), at(copied), "127.0.0.9:1"); return err },
		"WRONGPASS": func() error {
			_, err := k.Look(t.Context(), At{Address: leader, Secrets: secrets(t, "another")})
			return err
		},
		"NOAUTH": func() error {
			_, err := (&redisKind{redisWith{Encryption: "none"}}).Look(t.Context(), at(leader))
			return err
		},
	} {
		if err := f(); !Refused(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "pl4nted") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := k.Look(t.Context(), at("127.0.0.1:1")); err == nil || Refused(err) {
		t.Errorf("a closed port: %v", err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := k.Look(ctx, at(silent.Addr().String())); err == nil || Refused(err) || time.Since(begun) > 5*time.Second {
		t.Errorf("one that says nothing: %v after %v", err, time.Since(begun))
	}
}

// What a ticket asks for is enough, and more is not needed.
func TestRedisNeedsWhatItSays(t *testing.T) {
	k := &redisKind{redisWith{User: "watcher", Encryption: "none", Password: &secret.Reference{Env: "PLANTED"}}}
	user, all := k.ACL(&target.Target{}, "cache")
	acl := strings.Join(all, " ")
	if user != "watcher" || strings.Contains(acl, "rpush") {
		t.Errorf("%s: %s", user, acl)
	}
	for rights, want := range map[string]bool{acl: true, "+info": false, "+time": false} {
		address := startRedis(t, "user watcher on >pl4nted-Secret "+rights)
		if _, err := k.Look(t.Context(), At{Address: address, Secrets: secrets(t, "pl4nted-Secret")}); (err == nil) != want || err != nil && !Refused(err) {
			t.Errorf("%s: %v", rights, err)
		}
	}
}
