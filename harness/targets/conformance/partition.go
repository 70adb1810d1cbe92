package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// privatePath cuts east off; it stays cut for the steps that follow.
func privatePath(t *testing.T, b *fixture) {
	ctx := context.Background()
	isolated := b.connect(t, "east", "east.db")
	stale := b.connect(t, harness.Outside, "east.db")
	links := b.linksOf("east")
	if len(links) != 3 {
		t.Fatalf("links of east: %v", links)
	}
	b.do(t, harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.Both, Links: links})
	must(t, b.await(harness.LinkSilent, links...))
	must(t, b.await(harness.ComponentRuns, "east.db", "east.api"))
	must(t, b.await(harness.LinkAnswers, "outside→west.api", "outside→west.db"))
	for i := range 5 {
		_, err := isolated.Exec(ctx, "INSERT INTO blackstart.ledger VALUES ($1)", 100+i)
		must(t, err)
	}
	asked, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if _, err := stale.Exec(asked, "SELECT 1"); err == nil {
		t.Error("an open connection still carries answers through a link that is cut")
	}
	if refuses, err := b.driver.RefusesWrites(ctx, "east.db"); err != nil || refuses {
		t.Errorf("the isolated primary refuses writes: %v, %v", refuses, err)
	}
	if refuses, err := b.driver.RefusesWrites(ctx, "west.db"); err != nil || !refuses {
		t.Errorf("the standby refuses writes: %v, %v", refuses, err)
	}
	must(t, b.count("west", "west.db", 1))
}

func runbook(t *testing.T, b *fixture) {
	eventually(t, "the controller takes the call", func() error {
		return b.driver.Execute(context.Background(), harness.Action{Kind: harness.RunbookCall, Call: "failover"})
	})
	eventually(t, "the standby is promoted", func() error {
		refuses, err := b.driver.RefusesWrites(context.Background(), "west.db")
		if err == nil && refuses {
			err = fmt.Errorf("it refuses writes")
		}
		return err
	})
}

func fence(t *testing.T, b *fixture) {
	ctx := context.Background()
	b.do(t, harness.Action{Kind: harness.ComponentFence, Region: "east", Components: []string{"east.db"}})
	if refuses, err := b.driver.RefusesWrites(ctx, "east.db"); err != nil || !refuses {
		t.Errorf("the fenced database refuses writes: %v, %v", refuses, err)
	}
	must(t, b.await(harness.ComponentGone, "east.db"))
	b.do(t, harness.Action{Kind: harness.ComponentStart, Region: "east", Components: []string{"east.db", "east.api"}})
	must(t, b.await(harness.ComponentGone, "east.db"))
}

func restore(t *testing.T, b *fixture) {
	b.do(t, harness.Action{Kind: harness.LinkHeal, Region: "east", Links: b.linksOf("east")})
	must(t, b.await(harness.LinkAnswers, "outside→east.api", "outside→west.api", "outside→west.db"))
}

func oracle(t *testing.T, b *fixture) {
	ctx := context.Background()
	d, ok := b.driver.(harness.OracleReader)
	if !ok {
		t.Fatal("the driver offers no autopsy")
	}
	alone, stop, err := d.StartAlone(ctx, "east.db")
	must(t, err)
	conn, err := dial(alone)
	must(t, err)
	var n, clients int
	must(t, conn.QueryRow(ctx, "SELECT count(*) FROM blackstart.ledger").Scan(&n))
	must(t, conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()").Scan(&clients))
	if n != 6 || clients != 0 {
		t.Errorf("the old ledger holds %d rows, want 6; %d others are attached", n, clients)
	}
	if refuses, err := b.driver.RefusesWrites(ctx, "east.db"); err != nil || !refuses {
		t.Errorf("the old primary, alone, refuses writes: %v, %v", refuses, err)
	}
	must(t, conn.Close(ctx))
	must(t, stop(ctx))
	wal, listed, err := d.LedgerCommits(ctx, "east.db", "west.db", "blackstart.ledger")
	must(t, err)
	if wal.Commits != 5 || wal.FirstAt == 0 || wal.LastAt < wal.FirstAt || wal.BeforeAt == 0 || wal.BeforeAt > wal.FirstAt || wal.Timeline != 1 {
		t.Errorf("WAL report %+v", wal)
	}
	for i, c := range listed {
		if len(listed) != 5 || c.ID != uint64(100+i) || c.At < wal.FirstAt || c.At > wal.LastAt || c.XID == 0 || c.LSN == "" {
			t.Errorf("%d commits are listed, number %d as %+v", len(listed), i, c)
		}
	}
	if len(listed) == 0 {
		t.Error("no commit is listed by the id of its row")
	}
	if _, _, err := d.LedgerCommits(ctx, "west.db", "east.db", "blackstart.ledger"); err == nil {
		t.Error("a database that was not promoted has a fork")
	}
	if _, _, err := d.StartAlone(ctx, "east.api"); err == nil {
		t.Error("an API was started alone as a database")
	}
}

func stops(t *testing.T, b *fixture) {
	must(t, b.driver.Stop(context.Background()))
	nothingLeft(t, b)
	must(t, b.driver.Stop(context.Background()))
}

func logs(t *testing.T, b *fixture) {
	dir := t.TempDir()
	must(t, b.driver.Logs(context.Background(), dir))
	for _, c := range b.about.Components {
		if info, err := os.Stat(filepath.Join(dir, c.Name+".log")); err != nil || info.Size() == 0 {
			t.Errorf("log of %s: %v", c.Name, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	for _, f := range files {
		content, err := os.ReadFile(f)
		must(t, err)
		for _, d := range request("", "", nil, nil).Deliveries {
			if strings.Contains(string(content), d.Secret) {
				t.Errorf("log %s holds the secret of %s", filepath.Base(f), d.Channel)
			}
		}
	}
	if audit, err := os.ReadFile(filepath.Join(dir, "outside.controller.audit.jsonl")); err != nil || !strings.Contains(string(audit), "promote.done") {
		t.Errorf("the audit log of the controller does not tell of the promotion: %v", err)
	}
}
