package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// configFile holds our settings; postgresql.conf includes it. ALTER SYSTEM, by
// which a controller fences, stands above it.
const configFile = "rehearsal.conf"

// StreamTimeout is how long a stream may be silent until it counts as broken.
const StreamTimeout = 2 * time.Second

// settings are those of every cluster. fsync and full_page_writes keep their
// default, on: a rehearsal that could lose writes by itself proves nothing.
// The limits are equal everywhere, or a standby would refuse to start.
var settings = []string{
	"shared_buffers = 32MB",
	"max_connections = 200",
	"max_wal_senders = 10",
	"max_replication_slots = 10",
	"max_worker_processes = 8",
	"wal_level = replica",
	"wal_log_hints = on", // so that pg_rewind can make the old primary a standby
	"wal_keep_size = 128MB",
	"max_wal_size = 512MB",
	"hot_standby = on",
	"wal_receiver_status_interval = 1s",
	"wal_retrieve_retry_interval = 500ms",
	// A stream that is cut off must be noticed, by both ends, while a drill watches.
	fmt.Sprintf("wal_receiver_timeout = %dms", StreamTimeout.Milliseconds()),
	fmt.Sprintf("wal_sender_timeout = %dms", StreamTimeout.Milliseconds()),
	"log_line_prefix = '%m [%p] %q%a '",
	"log_timezone = 'UTC'",
	"timezone = 'UTC'",
	"jit = off",
}

// Configure writes the configuration of the cluster. A running server takes
// most of it at its next start.
func (c *Cluster) Configure(extra ...string) error {
	lines := append([]string{
		"# Written by the harness; changes are lost.",
		"listen_addresses = " + quote(c.Host),
		fmt.Sprintf("port = %d", c.Port),
		"unix_socket_directories = " + quote(quoteDirectory(c.SocketDir())),
		"cluster_name = " + quote(c.Name),
	}, settings...)
	lines = append(append(lines, c.Settings...), extra...)
	if err := c.privateFile(filepath.Join(c.DataDir(), configFile), strings.Join(lines, "\n")+"\n"); err != nil {
		return c.fail("configure", err)
	}
	main := filepath.Join(c.DataDir(), "postgresql.conf")
	b, err := os.ReadFile(main)
	if err != nil {
		return c.fail("configure", err)
	}
	include := "include '" + configFile + "'\n"
	if strings.HasSuffix(string(b), include) {
		return nil
	}
	if err := c.privateFile(main, string(b)+include); err != nil {
		return c.fail("configure", err)
	}
	return nil
}

// quote makes a string constant of a configuration file, in which a backslash escapes.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
}

// quoteInfo makes a value of a connection string, in which a backslash escapes, too.
func quoteInfo(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}

// quoteDirectory makes an element of a list of directories, in which a comma separates and a double quote begins another.
func quoteDirectory(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// Prepare gives a running primary what a rehearsal needs: the database, a slot
// for each standby, and the extension that reads the WAL where there is one.
func (c *Cluster) Prepare(ctx context.Context, slots ...string) error {
	if err := c.exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{Database}.Sanitize()); err != nil {
		return c.fail("prepare", err)
	}
	for _, slot := range slots {
		if err := c.exec(ctx, "postgres", "SELECT pg_create_physical_replication_slot($1, true)", slot); err != nil {
			return c.fail("prepare", err)
		}
	}
	if c.Install.Major < walinspectMajor {
		return nil
	}
	if err := c.exec(ctx, Database, "CREATE EXTENSION IF NOT EXISTS pg_walinspect"); err != nil && !c.Install.has("pg_waldump") {
		return c.fail("prepare", err)
	}
	return nil
}

func (c *Cluster) exec(ctx context.Context, database, sql string, args ...any) error {
	conn, err := c.ConnectTo(ctx, database)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql, args...)
	return errors.Join(err, conn.Close(ctx))
}

// MakeStandby makes the cluster a streaming standby of a primary that has never
// been started or has been stopped in good order: a cold copy of its data
// directory, which needs no pg_basebackup. It will reach the primary at
// host:port, through the slot and under the application name given by its own name.
func (c *Cluster) MakeStandby(ctx context.Context, primary *Cluster, host string, port int) error {
	if err := c.makeDirs(ctx); err != nil {
		return c.fail("copy", err)
	}
	if _, err := os.Stat(filepath.Join(primary.DataDir(), "postmaster.pid")); !errors.Is(err, os.ErrNotExist) {
		return c.fail("copy", fmt.Errorf("the primary %s runs, or crashed: a cold copy of it would be torn", primary.Name))
	}
	if err := c.Install.Account.copyTree(primary.DataDir(), c.DataDir()); err != nil {
		return c.fail("copy", err)
	}
	passfile := filepath.Join(c.Dir, "primary.pass")
	err := errors.Join(
		c.privateFile(passfile, fmt.Sprintf("%s:%d:*:%s:%s\n", host, port, User, primary.Password)),
		c.privateFile(filepath.Join(c.DataDir(), "standby.signal"), ""))
	if err != nil {
		return c.fail("copy", err)
	}
	// tcp_user_timeout: a standby whose link answers nothing must dial anew, or it comes back long after the link has.
	conninfo := fmt.Sprintf("host=%s port=%d user=%s passfile=%s application_name=%s sslmode=disable tcp_user_timeout=2000",
		host, port, User, quoteInfo(passfile), c.Name)
	return c.Configure("primary_conninfo = "+quote(conninfo), "primary_slot_name = "+quote(c.Name))
}

// ReadOnlyStart starts the server alone, to be read after a drill: nobody can
// reach it but on its private path, it follows nobody, waits for no standby, and
// refuses writes by default, whatever a drill or a fence left in its
// configuration.
func (c *Cluster) ReadOnlyStart(ctx context.Context) error {
	return c.Start(ctx, "listen_addresses = ''", "primary_conninfo = ''", "primary_slot_name = ''",
		"synchronous_standby_names = ''", "default_transaction_read_only = on", "autovacuum = off")
}
