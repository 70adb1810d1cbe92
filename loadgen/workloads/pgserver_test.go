package workloads

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgServer is a real PostgreSQL server in a directory of its own.
type pgServer struct {
	bin, dir string
	port     int
	owner    *syscall.Credential // nil: ourselves
}

// findPostgres returns the folder of PostgreSQL's programs, or skips the test.
func findPostgres(t *testing.T) string {
	t.Helper()
	var folders []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	folders = append(folders, installed...)
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, dir := range folders {
		_, errInit := os.Stat(filepath.Join(dir, "initdb"))
		_, errServer := os.Stat(filepath.Join(dir, "postgres"))
		if errInit == nil && errServer == nil {
			return dir
		}
	}
	t.Skip("needs PostgreSQL: no folder with initdb and postgres in pg_config, PATH or /usr/lib/postgresql/*/bin")
	return ""
}

// postgresUser returns whom to run the server as: root may not.
func postgresUser(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip("needs a user postgres: PostgreSQL does not run as root")
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatal(errUID, errGID)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func newPGServer(t *testing.T) *pgServer {
	t.Helper()
	s := &pgServer{bin: findPostgres(t), owner: postgresUser(t), port: freePort(t)}
	s.dir = s.makeDir(t)
	s.run(t, "initdb", "-D", s.data(), "-U", "drill", "-A", "trust", "-N", "--no-instructions", "--locale=C", "-E", "UTF8")
	s.configure(t, "listen_addresses='127.0.0.1'\nunix_socket_directories=''\nfsync=off\nmax_connections=60\n"+
		"wal_level=replica\nshared_buffers='16MB'\nport="+strconv.Itoa(s.port)+"\n")
	return s
}

func (s *pgServer) makeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "blackstart-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if s.owner != nil {
		if err := os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (s *pgServer) data() string { return filepath.Join(s.dir, "data") }
func (s *pgServer) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

func (s *pgServer) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (s *pgServer) run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := s.command(name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (s *pgServer) configure(t *testing.T, lines string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(lines); err != nil {
		t.Fatal(err)
	}
}

// start runs the server until the test ends, and waits until it answers.
func (s *pgServer) start(t *testing.T) (stop func()) {
	t.Helper()
	cmd := s.command("postgres", "-D", s.data())
	logFile, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	cmd.Stdout, cmd.Stderr = logFile, logFile
	cmd.SysProcAttr.Pdeathsig = 0 // it dies with its creating thread, which a server must not
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Signal(syscall.SIGINT) // fast shutdown
			<-exited
		}
	}
	t.Cleanup(stop)
	for {
		conn, err := pgx.Connect(t.Context(), s.url())
		if err == nil {
			_ = conn.Close(t.Context())
			return stop
		}
		select {
		case <-exited:
			out, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			t.Fatalf("postgres ended: %v\n%s", cmd.ProcessState, out)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// clone makes a standby of s, which must not be running.
func (s *pgServer) clone(t *testing.T) *pgServer {
	t.Helper()
	c := &pgServer{bin: s.bin, owner: s.owner, port: freePort(t)}
	c.dir = c.makeDir(t)
	cp := exec.Command("cp", "-a", s.data(), c.data())
	if out, err := cp.CombinedOutput(); err != nil {
		t.Fatalf("copy: %v\n%s", err, out)
	}
	c.configure(t, fmt.Sprintf("port=%d\nprimary_conninfo='host=127.0.0.1 port=%d user=drill'\n", c.port, s.port))
	signal := filepath.Join(c.data(), "standby.signal")
	if err := os.WriteFile(signal, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *pgServer) url() string {
	return fmt.Sprintf("postgres://drill@%s/postgres?sslmode=disable", s.addr())
}

func (s *pgServer) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.url())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
