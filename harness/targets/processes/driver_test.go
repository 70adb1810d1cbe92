package processes_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/processes"
	"blackstart/harness/targets/procs"
)

// TestPartition goes through what a drill does with a region that is cut off.
func TestPartition(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, dir := start(t, map[string]string{"commit": "asynchronous", "wal.latency": "50ms", "documents": "20", "pager.muted": "true"})
	target := d.Description()
	checkDescription(t, target)

	isolated := connect(t, access(t, d, "east", "east.db"))
	_, err := isolated.Exec(ctx, "CREATE SCHEMA blackstart; CREATE TABLE blackstart.ledger (id bigint primary key)")
	must(t, err)
	_, err = isolated.Exec(ctx, "INSERT INTO blackstart.ledger VALUES (1)")
	must(t, err)
	outside := connect(t, access(t, d, harness.Outside, "west.db"))
	eventually(t, "replication", func() bool {
		var n int
		return outside.QueryRow(ctx, "SELECT count(*) FROM blackstart.ledger").Scan(&n) == nil && n == 1
	})
	links := names(target.LinksOf("east"))
	if len(links) != 3 {
		t.Fatalf("links of east: %v", links)
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.Both, Links: links}))
	for _, name := range links {
		silent(t, target, name)
	}
	for i := range 5 {
		_, err = isolated.Exec(ctx, "INSERT INTO blackstart.ledger VALUES ($1)", 100+i)
		must(t, err)
	}
	for _, c := range []string{"east.db", "east.api"} {
		if running, err := d.Running(ctx, c); err != nil || !running {
			t.Errorf("behind the partition %s runs: %v, %v", c, running, err)
		}
	}
	eventually(t, "the controller fails over", func() bool {
		var standby bool
		return outside.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&standby) == nil && !standby
	})
	if refuses, err := d.RefusesWrites(ctx, "east.db"); err != nil || refuses {
		t.Errorf("the old primary refuses writes before the fence: %v, %v", refuses, err)
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.ComponentFence, Region: "east", Components: []string{"east.db"}}))
	if refuses, err := d.RefusesWrites(ctx, "east.db"); err != nil || !refuses {
		t.Errorf("the old primary refuses writes after the fence: %v, %v", refuses, err)
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.LinkHeal, Region: "east", Links: links}))
	api, _ := target.LinkByName("outside→east.api")
	c, err := net.DialTimeout("tcp", api.Address, patience)
	must(t, err)
	c.Close()
	// Starting the region again must not bring the fenced database back.
	must(t, d.Execute(ctx, harness.Action{Kind: harness.ComponentStart, Region: "east", Components: []string{"east.db", "east.api"}}))
	if running, err := d.Running(ctx, "east.db"); err != nil || running {
		t.Errorf("the fenced database runs: %v, %v", running, err)
	}
	checkAutopsy(t, d)
	must(t, d.Stop(ctx))
	nothingLeft(t, dir)
	checkLogs(t, d)
}

func silent(t *testing.T, target harness.Description, name string) {
	t.Helper()
	l, _ := target.LinkByName(name)
	c, err := net.DialTimeout("tcp", l.Address, silence)
	if err == nil {
		c.Close()
	}
	var ne net.Error
	if !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("dial %s: %v; want silence", name, err)
	}
}

func checkDescription(t *testing.T, d harness.Description) {
	t.Helper()
	for _, c := range d.Components {
		if c.Version == "" || len(c.SHA256) != 64 || (c.Kind == "postgres" || c.Kind == "api") != (c.Identity != "") {
			t.Errorf("component %+v", c)
		}
	}
	for _, l := range d.Links {
		if _, _, err := net.SplitHostPort(l.Address); err != nil || (l.Latency > 0) != (l.Name == "west.db→east.db") {
			t.Errorf("link %+v", l)
		}
	}
	e, _ := d.LinkByName("outside→east.api")
	w, _ := d.LinkByName("outside→west.api")
	if port := fmt.Sprintf(":%d", d.Entry.Port); !strings.HasSuffix(e.Address, port) || !strings.HasSuffix(w.Address, port) || e.Address == w.Address {
		t.Errorf("entries %s and %s, port %s", e.Address, w.Address, port)
	}
	if len(d.Channels) != 4 || !d.Channels[0].Muted || d.Channels[1].Muted || d.Environment != harness.Rehearsal ||
		d.Timings.Profile != "fast" || !slices.Contains(d.Provides, "alert.pagerduty") || d.Settings["documents"] != "20" {
		t.Errorf("description %+v", d)
	}
}

func checkAutopsy(t *testing.T, d *processes.Driver) {
	t.Helper()
	ctx := context.Background()
	alone, stop, err := d.StartAlone(ctx, "east.db")
	must(t, err)
	conn := connect(t, alone)
	var n int
	must(t, conn.QueryRow(ctx, "SELECT count(*) FROM blackstart.ledger").Scan(&n))
	if n != 6 {
		t.Errorf("the old ledger holds %d rows, want 6", n)
	}
	if refuses, err := d.RefusesWrites(ctx, "east.db"); err != nil || !refuses {
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
}

func checkLogs(t *testing.T, d *processes.Driver) {
	t.Helper()
	dir := t.TempDir()
	must(t, d.Logs(context.Background(), dir))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	if len(files) != 7 {
		t.Errorf("logs %v", files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		if len(b) == 0 {
			t.Errorf("log %s is empty", filepath.Base(f))
		}
		for _, d := range request("", nil).Deliveries {
			if strings.Contains(string(b), d.Secret) {
				t.Errorf("log %s holds the secret of %s", filepath.Base(f), d.Channel)
			}
		}
	}
}

// TestKillAndStartAgain loses the standby region and brings it back.
func TestKillAndStartAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d, _ := start(t, map[string]string{"documents": "5", "controller.failover": "disabled"})
	all := []string{"west.db", "west.api"}
	writer := connect(t, access(t, d, harness.Outside, "east.db"))
	var sync string
	must(t, writer.QueryRow(ctx, "SELECT sync_state FROM pg_stat_replication").Scan(&sync))
	if sync != "sync" {
		t.Errorf("the standby is %s", sync)
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.ComponentKill, Region: "west", Components: all}))
	for _, c := range all {
		if running, err := d.Running(ctx, c); err != nil || running {
			t.Errorf("killed, %s runs: %v, %v", c, running, err)
		}
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.ComponentStart, Region: "west", Components: all}))
	eventually(t, "the standby streams again", func() bool {
		var n int
		return writer.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n) == nil && n == 1
	})
	oneWay(t, d)
	for _, bad := range []harness.Action{
		{Kind: harness.LinkCut},
		{Kind: harness.LinkCut, Links: []string{"outside→north.api"}},
		{Kind: harness.LinkCut, Links: []string{"outside→east.api"}, Region: "west", Direction: harness.In},
		{Kind: harness.LinkCut, Links: []string{"outside→east.api"}, Direction: "sideways"},
		{Kind: harness.ComponentKill, Components: []string{"east.cache"}},
		{Kind: harness.ComponentFence, Components: []string{"east.api"}},
		{Kind: "disk.fill", Components: []string{"east.db"}},
	} {
		if err := d.Execute(ctx, bad); err == nil {
			t.Errorf("action %+v was carried out", bad)
		}
	}
	if _, err := d.Access("west", "east.api"); err == nil {
		t.Error("west reaches east.api without a link")
	}
}

// oneWay cuts what goes into east: its answers pass, questions do not.
func oneWay(t *testing.T, d *processes.Driver) {
	t.Helper()
	ctx := context.Background()
	conn := connect(t, access(t, d, harness.Outside, "east.db"))
	links := []string{"outside→east.db", "west.db→east.db"}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.LinkCut, Region: "east", Direction: harness.In, Links: links}))
	short, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	if _, err := conn.Exec(short, "SELECT 1"); err == nil {
		t.Error("a question passed a link that is cut")
	}
	for _, l := range links {
		silent(t, d.Description(), l)
	}
	must(t, d.Execute(ctx, harness.Action{Kind: harness.LinkHeal, Region: "east", Links: links}))
	again := connect(t, access(t, d, harness.Outside, "east.db"))
	_, err := again.Exec(ctx, "SELECT 1")
	must(t, err)
}

// TestKilledHarness kills the harness: nothing may be left, and Recover tidies.
func TestKilledHarness(t *testing.T) {
	t.Parallel()
	dir := runDir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROCESSES_TEST_RUN="+dir)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "started <nil>" {
		t.Fatalf("helper: %s", lines.Text())
	}
	if n := len(left(t, dir)); n < 6 {
		t.Fatalf("%d processes run", n)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	nothingLeft(t, dir)
	sockets, err := os.ReadFile(filepath.Join(dir, "target", "sockets"))
	must(t, err)
	done, err := processes.Recover(context.Background(), dir, nil)
	must(t, err)
	if len(done.Ended) != 0 {
		t.Errorf("recover had to end %v", done.Ended)
	}
	if _, err := os.Stat(string(sockets)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the sockets are left: %v", err)
	}
	if done, err := processes.Recover(context.Background(), t.TempDir(), nil); err != nil || done.Detail != "" {
		t.Errorf("recover an empty directory: %+v, %v", done, err)
	}
}

// TestStartFails breaks the start at each kind of component.
func TestStartFails(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	// A finrag whose DNS server dies at once.
	dir := runDir(t)
	broken := filepath.Join(dir, "finrag")
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = dns ]; then echo 'listen: address already in use' >&2; exit 1; fi\nexec %s \"$@\"\n", finrag)
	must(t, os.WriteFile(broken, []byte(script), 0o755))
	d := processes.New(processes.Options{Finrag: broken})
	err := d.Start(ctx, request(dir, map[string]string{"documents": "5"}))
	var known *processes.Error
	if !errors.As(err, &known) || known.Component != "outside.dns" || !strings.Contains(known.Log, "already in use") || !strings.Contains(known.Hint, "run again") {
		t.Errorf("a DNS server that dies: %v", err)
	}
	nothingLeft(t, filepath.Join(dir, "target"))
	logs := t.TempDir()
	must(t, d.Logs(ctx, logs))
	if b, err := os.ReadFile(filepath.Join(logs, "outside.dns.log")); err != nil || !strings.Contains(string(b), "already in use") {
		t.Errorf("its log %q, %v", b, err)
	}
	if ended, err := procs.Reap(filepath.Join(dir, "target")); err != nil || len(ended) != 0 {
		t.Errorf("reap: %v, %v", ended, err)
	}

	for _, o := range []processes.Options{{Finrag: "/no/such/finrag"}, {Finrag: finrag, Postgres: "/no/such/bindir"}} {
		if err := processes.New(o).Check(ctx, request(dir, nil)); err == nil {
			t.Errorf("check with %+v passed", o)
		}
	}
	if err := newDriver().Check(ctx, request(dir, map[string]string{"comit": "x"})); err == nil {
		t.Error("check with an unknown setting passed")
	}
	if _, err := newDriver().Running(ctx, "east.db"); err == nil {
		t.Error("a target that was not started has a running database")
	}
}

// TestCache starts the optional Redis servers; one in a region that is cut off
// or lost goes with its region.
func TestCache(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: the cache is optional")
	}
	d, _ := start(t, map[string]string{"documents": "5", "cache": "auto"})
	target := d.Description()
	if c, ok := target.ComponentByName("west.cache"); !ok || c.Kind != "redis" || c.SHA256 == "" {
		t.Errorf("west.cache: %+v, %v", c, ok)
	}
	ctx := context.Background()
	must(t, d.Execute(ctx, harness.Action{Kind: harness.ComponentKill, Components: []string{"west.cache"}}))
	if running, err := d.Running(ctx, "west.cache"); err != nil || running {
		t.Errorf("killed, it runs: %v, %v", running, err)
	}
}
