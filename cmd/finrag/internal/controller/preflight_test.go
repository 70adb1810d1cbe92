package controller

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// awaitReadiness waits until the controller with configuration c has a complete readiness sample and a good check after it,
// so that whatever fails next fails after a sample.
func awaitReadiness(t *testing.T, c config.Controller) {
	t.Helper()
	pgtest.Eventually(t, "a good check after a complete readiness sample", func() bool {
		s, ok := shownState(c)
		return ok && s.Readiness != nil && s.Readiness.Complete && s.LastGood != nil && s.LastGood.After(s.Readiness.Done)
	})
}

type shown struct {
	State
	LastGood  *time.Time `json:"last_good_check"`
	Readiness *Sample    `json:"readiness"`
}

func shownState(c config.Controller) (s shown, ok bool) {
	client := http.Client{Timeout: time.Second}
	res, err := client.Get("http://" + c.Listen + "/state")
	if err != nil {
		return s, false
	}
	defer res.Body.Close()
	return s, json.NewDecoder(res.Body).Decode(&s) == nil
}

func TestBasisIsJudged(t *testing.T) {
	first := time.Now()
	aged := func(behind, own, age time.Duration, primary, standby int64) *Sample {
		ms, beat := milliseconds(behind+own), milliseconds(own)
		return &Sample{At: first.Add(-age), Complete: true, Primary: RegionFacts{Database: NodeFacts{Rows: primary, HeartbeatAgeMs: &beat}},
			Standby: RegionFacts{Database: NodeFacts{Rows: standby, HeartbeatAgeMs: &ms}}}
	}
	sample := func(age time.Duration, primary, standby int64) *Sample {
		return aged(time.Second, 0, age, primary, standby)
	}
	ageless := sample(time.Second, 100, 100)
	ageless.Standby.Database.HeartbeatAgeMs = nil
	for name, test := range map[string]struct {
		basis *Sample
		bad   string // the check that fails, or empty
	}{
		"fresh and equal":   {sample(time.Second, 100, 100), ""},
		"one of a hundred":  {sample(time.Second, 1000, 991), ""},
		"at the limit":      {sample(time.Second, 1000, 990), "row consistency"},
		"standby is ahead":  {sample(time.Second, 100, 101), ""},
		"empty databases":   {sample(time.Second, 0, 0), "row consistency"},
		"too old":           {sample(11*time.Second, 100, 100), "readiness sample"},
		"none":              {nil, "readiness sample"},
		"data at the limit": {aged(5*time.Second, 0, time.Second, 100, 100), ""},
		"data too old":      {aged(15150*time.Millisecond, 0, time.Second, 100, 100), "data age: the standby's data is 15.2 s old, at most 5 s are allowed"},
		"nobody writes":     {aged(time.Second, time.Minute, time.Second, 100, 100), ""},
		"age not known":     {ageless, "data age"},
	} {
		c := Controller{config: config.Controller{Preflight: config.Preflight{RowConsistency: 0.99, ReadinessMaxAge: config.Duration(10 * time.Second),
			DataAge: config.Duration(5 * time.Second)}}}
		c.state = State{FirstFailedAt: &first, Basis: test.basis}
		if got := failed(c.judgeBasis()); (got == "") != (test.bad == "") || !strings.HasPrefix(got, test.bad) {
			t.Errorf("%s: failed %q, want %q", name, got, test.bad)
		}
	}
}

func TestHistoryGivesTheSampleBefore(t *testing.T) {
	var h history
	t0 := time.Now()
	if h.before(t0) != nil {
		t.Error("an empty history has a sample")
	}
	for i := range 2 * historyLength {
		h.add(Sample{Done: t0.Add(time.Duration(i) * time.Second), Complete: i%2 == 0})
	}
	if got := h.before(t0.Add(101500 * time.Millisecond)); got == nil || got.Done != t0.Add(100*time.Second) {
		t.Errorf("before 101.5 s: %v, want the complete one at 100 s", got)
	}
	if len(h.complete) != historyLength {
		t.Errorf("history keeps %d samples, want %d", len(h.complete), historyLength)
	}
}

// TestStandbyIsJudged breaks one thing of a healthy standby after the other, and looks which check says so.
func TestStandbyIsJudged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t)
	k, err := New(c, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer k.audit.close()
	judge := func() string {
		live, _ := k.judgeLive(t.Context())
		return failed(live)
	}
	expect := func(step, check string) {
		t.Helper()
		var got string
		defer func() {
			if t.Failed() {
				t.Logf("%s: the last judgement is %q", step, got)
			}
		}()
		pgtest.Eventually(t, fmt.Sprintf("%s: %q fails", step, check), func() bool {
			got = judge()
			return check == "" && got == "" || check != "" && strings.Contains("; "+got, "; "+check+": ")
		})
	}
	expect("healthy", "")

	r.standby.Exec(t, r.standby.URL, "select pg_wal_replay_pause()")
	pgtest.Eventually(t, "replay pauses", func() bool {
		return r.standby.Ask(t, "select pg_get_wal_replay_pause_state()") == "paused"
	})
	r.primary.Exec(t, r.primary.URL, "set synchronous_commit = local; create table later (n int)")
	pgtest.Eventually(t, "log waits for replay", func() bool {
		return r.standby.Ask(t, "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()") == "true"
	})
	expect("replay paused", "wal replayed")
	r.standby.Exec(t, r.standby.URL, "select pg_wal_replay_resume()")
	expect("replay resumed", "")

	k.config.Regions.Standby.ServerName = "other.test"
	expect("certificate of another name", "certificate")
	k.config.Regions.Standby.ServerName = publicName

	r.west.stop()
	expect("api down", "api")
	r.west = r.startRegion(t, "west", "127.77.2.1", r.standby, time.Now().Add(-time.Hour))
	expect("certificate expired", "certificate")
	r.west.stop()

	r.ca.Issue(t, filepath.Join(r.dir, "west.crt"), filepath.Join(r.dir, "west.key"), publicName, 8, time.Now().Add(time.Hour))
	r.west = r.startWestWith(t, "vector: {syncInterval: 1h}\ncache: {address: \"127.0.0.1:1\"}", "west")
	expect("cache does not answer", "cache")
	pgtest.Eventually(t, "the index is full", func() bool { return r.indexed("127.77.2.1") == seeded })
	r.primary.Exec(t, r.primary.URL, "insert into financial_documents (id, namespace, title, body) select 'x' || n, 'public', 't', 'b' from generate_series(1, 60) n")
	all := fmt.Sprint(60 + seeded)
	pgtest.Eventually(t, "the rows arrive", func() bool {
		return r.standby.Ask(t, "select count(*) from financial_documents") == all
	})
	expect("index behind its rows", "vector index")

	r.standby.Stop()
	expect("database down", "database")
	r.standby.Start(t)
	r.standby.Exec(t, r.standby.URL, "select pg_promote()")
	expect("not a standby", "database")
}

// startWestWith starts the region west with other settings than startRegion gives, and the named certificate.
func (r *rig) startWestWith(t *testing.T, more, certificate string) *service {
	t.Helper()
	return r.serveRegion(t, "west", fmt.Sprintf("region: west\nlisten: 127.77.2.1:%d\ntls: {certificate: %s.crt, key: %s.key}\n"+
		"database: {url: %q}\n%s\n", r.port, certificate, certificate, r.standby.URL, more))
}

func TestRefusedAndCleared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t)
	r.startController(t, c)
	awaitReadiness(t, c)
	r.west.stop()
	r.west = r.startRegion(t, "west", "127.77.2.1", r.standby, time.Now().Add(-time.Hour))
	awaitEvent(t, c.Audit, eventCertificateExpired)
	r.east.stop()
	awaitEvent(t, c.Audit, eventEscalated)
	want := "certificate.expired failure.detected failover.declared preflight.failed failover.refused escalated"
	if got := story(t, c.Audit); got != want {
		t.Errorf("audit tells\n%s, want\n%s", got, want)
	}
	if got := r.standby.Ask(t, "select pg_is_in_recovery()"); got != "true" {
		t.Error("a standby that failed pre-flight was promoted")
	}
	pgtest.Eventually(t, "the pager hears of the refusal", func() bool {
		return strings.Join(r.inbox.values("/v2/enqueue", "event_action"), " ") == "trigger trigger trigger"
	})
	pgtest.Eventually(t, "the state says refused for its certificate", func() bool {
		s, _ := shownState(c)
		return s.Phase == PhaseRefused && strings.Contains(s.Decision, "certificate: ")
	})
	r.startRegion(t, "east", "127.77.1.1", r.primary, time.Now().Add(time.Hour))
	awaitEvent(t, c.Audit, eventCleared)
	pgtest.Eventually(t, "the pager's incident is resolved", func() bool {
		return strings.Join(r.inbox.values("/v2/enqueue", "event_action"), " ") == "trigger trigger trigger resolve"
	})
}

func TestSwitchedOffControllerOnlyWatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.controllerConfig(t, func(c *config.Controller) { c.Failover.Enabled = false })
	_, s := r.startController(t, c)
	awaitReadiness(t, c)
	r.east.stop()
	pgtest.Eventually(t, "more failed checks than a failover needs", func() bool {
		names, _ := events(t, c.Audit)
		return count(names, eventCheckFailed) == c.Check.Failures+c.Check.Confirm
	})
	s.stop()
	if got := story(t, c.Audit); got != eventDetected {
		t.Errorf("audit tells %q, want only %q", got, eventDetected)
	}
	if got := r.inbox.values("/v2/enqueue", "event_action"); len(got) != 0 {
		t.Errorf("pager got %v, want nothing", got)
	}
	if got := r.standby.Ask(t, "select pg_is_in_recovery()"); got != "true" {
		t.Error("a controller that is switched off promoted the standby")
	}
}

func TestStoppedControllerStopsSoon(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, time.Hour); err == nil {
		t.Error("a pause outlives its context")
	}
}

// TestHeadOfARecordIsNotABacklog: a cut-off primary leaves half a record, which replay cannot reach.
func TestHeadOfARecordIsNotABacklog(t *testing.T) {
	half := NodeFacts{OK: true, ReceivedLSN: "0/3042000", ReplayedLSN: "0/3041FE0", Starved: true}
	busy, paused, deaf := half, half, half
	busy.Starved, paused.Starved, deaf.ReceivedLSN = false, false, ""
	looks := func(next func(i int) NodeFacts) (f NodeFacts) {
		var w replayWatch
		for i := range 5 * starvedLooks {
			f = w.observe(next(i))
		}
		return f
	}
	for name, test := range map[string]struct {
		next func(int) NodeFacts
		want bool
	}{
		"waits for the rest": {func(int) NodeFacts { return half }, true},
		"at work":            {func(int) NodeFacts { return busy }, false},
		"paused":             {func(int) NodeFacts { return paused }, false},
		"received nothing":   {func(int) NodeFacts { return deaf }, false},
		"moves on": {func(i int) NodeFacts {
			f := half
			f.ReplayedLSN = fmt.Sprint(i)
			return f
		}, false},
	} {
		if got := looks(test.next).Replayed; got != test.want {
			t.Errorf("%s: replayed is %t, want %t", name, got, test.want)
		}
	}
}
