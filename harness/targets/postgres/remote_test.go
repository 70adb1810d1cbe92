package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"blackstart/harness/targets/postgres"

	"github.com/jackc/pgx/v5"
)

// TestWALBehindAnEndedSegment reads the WAL behind a segment that was ended early by a backup, by every reader there is: of a
// cluster here, with pg_waldump and with pg_walinspect, and of one elsewhere.
func TestWALBehindAnEndedSegment(t *testing.T) {
	for name, source := range map[string]string{"installed": "", "bundle": postgres.SourceBundle} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			in, err := postgres.Find(ctx, postgres.Options{Source: source, CacheDir: cacheDir(t)})
			must(t, err)
			p := start(t, in)
			from := endSegment(t, p.east)
			here, err := p.east.LedgerCommits(ctx, "ledger", from)
			must(t, err)
			found(t, here, from)
			waldump := filepath.Join(in.Bin, "pg_waldump")
			if _, err := os.Stat(waldump); err != nil {
				return // the bundle does not have it
			}
			conn, err := p.east.Connect(ctx)
			must(t, err)
			defer conn.Close(ctx)
			dump := func(ctx context.Context, timeline uint32, begin, end postgres.LSN) ([]byte, error) {
				return osexec.CommandContext(ctx, waldump, "-p", p.east.DataDir()+"/pg_wal", "-t", fmt.Sprint(timeline),
					"-s", begin.String(), "-e", end.String()).Output()
			}
			there, err := postgres.RemoteLedgerCommits(ctx, conn, dump, "ledger", from)
			must(t, err)
			found(t, there, from)
			misread(t, p.east, conn, dump, from)
		})
	}
}

// endSegment ends a segment early, so that eight megabytes before the place that it returns there is nothing; behind that place
// it writes two rows of the ledger.
func endSegment(t *testing.T, c *postgres.Cluster) (from postgres.LSN) {
	t.Helper()
	for _, sql := range []string{"CREATE TABLE ledger (id int)", "CREATE TABLE other (id int)", "SELECT pg_switch_wal()",
		"INSERT INTO ledger VALUES (1)", "SELECT pg_switch_wal()", "INSERT INTO ledger VALUES (2)"} {
		exec(t, c, sql)
	}
	from, err := postgres.ParseLSN(query[string](t, c, "SELECT pg_current_wal_insert_lsn()::text"))
	must(t, err)
	for _, sql := range []string{"INSERT INTO ledger VALUES (3)", "INSERT INTO other VALUES (4)", "INSERT INTO ledger VALUES (5)"} {
		exec(t, c, sql)
	}
	return from
}

func found(t *testing.T, wal postgres.WALCommits, from postgres.LSN) {
	t.Helper()
	if listed := wal.Listed(); len(listed) != 2 || listed[0].ID != 3 || listed[1].ID != 5 {
		t.Errorf("%s listed %+v", wal.Reader, listed)
	}
	if len(wal.Commits) != 2 || wal.Before == nil || wal.Before.At.After(wal.Commits[0].At) || wal.From != from || wal.To <= from {
		t.Errorf("%+v", wal)
	}
}

// misread asks for what is not there.
func misread(t *testing.T, c *postgres.Cluster, conn *pgx.Conn, dump postgres.Dump, from postgres.LSN) {
	t.Helper()
	ctx := context.Background()
	now, err := postgres.ParseLSN(query[string](t, c, "SELECT pg_current_wal_flush_lsn()::text"))
	must(t, err)
	here, err := c.LedgerCommits(ctx, "ledger", now+1<<20)
	there, err2 := postgres.RemoteLedgerCommits(ctx, conn, dump, "ledger", now+1<<20)
	if err := errors.Join(err, err2); err != nil || len(here.Commits) != 0 || !reflect.DeepEqual(here, there) || here.Reader == "" {
		t.Errorf("behind the end: %+v, %+v, %v", here, there, err)
	}
	if _, err := postgres.RemoteLedgerCommits(ctx, conn, dump, "no_such_table", from); err == nil {
		t.Error("a table that is not there was read")
	}
	fails := func(context.Context, uint32, postgres.LSN, postgres.LSN) ([]byte, error) {
		return nil, errors.New("no")
	}
	if _, err := postgres.RemoteLedgerCommits(ctx, conn, fails, "ledger", from); err == nil {
		t.Error("a dump that failed passed for an empty one")
	}
	// What was removed of the log is missing, and never passes for commits that were not made.
	if _, err := c.LedgerCommits(ctx, "ledger", 1); err == nil || !strings.Contains(err.Error(), "was removed") {
		t.Errorf("a log of which the beginning is gone was read: %v", err)
	}
}

func TestParseHistory(t *testing.T) {
	fork, err := postgres.ParseHistory("00000003.history", []byte("1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tx\n"))
	if err != nil || fork.Timeline != 3 || fork.Parent != 2 || fork.At.String() != "0/5000000" {
		t.Errorf("%+v, %v", fork, err)
	}
	for _, bad := range []string{"", "x\t0/1\n", "1\tzero\n"} {
		if _, err := postgres.ParseHistory("00000002.history", []byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
