package controller

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// watcher is a controller that only judges samples, with the defaults of a configuration and a pager.
func watcher(t *testing.T, change ...func(*config.Controller)) (*Controller, *inbox) {
	t.Helper()
	dir, pager := t.TempDir(), newInbox(t)
	on := true
	c := config.Controller{
		Listen: "127.0.0.1:0", CA: pgtest.NewAuthority(t, dir).File, Audit: dir + "/audit", State: dir + "/state",
		Failover: config.Failover{Enabled: true}, DNS: config.DNSControl{TokenFile: write(t, dir+"/token", "token")},
		Regions:      config.Regions{Primary: config.RegionEnd{Name: "east"}, Standby: config.RegionEnd{Name: "west"}},
		Replication:  config.Replication{Enabled: true, Warn: config.Duration(3 * time.Second), Checks: 2},
		Certificates: config.Certificates{Check: true, Renew: &on, Warn: config.Duration(720 * time.Hour)},
		Parity:       config.Parity{Enabled: true, Deploy: &on},
		Notify:       config.Notify{PagerDuty: config.PagerDuty{URL: pager.url + "/v2/enqueue", RoutingKeyFile: dir + "/token"}},
	}
	for _, f := range change {
		f(&c)
	}
	k, err := New(c, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.audit.close() })
	start(t, func(ctx context.Context) error { k.sender.Run(ctx); return nil })
	return k, pager
}

// lagging is a complete sample whose standby is so many seconds behind.
func lagging(seconds float64, receiver string) Sample {
	own, age := 100.0, 100+1000*seconds
	return Sample{At: time.Now(), Done: time.Now(), Complete: true,
		Primary: RegionFacts{API: APIFacts{OK: true}, Database: NodeFacts{OK: true, HeartbeatAgeMs: &own}},
		Standby: RegionFacts{API: APIFacts{OK: true}, Database: NodeFacts{OK: true, HeartbeatAgeMs: &age, Receiver: receiver}}}
}

func TestLagIsJudged(t *testing.T) {
	fresh, late := lagging(0.2, receiverStreaming), lagging(4, receiverNone)
	paused := lagging(4, receiverStreaming)
	silent, gone, incomplete := late, late, late
	gone.Primary.API.OK = false
	incomplete.Complete = false
	old := late
	old.At = time.Now().Add(-time.Hour)
	hole := func(c *config.Controller) { c.Replication.SilentWhenBroken = true }
	for name, test := range map[string]struct {
		change  func(*config.Controller)
		phase   Phase
		samples []Sample
		want    string
	}{
		"fresh":                         {nil, PhaseWatching, []Sample{fresh, fresh}, ""},
		"late once":                     {nil, PhaseWatching, []Sample{late, fresh, late, fresh}, ""},
		"late twice":                    {nil, PhaseWatching, []Sample{late, late, late, late}, "replication.lagging"},
		"late, and fresh again":         {nil, PhaseWatching, []Sample{late, late, fresh, fresh}, "replication.lagging replication.recovered"},
		"late again":                    {nil, PhaseWatching, []Sample{late, late, fresh, late, late}, "replication.lagging replication.recovered replication.lagging"},
		"paused":                        {nil, PhaseWatching, []Sample{paused, paused}, "replication.lagging"},
		"nothing known between":         {nil, PhaseWatching, []Sample{late, incomplete, late}, "replication.lagging"},
		"primary does not answer":       {nil, PhaseWatching, []Sample{gone, gone, gone}, ""},
		"primary answers for a moment":  {nil, PhaseWatching, []Sample{late, gone, late, gone}, ""},
		"a check of the primary failed": {nil, PhaseSuspecting, []Sample{late, late, late}, ""},
		"refused":                       {nil, PhaseRefused, []Sample{late, late, late}, ""},
		"from before a failover":        {nil, PhaseWatching, []Sample{old, old}, ""},
		"switched off":                  {func(c *config.Controller) { c.Replication.Enabled = false }, PhaseWatching, []Sample{late, late}, ""},
		"hole: receiver gone":           {hole, PhaseWatching, []Sample{silent, silent, silent, fresh}, ""},
		"hole: back, and still late":    {hole, PhaseWatching, []Sample{silent, silent, silent, paused, fresh}, ""},
		"hole: paused":                  {hole, PhaseWatching, []Sample{paused, paused}, "replication.lagging"},
	} {
		t.Run(name, func(t *testing.T) {
			k, pager := watcher(t, orNothing(test.change))
			k.state.Phase, k.judgeFrom = test.phase, time.Now().Add(-time.Minute)
			for _, s := range test.samples {
				k.judge(s)
			}
			if got := story(t, k.config.Audit); got != test.want {
				t.Errorf("audit tells %q, want %q", got, test.want)
			}
			var pages []string
			for _, e := range strings.Fields(test.want) {
				pages = append(pages, map[string]string{eventLagging: "trigger replication.lagging critical west.db west",
					eventRecovered: "resolve replication.lagging info west.db west"}[e])
			}
			pgtest.Eventually(t, "the pager hears the same", func() bool { return slices.Equal(pager.pages(), pages) })
		})
	}
}

func orNothing(f func(*config.Controller)) func(*config.Controller) {
	if f == nil {
		return func(*config.Controller) {}
	}
	return f
}

func TestCertificatesAreJudged(t *testing.T) {
	now := time.Now()
	until := func(d time.Duration) CertificateFacts {
		return CertificateFacts{OK: true, Serial: "7", NotAfter: now.Add(d)}
	}
	valid, near, past := until(1000*time.Hour), until(700*time.Hour), until(-time.Second)
	wrong, unreached := CertificateFacts{Untrusted: true, Error: "another name"}, CertificateFacts{Error: "no route"}
	for name, test := range map[string]struct {
		facts []CertificateFacts
		audit string
		pages []string
	}{
		"valid":         {[]CertificateFacts{valid, unreached, valid}, "", nil},
		"runs out":      {[]CertificateFacts{valid, near, near, past, past}, "certificate.expiring certificate.expired", []string{"trigger certificate.expiring warning west.api west", "trigger certificate.expired critical west.api west"}},
		"renewed":       {[]CertificateFacts{past, unreached, valid}, "certificate.expired certificate.valid", []string{"trigger certificate.expired critical west.api west", "resolve certificate.expired info west.api west"}},
		"another's":     {[]CertificateFacts{wrong, wrong, valid}, "certificate.invalid certificate.valid", []string{"trigger certificate.invalid critical west.api west", "resolve certificate.invalid info west.api west"}},
		"never reached": {[]CertificateFacts{unreached}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			k, pager := watcher(t)
			for _, f := range test.facts {
				k.judge(Sample{At: now, Done: now, Primary: RegionFacts{Certificate: valid}, Standby: RegionFacts{Certificate: f}})
			}
			if got := story(t, k.config.Audit); got != test.audit {
				t.Errorf("audit tells %q, want %q", got, test.audit)
			}
			pgtest.Eventually(t, "the pager hears the same", func() bool { return slices.Equal(pager.pages(), test.pages) })
			keys := pager.values("/v2/enqueue", "dedup_key")
			if len(keys) > 0 && (len(slices.Compact(keys)) != 1 || !strings.HasPrefix(keys[0], "finrag/certificate/west/")) {
				t.Errorf("deduplication keys %v, want one", keys)
			}
		})
	}
	k, _ := watcher(t, func(c *config.Controller) { c.Certificates = config.Certificates{} })
	k.judge(Sample{At: now, Done: now, Standby: RegionFacts{Certificate: past}})
	if got := story(t, k.config.Audit); got != "" {
		t.Errorf("with the check off audit tells %q", got)
	}
}

func TestParityIsJudged(t *testing.T) {
	builds := func(primary, standby string) Sample {
		return Sample{At: time.Now(), Primary: RegionFacts{Build: primary}, Standby: RegionFacts{Build: standby}}
	}
	samples := []Sample{builds("2", ""), builds("2", "2"), builds("2", "1"), builds("2", "1"), builds("", "1"), builds("2", "2")}
	k, pager := watcher(t)
	for _, s := range samples {
		k.judge(s)
	}
	if got := story(t, k.config.Audit); got != "parity.lost parity.restored" {
		t.Errorf("audit tells %q", got)
	}
	want := []string{"trigger code.stale warning west.api west", "resolve code.stale info west.api west"}
	pgtest.Eventually(t, "the pager hears the same", func() bool { return slices.Equal(pager.pages(), want) })
	off, _ := watcher(t, func(c *config.Controller) { c.Parity = config.Parity{} })
	for _, s := range samples {
		off.judge(s)
	}
	if got := story(t, off.config.Audit); got != "" {
		t.Errorf("switched off, audit tells %q", got)
	}
}

// TestTroubleOutlivesARestart: what was open stays open under its key, and is resolved by it.
func TestTroubleOutlivesARestart(t *testing.T) {
	k, pager := watcher(t)
	for range 2 {
		k.judge(lagging(9, receiverNone))
	}
	k.clear("a test") // ends the failover's own incident, and no other
	again, err := New(k.config, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer again.audit.close()
	start(t, func(ctx context.Context) error { again.sender.Run(ctx); return nil })
	for range 3 {
		again.judge(lagging(9, receiverNone))
	}
	again.judge(lagging(0.1, receiverStreaming))
	if got := story(t, k.config.Audit); got != "replication.lagging failure.cleared replication.recovered" {
		t.Errorf("audit tells %q", got)
	}
	if len(again.shown.Load().Troubles) != 0 {
		t.Errorf("still open: %v", again.shown.Load().Troubles)
	}
	pgtest.Eventually(t, "the incident is resolved under its key", func() bool {
		keys := slices.DeleteFunc(pager.values("/v2/enqueue", "dedup_key"), func(k string) bool { return !strings.HasPrefix(k, "finrag/replication/west/") })
		return len(keys) == 2 && keys[0] == keys[1]
	})
}
