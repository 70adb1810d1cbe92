package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// lastDetail waits until the audit log has n lines of an event, and returns the detail of the last one.
func lastDetail(t *testing.T, path, event string, n int) detail {
	t.Helper()
	var d detail
	pgtest.Eventually(t, event, func() bool {
		names, lines := events(t, path)
		if count(names, event) < n {
			return false
		}
		for i, name := range names {
			if name == event {
				d = lines[i].Detail
			}
		}
		return true
	})
	return d
}

// TestBrokenReplicationIsToldAndItsDataRefused breaks the stream, heals it, pauses replay, resumes it, breaks the stream
// again and takes the primary away.
func TestBrokenReplicationIsToldAndItsDataRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t, func(c *config.Controller) {
		c.Replication.Warn, c.Preflight.DataAge = config.Duration(time.Second), config.Duration(time.Second)
	})
	r.startController(t, c)
	awaitReadiness(t, c)
	breakStream := func() {
		r.standby.Exec(t, r.standby.URL, "alter system set primary_conninfo = 'host=127.0.0.1 port=1 user=finrag'", "select pg_reload_conf()")
	}
	breakStream()
	if d := lastDetail(t, c.Audit, eventLagging, 1); d["region"] != "west" || d["receiver"] != "none" || d["age_ms"].(float64) < 1000 {
		t.Errorf("lagging: %v", d)
	}
	r.standby.Exec(t, r.standby.URL, "alter system reset primary_conninfo", "select pg_reload_conf()")
	lastDetail(t, c.Audit, eventRecovered, 1)

	r.standby.Exec(t, r.standby.URL, "select pg_wal_replay_pause()")
	if d := lastDetail(t, c.Audit, eventLagging, 2); d["receiver"] != "streaming" || d["replay_paused"] != true {
		t.Errorf("paused: %v", d)
	}
	r.standby.Exec(t, r.standby.URL, "select pg_wal_replay_resume()")
	lastDetail(t, c.Audit, eventRecovered, 2)

	breakStream()
	lastDetail(t, c.Audit, eventLagging, 3)
	r.primary.Stop()
	why, _ := lastDetail(t, c.Audit, eventRefused, 1)["reason"].(string)
	if !strings.Contains(why, "the standby's data is ") || !strings.Contains(why, " s old, at most 1 s are allowed") {
		t.Errorf("refused because %q", why)
	}
	if got := r.standby.Ask(t, "select pg_is_in_recovery()"); got != "true" {
		t.Error("a standby with old data was promoted")
	}
	lag, again := "trigger replication.lagging critical west.db west", "resolve replication.lagging info west.db west"
	want := []string{lag, again, lag, again, lag, "trigger primary.unreachable critical east.api east", "trigger failover.refused critical east.api east"}
	pgtest.Eventually(t, "the pager hears it all", func() bool { return slices.Equal(r.inbox.pages(), want) })
	if s, ok := shownState(c); !ok || len(s.Troubles) != 1 {
		t.Errorf("the state shows open troubles %v, want that of replication", s.Troubles)
	}
}

// TestFreshDataOfAnIdlePrimaryIsPromoted: a region's API that is gone writes no heartbeats, and its standby lacks nothing.
func TestFreshDataOfAnIdlePrimaryIsPromoted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t, func(c *config.Controller) {
		c.Preflight.DataAge, c.Check.Interval, c.Check.Confirm = config.Duration(time.Second), config.Duration(3*time.Second), 0
		c.Check.Failures = 1
	})
	r.startController(t, c)
	awaitReadiness(t, c)
	r.east.stop()
	awaitEvent(t, c.Audit, eventDone)
}
