package lease

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"blackstart/harness/host"
	"blackstart/harness/target"
)

// lives: through a transport a lease is armed, its watchdog outlives the session that began it, and what is done is undone by hand and by the executor.
func lives(t *testing.T, h target.Host) {
	t.Helper()
	x, err := host.Make(h)
	must(t, err)
	r := newRig(t, x)
	thing := "/tmp/blackstart-" + r.target
	r.file = thing
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_, _ = x.Run(ctx, host.Question{Argv: []string{"sh", "-c", `rm -rf /var/tmp/blackstart-$(id -u)/"$1" "$2"`, "sh", r.target, thing}, Most: 100})
	})
	run := func(words ...string) host.Answer {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		a, err := x.Run(ctx, host.Question{Argv: words, Most: 1000})
		must(t, err)
		return a
	}
	if a := run("sh", "-c", Try(r.target)); a.Code != 0 {
		t.Fatalf("try: exit code %d", a.Code)
	}
	const ttl = 10 * time.Second
	l := r.armed("run-1", ttl)
	e := r.entry("one")
	e.Hold = "words that a shell would make something else of: $HOME `id` \"it's\" \\n é"
	r.did(l, e)
	if got, err := l.Undo(t.Context(), "one"); err != nil || got.Now != "absent" {
		t.Errorf("undone: %+v, %v", got, err)
	}
	e.ID = "two"
	r.did(l, e)
	if a := run("cat", thing); string(a.Stdout) != "broken\n" {
		t.Errorf("there it is %q", a.Stdout)
	}
	s := r.status(l)
	end := s.Now.Uptime + s.Left
	r.wait(ttl+15*time.Second, "undone by the executor", func() bool { s = r.status(l); return s.State == Expired && !s.Entries[1].InForce() })
	if late := s.Entries[1].Undid.Uptime - end; late > 2*time.Second || late < -10*time.Millisecond {
		t.Errorf("undone %v after the end of the lease", late)
	}
	if a := run("test", "-e", thing); a.Code != 1 {
		t.Errorf("there it is: exit code %d", a.Code)
	}
	if s, err := l.Release(t.Context()); err != nil || s.State != Released {
		t.Errorf("released: %+v, %v", s, err)
	}
}

func TestHere(t *testing.T) {
	t.Parallel()
	lives(t, target.Host{Name: "here", Region: "east", Address: "127.0.0.1", By: "here"})
}

func TestDocker(t *testing.T) {
	needs(t, "docker")
	t.Parallel()
	name := fmt.Sprintf("blackstart-lease-test-%d", os.Getpid())
	out, err := exec.Command("docker", "run", "-d", "--rm", "--network", "none", "--name", name, "debian:bookworm-slim", "sleep", "600").CombinedOutput()
	if err != nil {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("no container can be run: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", name).Run() })
	lives(t, target.Host{Name: "db", Region: "east", Address: "127.0.0.1", By: "docker", With: map[string]any{"container": name}})
}

func TestSSH(t *testing.T) {
	needs(t, "/usr/sbin/sshd", "ssh", "ssh-keygen", "unshare")
	if os.Geteuid() != 0 {
		t.Skip("a server with an account of its own needs root")
	}
	t.Parallel()
	dir := t.TempDir()
	for _, key := range []string{"host", "id"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir+"/"+key).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	passwd, err := os.ReadFile("/etc/passwd")
	must(t, err)
	must(t, os.WriteFile(dir+"/passwd", fmt.Appendf(passwd, "posix:*:0:0::%s:/bin/sh\n", dir), 0o644))
	must(t, os.MkdirAll("/run/sshd", 0o755))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	must(t, listener.Close())
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %[2]s/host\nAuthorizedKeysFile %[2]s/id.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n", port, dir)
	must(t, os.WriteFile(dir+"/sshd_config", []byte(config), 0o600))
	public, err := os.ReadFile(dir + "/host.pub")
	must(t, err)
	must(t, os.WriteFile(dir+"/known", fmt.Appendf(nil, "[127.0.0.1]:%d %s", port, public), 0o600))
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount --bind "$1/passwd" /etc/passwd && exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`, "sh", dir)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	r := &rig{T: t}
	r.wait(20*time.Second, "sshd listens", func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	lives(t, target.Host{Name: "east-1", Region: "east", Address: "127.0.0.1", By: "ssh",
		With: map[string]any{"user": "posix", "port": port, "key": dir + "/id", "knownHosts": dir + "/known"}})
}
