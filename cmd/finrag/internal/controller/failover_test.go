package controller

import (
	"slices"
	"strings"
	"testing"

	"blackstart/cmd/finrag/internal/pgtest"
)

func TestFailoverWithoutThePrimary(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t)
	r.startController(t, c)
	awaitReadiness(t, c)
	r.primary.Stop()
	awaitEvent(t, c.Audit, eventDone)
	want := "failure.detected failover.declared preflight.passed fence.unreachable promote.done dns.switched verify.passed failover.done"
	if got := story(t, c.Audit); got != want {
		t.Errorf("audit tells\n%s, want\n%s", got, want)
	}
	if got := r.standby.Ask(t, "select pg_is_in_recovery()"); got != "false" {
		t.Error("the standby was not promoted")
	}
	if got := r.standby.Ask(t, "show synchronous_standby_names"); got != "" {
		t.Errorf("the new primary waits for %q", got)
	}
	r.standby.Exec(t, r.standby.URL, "create table writable (n int)")
	pgtest.Eventually(t, "the pager's incident is resolved", func() bool {
		return slices.Contains(r.inbox.values("/v2/enqueue", "event_action"), "resolve")
	})
	if got := r.inbox.values("/v2/enqueue", "event_action"); !slices.Equal(got, []string{"trigger", "resolve"}) {
		t.Errorf("pager got %v", got)
	}
	keys := r.inbox.values("/v2/enqueue", "dedup_key")
	if len(slices.Compact(keys)) != 1 || !strings.HasPrefix(keys[0], "finrag/east/") {
		t.Errorf("pager got deduplication keys %v, want one", keys)
	}
	pgtest.Eventually(t, "the status page says restored", func() bool {
		return slices.Equal(r.inbox.values("/status", "status"), []string{"investigating", "failover", "restored"})
	})
	if got := r.inbox.values("/slack", "text"); len(got) != 0 {
		t.Errorf("a muted channel sent %v", got)
	}
	if names, _ := events(t, c.Audit); !slices.Contains(names, eventNotifyMuted) {
		t.Error("the audit log does not say that a channel is muted")
	}
}
