package host

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness/component"
)

// server is an sshd of the test's own, with accounts of its own: it runs in a mount namespace in which /etc/passwd is another file.
type server struct {
	dir         string
	port        int
	fingerprint string
}

// accounts of the server, by their login shells. All are root: nothing here is about rights.
var accounts = map[string]string{"posix": "/bin/sh", "bash": "/bin/bash", "fishy": "/usr/bin/fish", "cshy": "/bin/tcsh", "shut": "/usr/sbin/nologin", "menu": "/usr/bin/printf"}

func sshd(t *testing.T) *server {
	t.Helper()
	needs(t, "/usr/sbin/sshd", "ssh", "ssh-keygen", "unshare")
	if os.Geteuid() != 0 {
		t.Skip("a server with accounts of its own needs root")
	}
	s := &server{dir: t.TempDir()}
	s.key(t, "host")
	s.key(t, "other")
	s.key(t, "id")
	s.key(t, "stranger")
	must(t, os.MkdirAll("/run/sshd", 0o755))
	passwd, err := os.ReadFile("/etc/passwd")
	must(t, err)
	for name, shell := range accounts {
		passwd = fmt.Appendf(passwd, "%s:*:0:0::%s:%s\n", name, s.dir, shell)
	}
	must(t, os.WriteFile(s.dir+"/passwd", passwd, 0o644))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.port = l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nHostKey %s/host\nAuthorizedKeysFile %s/id.pub\nPidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxStartups 100\n",
		s.port, s.dir, s.dir)
	must(t, os.WriteFile(s.dir+"/sshd_config", []byte(config), 0o600))
	cmd := exec.Command("unshare", "-m", "sh", "-c", `mount --bind "$1/passwd" /etc/passwd && exec /usr/sbin/sshd -D -e -f "$1/sshd_config"`, "sh", s.dir)
	log, err := os.Create(s.dir + "/log")
	must(t, err)
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = log.Close() })
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port)); err == nil {
			_ = c.Close()
			break
		}
		if time.Now().After(end) {
			text, _ := os.ReadFile(s.dir + "/log")
			t.Fatalf("sshd does not listen: %s", text)
		}
	}
	s.known(t, "known", "host")
	s.known(t, "known-other", "other")
	must(t, os.WriteFile(s.dir+"/known-none", nil, 0o600))
	s.fingerprint = s.of(t, "host")
	return s
}

func (s *server) key(t *testing.T, name string) {
	t.Helper()
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, name)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (s *server) of(t *testing.T, key string) string {
	t.Helper()
	out, err := exec.Command("ssh-keygen", "-l", "-f", filepath.Join(s.dir, key+".pub")).Output()
	must(t, err)
	return strings.Fields(string(out))[1]
}

// known writes a file of known hosts in which the server has a key.
func (s *server) known(t *testing.T, file, key string) {
	t.Helper()
	pub, err := os.ReadFile(filepath.Join(s.dir, key+".pub"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.dir, file), fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, pub), 0o600))
}

func (s *server) host(t *testing.T, user, key, known, identity string) *Host {
	t.Helper()
	return made(t, "ssh", map[string]any{"user": user, "port": s.port, "key": filepath.Join(s.dir, key), "knownHosts": filepath.Join(s.dir, known)}, identity)
}

func TestSSH(t *testing.T) {
	s := sshd(t)
	t.Run("posix", func(t *testing.T) { arrives(t, s.host(t, "posix", "id", "known", s.fingerprint)) })
	t.Run("bash", func(t *testing.T) { arrives(t, s.host(t, "bash", "id", "known", "")) })
	t.Run("limit", func(t *testing.T) { endsThere(t, s.host(t, "posix", "id", "known", s.fingerprint)) })
	t.Run("refused", s.refuses)
	t.Run("identity", func(t *testing.T) {
		for _, h := range []*Host{s.host(t, "posix", "id", "known", ""), s.host(t, "posix", "id", "known-none", ""), s.host(t, "posix", "stranger", "known", "")} {
			if got, err := h.Who(t.Context()); err != nil || got != s.fingerprint {
				t.Errorf("it is %s, %v", got, err)
			}
		}
	})
}

// refuses: whoever is not certain to be the host, does not let us in, or reads our words otherwise, runs nothing.
func (s *server) refuses(t *testing.T) {
	for name, c := range map[string]struct {
		user, key, known, identity string
		want                       string
		answered                   bool
	}{
		"another key is known":    {"posix", "id", "known-other", "", "its host key is another than the one that is known", true},
		"no key is known":         {"posix", "id", "known-none", "", "its host key is not known", true},
		"another key is pinned":   {"posix", "id", "known", s.of(t, "other"), "it is " + s.fingerprint + ", and the file has " + s.of(t, "other"), true},
		"no key that is let in":   {"posix", "stranger", "known", s.fingerprint, "by none of the keys", true},
		"no such account":         {"nobody-there", "id", "known", "", "by none of the keys", true},
		"an account that is shut": {"shut", "id", "known", "", "the account may not log in", true},
		"fish":                    {"fishy", "id", "known", "", "the login shell of the account on east-1 is fish", true},
		"tcsh":                    {"cshy", "id", "known", "", "the login shell of the account on east-1 is tcsh", true},
		"no shell at all":         {"menu", "id", "known", "", "no POSIX shell was ready on host east-1", false},
	} {
		mark := filepath.Join(t.TempDir(), "mark")
		a, err := s.host(t, c.user, c.key, c.known, c.identity).run(t, 20*time.Second, "", "touch", mark)
		if err == nil || !strings.Contains(err.Error(), c.want) || component.Refused(err) != c.answered || a.Sent {
			t.Errorf("%s: %+v, %v, want %s", name, a, err, c.want)
		}
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s: it was run", name)
		}
	}
	closed := *s
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	closed.port = l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	if a, err := closed.host(t, "posix", "id", "known", "").run(t, 10*time.Second, "", "true"); err == nil || component.Refused(err) || err.Error() != "connection refused" || a.Sent {
		t.Errorf("nobody listens: %+v, %v", a, err)
	}
}
