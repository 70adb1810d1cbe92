package conformance

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
)

// killAndStart loses the standby region and brings it back.
func (target Target) killAndStart(t *testing.T) {
	ctx := context.Background()
	b := target.start(t, map[string]string{
		"documents": "5", "controller.failover": "disabled", "wal.latency": "20ms",
		"replication.alarm": "silent-when-broken", "preflight": "disabled", "certificates.check": "disabled", "parity": "disabled",
	})
	for _, l := range b.about.Links {
		if (l.Latency > 0) != (l.Name == "west.db→east.db") {
			t.Errorf("link %+v", l)
		}
	}
	writer := b.connect(t, harness.Outside, "east.db")
	var sync string
	must(t, writer.QueryRow(ctx, "SELECT sync_state FROM pg_stat_replication").Scan(&sync))
	if sync != "sync" {
		t.Errorf("the standby is %s", sync)
	}
	all := []string{"west.db", "west.api"}
	b.do(t, harness.Action{Kind: harness.ComponentKill, Region: "west", Components: all})
	must(t, b.await(harness.ComponentGone, all...))
	must(t, b.await(harness.ComponentRuns, "east.db", "east.api"))
	b.do(t, harness.Action{Kind: harness.ComponentStart, Region: "west", Components: all})
	must(t, b.await(harness.ComponentRuns, all...))
	must(t, b.await(harness.LinkAnswers, "outside→west.db", "outside→west.api"))
	eventually(t, "the standby streams again", func() error {
		var n int
		err := writer.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'").Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d stream", n)
		}
		return err
	})
	b.do(t, harness.Action{Kind: harness.LinkCut, Region: "west", Direction: harness.Both, Links: []string{"west.db→east.db"}})
	must(t, b.await(harness.LinkSilent, "west.db→east.db"))
	must(t, b.await(harness.LinkAnswers, "outside→east.db"))
	b.do(t, harness.Action{Kind: harness.LinkHeal, Region: "west", Links: []string{"west.db→east.db"}})
	must(t, b.await(harness.LinkAnswers, "west.db→east.db"))
}

// killedHarness kills the harness: whatever is left, Recover removes, and another run that goes on meanwhile is not touched.
func (target Target) killedHarness(t *testing.T) {
	ctx := context.Background()
	other := target.start(t, map[string]string{"documents": "5", "controller.failover": "disabled"})
	dir, runID := target.Dir(t), uuid.NewString()
	child := target.spawn(t, dir, runID)
	if len(target.Left(t, dir, runID)) == 0 {
		t.Fatal("nothing of a target that runs is seen: the test would see nothing")
	}
	must(t, child.Process.Kill())
	_ = child.Wait()
	if target.OutlivesHarness && len(target.Left(t, dir, runID)) == 0 {
		t.Error("nothing has outlived the harness")
	}
	gone := &fixture{Target: target, dir: dir, runID: runID}
	for _, left := range []string{dir, dir, t.TempDir()} { // as often as you like
		events, restored, err := target.Recover(ctx, left, nil)
		if err != nil || len(events) > 0 || len(restored) > 0 {
			t.Fatalf("no fault was in force: %v, %v, %v", events, restored, err)
		}
		nothingLeft(t, gone)
	}
	must(t, other.await(harness.ComponentRuns, "east.db", "east.api", "west.db", "west.api", "outside.dns", "outside.controller"))
	must(t, other.await(harness.LinkAnswers, "outside→east.api", "outside→east.db", "west.db→east.db"))
}

// interruptedStart takes the start back at several moments.
func (target Target) interruptedStart(t *testing.T) {
	for _, after := range []time.Duration{time.Millisecond, 300 * time.Millisecond, 1500 * time.Millisecond} {
		b := &fixture{Target: target, driver: target.New(), dir: target.Dir(t), runID: uuid.NewString()}
		ctx, cancel := context.WithTimeout(context.Background(), after)
		err := b.driver.Start(ctx, request(b.dir, b.runID, map[string]string{"documents": "5"}, nil))
		inTime := ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			must(t, b.driver.Stop(context.Background())) // a fast machine
		case inTime:
			t.Errorf("before %v had passed: %v", after, err)
		}
		nothingLeft(t, b)
		must(t, b.driver.Logs(context.Background(), t.TempDir()))
	}
}

// beforeStart asks what cannot be answered yet.
func (target Target) beforeStart(t *testing.T) {
	ctx := context.Background()
	d := target.New()
	if err := d.Execute(ctx, harness.Action{Kind: harness.LinkCut, Links: []string{"outside→east.api"}}); err == nil {
		t.Error("an action was carried out on nothing")
	}
	if _, err := d.Access(harness.Outside, "east.db"); err == nil {
		t.Error("a component of nothing can be reached")
	}
	if _, err := d.Running(ctx, "east.db"); err == nil {
		t.Error("it tells whether a component of nothing runs")
	}
	if _, err := d.RefusesWrites(ctx, "east.db"); err == nil {
		t.Error("a database of nothing refuses writes")
	}
	must(t, d.Stop(ctx))
	must(t, d.Logs(ctx, t.TempDir()))
	if err := d.Check(ctx, harness.StartRequest{Settings: map[string]string{"comit": "x"}}); err == nil {
		t.Error("a setting that is not known was taken")
	}
	if _, err := d.Outline(map[string]string{"commit": "perhaps"}); err == nil {
		t.Error("a value that is not possible was taken")
	}
	if err := d.Check(ctx, harness.StartRequest{Profile: "slow"}); err == nil {
		t.Error("a profile that is not known was taken")
	}
}
