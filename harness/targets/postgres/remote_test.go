package postgres_test

import (
	"context"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"testing"

	"blackstart/harness/targets/postgres"
)

// TestRemoteLedgerCommits reads the WAL as a container's is read, behind a segment that was ended early by a backup.
func TestRemoteLedgerCommits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	in, err := postgres.Find(ctx, postgres.Options{CacheDir: cacheDir(t)})
	must(t, err)
	waldump := filepath.Join(in.Bin, "pg_waldump")
	if _, err := os.Stat(waldump); err != nil {
		t.Skip("TestRemoteLedgerCommits needs pg_waldump, which the bundle does not have")
	}
	p := start(t, in)
	conn, err := p.east.Connect(ctx)
	must(t, err)
	defer conn.Close(ctx)
	// The second segment is ended early: eight megabytes before the fork there is nothing.
	for _, sql := range []string{"CREATE TABLE ledger (id int)", "CREATE TABLE other (id int)", "SELECT pg_switch_wal()",
		"INSERT INTO ledger VALUES (1)", "SELECT pg_switch_wal()"} {
		_, err := conn.Exec(ctx, sql)
		must(t, err)
	}
	_, err = conn.Exec(ctx, "INSERT INTO ledger VALUES (2)")
	must(t, err)
	from, err := postgres.ParseLSN(query[string](t, p.east, "SELECT pg_current_wal_insert_lsn()::text"))
	must(t, err)
	for _, sql := range []string{"INSERT INTO ledger VALUES (3)", "INSERT INTO other VALUES (4)", "INSERT INTO ledger VALUES (5)"} {
		_, err := conn.Exec(ctx, sql)
		must(t, err)
	}
	dump := func(ctx context.Context, timeline uint32, begin, end postgres.LSN) ([]byte, error) {
		return osexec.CommandContext(ctx, waldump, "-p", p.east.DataDir()+"/pg_wal", "-t", fmt.Sprint(timeline),
			"-s", begin.String(), "-e", end.String()).Output()
	}
	wal, err := postgres.RemoteLedgerCommits(ctx, conn, dump, "ledger", from)
	must(t, err)
	if listed := wal.Listed(); len(listed) != 2 || listed[0].ID != 3 || listed[1].ID != 5 {
		t.Errorf("listed %+v", listed)
	}
	if len(wal.Commits) != 2 || wal.Before == nil || wal.Before.At.After(wal.Commits[0].At) || wal.From != from || wal.To <= from {
		t.Errorf("%+v", wal)
	}
	now, err := postgres.ParseLSN(query[string](t, p.east, "SELECT pg_current_wal_flush_lsn()::text"))
	must(t, err)
	if wal, err = postgres.RemoteLedgerCommits(ctx, conn, dump, "ledger", now+1<<20); err != nil || len(wal.Commits) != 0 {
		t.Errorf("behind the end: %+v, %v", wal, err)
	}
	if _, err := postgres.RemoteLedgerCommits(ctx, conn, dump, "no_such_table", from); err == nil {
		t.Error("a table that is not there was read")
	}
	fails := func(context.Context, uint32, postgres.LSN, postgres.LSN) ([]byte, error) {
		return nil, fmt.Errorf("no")
	}
	if _, err := postgres.RemoteLedgerCommits(ctx, conn, fails, "ledger", from); err == nil {
		t.Error("a dump that failed passed for an empty one")
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
