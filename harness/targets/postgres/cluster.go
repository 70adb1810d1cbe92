package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"blackstart/harness/targets/procs"
	"blackstart/internal/pgdial"
)

// User and Database are the ones every cluster here has. The user is the
// superuser, since the failover controller promotes and fences with it.
const (
	User     = "finrag"
	Database = "finrag"
)

// A Cluster is one PostgreSQL server with its directory:
//
//	Dir/data   data directory
//	Sockets    unix socket, the private path to the server; Dir/run if empty
//	Log        the server's messages
//
// Its methods are called from one goroutine at a time, except Alive.
type Cluster struct {
	Name     string // of the process, and of the standby towards its primary
	Install  *Install
	Table    *procs.Table // that the server runs in
	Dir      string
	Sockets  string
	Log      string
	Host     string // address the server listens on
	Port     int
	Password string   // of User
	Settings []string // further lines of the configuration, "name = value"

	process *procs.Process // last started, or nil
}

// NewPassword returns a random one, 26 letters and digits.
func NewPassword() string { return rand.Text() }

// DataDir returns the data directory.
func (c *Cluster) DataDir() string { return filepath.Join(c.Dir, "data") }

// SocketDir returns the directory of the unix socket: the private path to the
// server, which no link uses.
func (c *Cluster) SocketDir() string {
	if c.Sockets != "" {
		return c.Sockets
	}
	return filepath.Join(c.Dir, "run")
}

// InitDB makes the data directory of a primary, with checksums, a system
// identifier of its own, and password authentication everywhere.
func (c *Cluster) InitDB(ctx context.Context) error {
	if err := c.makeDirs(ctx); err != nil {
		return c.fail("initialise", err)
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	password := filepath.Join(c.Dir, "initdb.password")
	defer os.Remove(password)
	if err := c.privateFile(password, c.Password+"\n"); err != nil {
		return c.fail("initialise", err)
	}
	// No sync: the server's own fsync covers what matters, and a machine that
	// dies in the middle of the set-up makes the set-up start again.
	var out bytes.Buffer
	cmd := c.Install.Account.command(ctx, c.Install.program("initdb"),
		"-D", c.DataDir(), "-U", User, "--pwfile", password, "-A", "scram-sha-256",
		"-E", "UTF8", "--locale", "C", "--data-checksums", "--no-sync")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := procs.RunTied(cmd); err != nil {
		return c.fail("initialise", fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String())))
	}
	return c.Configure()
}

func (c *Cluster) makeDirs(ctx context.Context) error {
	if n := len(c.SocketDir()) + len("/.s.PGSQL.65535.lock"); n > maxSocketPath {
		return &Error{"use", c.SocketDir(), fmt.Errorf("the path of a unix socket there is %d bytes, %d are possible", n, maxSocketPath),
			"keep the state in a directory with a shorter path"}
	}
	if err := procs.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	if err := c.Install.Account.chown(c.Dir); err != nil {
		return err
	}
	return errors.Join(c.Install.Account.mkdir(ctx, c.DataDir()), c.Install.Account.mkdir(ctx, c.SocketDir()))
}

// privateFile writes a file that only the server's account (and root) can read.
func (c *Cluster) privateFile(path, content string) error {
	if err := procs.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return c.Install.Account.chown(path)
}

// Start starts the server and waits until it answers. Each override, "name =
// value" as in Settings, stands above every configuration file.
func (c *Cluster) Start(ctx context.Context, overrides ...string) error {
	argv := []string{c.Install.program("postgres"), "-D", c.DataDir()}
	for _, o := range overrides {
		name, value, ok := strings.Cut(o, "=")
		if !ok {
			return c.fail("start", fmt.Errorf("override %q is not name = value", o))
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && value[0] == '\'' {
			value = strings.ReplaceAll(strings.Trim(value, "'"), "''", "'")
		}
		argv = append(argv, "-c", strings.TrimSpace(name)+"="+value)
	}
	p, err := c.Table.Start(procs.Spec{
		Name: c.Name, Argv: argv, Dir: "/", Log: c.Log, Home: c.DataDir(),
		Credential: c.Install.Account.Credential(), StopSignal: syscall.SIGINT,
	})
	if err != nil {
		return c.fail("start", err)
	}
	c.process = p
	if err := c.WaitReady(ctx); err != nil {
		return errors.Join(err, p.Kill())
	}
	return nil
}

// WaitReady waits until the server answers a query on its private path, up to
// ReadyTimeout.
func (c *Cluster) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyTimeout)
	defer cancel()
	for {
		conn, err := c.ConnectTo(ctx, "postgres")
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.process.Done():
			return c.fail("start", fmt.Errorf("the server ended: %v", c.process.Err()))
		case <-ctx.Done():
			return c.fail("start", fmt.Errorf("no answer: %w", err))
		case <-time.After(pollEvery):
		}
	}
}

// Connect connects to Database on the private path. The caller closes it.
func (c *Cluster) Connect(ctx context.Context) (*pgx.Conn, error) {
	return c.ConnectTo(ctx, Database)
}

// ConnectTo connects to a database on the private path.
func (c *Cluster) ConnectTo(ctx context.Context, database string) (*pgx.Conn, error) {
	conn, err := pgdial.Connect(ctx, pgdial.Params{
		Address: net.JoinHostPort(c.SocketDir(), strconv.Itoa(c.Port)), User: User, Password: c.Password, Database: database,
		Timeout: connectTimeout,
		// What we write must not wait for a standby that may be cut off.
		Params: map[string]string{"timezone": "UTC", "synchronous_commit": "local"},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to cluster %s: %w", c.Name, err)
	}
	return conn, nil
}

// A StopMode is how a server ends.
type StopMode syscall.Signal

// The stop modes, as pg_ctl names them.
const (
	Fast      = StopMode(syscall.SIGINT)  // ends sessions, writes a checkpoint
	Immediate = StopMode(syscall.SIGQUIT) // as a crash: recovery on the next start
)

// Stop stops the server in this mode and kills it after StopTimeout. A server
// that does not run is no error.
func (c *Cluster) Stop(ctx context.Context, mode StopMode) error {
	if c.process == nil {
		return nil
	}
	_ = c.process.Signal(syscall.Signal(mode)) // gone already: nothing to stop
	ctx, cancel := context.WithTimeout(ctx, StopTimeout)
	defer cancel()
	select {
	case <-c.process.Done():
	case <-ctx.Done():
	}
	return c.process.Kill() // ends backends that are left, or everything
}

// Kill sends SIGKILL to the postmaster and every backend, and waits.
func (c *Cluster) Kill() error {
	if c.process == nil {
		return nil
	}
	return c.process.Kill()
}

// Runs tells whether the server runs: the pid in postmaster.pid is a living
// process and works in the data directory. It needs no network. An error says that
// it cannot be told, as where we are out of file descriptors: that is neither.
func (c *Cluster) Runs() (bool, error) {
	b, err := os.ReadFile(filepath.Join(c.DataDir(), "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the server of %s: %w", c.Name, err)
	}
	list, err := procs.Inhabitants(c.DataDir())
	if err != nil {
		return false, fmt.Errorf("find the server of %s: %w", c.Name, err)
	}
	var pid int
	if _, err := fmt.Sscan(string(b), &pid); err != nil {
		return len(list) > 0, nil // it is being written, or was when the server died
	}
	return slices.ContainsFunc(list, func(id procs.Identity) bool { return id.PID == pid }), nil
}

// fail makes an error about the cluster, with the end of its log and, for
// troubles that are known, what to do.
func (c *Cluster) fail(op string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	tail := ""
	if _, statErr := os.Stat(c.Log); statErr == nil {
		tail = procs.Tail(c.Log, logLines)
		err = fmt.Errorf("%w\n%s", err, tail)
	}
	return &Error{op, "PostgreSQL cluster " + c.Name, err, hintFor(err.Error(), c)}
}

func hintFor(text string, c *Cluster) string {
	switch {
	case strings.Contains(text, "Address already in use"):
		return fmt.Sprintf("another process holds %s:%d: end it, or run again to find another port", c.Host, c.Port)
	case strings.Contains(text, "No space left on device"):
		return "the disk that holds " + c.Dir + " is full: free some space"
	case strings.Contains(text, "ermission denied"):
		return "the account" + c.Install.Account.suffix() + " may not use " + c.Dir + ": keep the state in another place"
	case strings.Contains(text, "shared memory") || strings.Contains(text, "semaphore"):
		return "the machine is out of shared memory or semaphores: end other PostgreSQL servers"
	}
	return "its log is " + c.Log
}
