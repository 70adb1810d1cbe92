package controller

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// startStaleWest runs the region west as a process of its own, from the release previous of two that are built.
func (r *rig) startStaleWest(t *testing.T) {
	t.Helper()
	pgtest.Releases(t, filepath.Join(r.dir, "releases"))
	r.ca.Issue(t, filepath.Join(r.dir, "west.crt"), filepath.Join(r.dir, "west.key"), publicName, 8, time.Now().Add(time.Hour))
	file := write(t, filepath.Join(r.dir, "stale.yaml"), fmt.Sprintf("region: west\nlisten: 127.77.2.1:%d\ntls: {certificate: west.crt, key: west.key}\n"+
		"database: {url: %q}\nvector: {syncInterval: 100ms}\nadmin: {tokenFile: token}\nreleases: {dir: releases, state: deployed}\n", r.port, r.standby.URL))
	process := exec.Command(filepath.Join(r.dir, "releases", "previous", "finrag"), "region", "--config", file)
	process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(r.dir, "stale.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	process.Stderr = log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Process.Signal(syscall.SIGTERM)
		process.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("log of west:\n%s", text)
		}
	})
	pgtest.Eventually(t, "west has its index", func() bool { return r.indexed("127.77.2.1") == seeded })
}

func TestStaleCodeIsReplacedBeforeTheFailover(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.east.stop()
	r.west.stop()
	r.build = pgtest.BuildCurrent
	r.east = r.startRegion(t, "east", "127.77.1.1", r.primary, time.Now().Add(time.Hour))
	r.startStaleWest(t)
	on := true
	c := r.controllerConfig(t, func(c *config.Controller) {
		c.Parity.Deploy, c.Regions.Standby.AdminTokenFile = &on, filepath.Join(r.dir, "token")
	})
	r.judgeParityByHand(t, c)

	r.startController(t, c)
	if d := lastDetail(t, c.Audit, eventParityLost, 1); d["primary_build"] != pgtest.BuildCurrent || d["standby_build"] != pgtest.BuildPrevious {
		t.Errorf("parity lost: %v", d)
	}
	awaitReadiness(t, c)
	r.east.stop()
	awaitEvent(t, c.Audit, eventDone)
	want := "parity.lost failure.detected failover.declared code.deployed parity.restored preflight.passed fence.done promote.done dns.switched verify.passed failover.done"
	if got := story(t, c.Audit); got != want {
		t.Errorf("audit tells\n%s, want\n%s", got, want)
	}
	if d := lastDetail(t, c.Audit, eventDeployed, 1); d["from"] != pgtest.BuildPrevious || d["to"] != pgtest.BuildCurrent || d["region"] != "west" {
		t.Errorf("deployed: %v", d)
	}
	if d := lastDetail(t, c.Audit, eventVerified, 1); d["build"] != pgtest.BuildCurrent {
		t.Errorf("verified: %v", d)
	}
	pgtest.Eventually(t, "the pager's incident of the code is resolved", func() bool {
		return slices.Contains(r.inbox.pages(), "resolve code.stale info west.api west")
	})
}

// judgeParityByHand goes through the answers of pre-flight's check that deploy nothing.
func (r *rig) judgeParityByHand(t *testing.T, c config.Controller) {
	t.Helper()
	c.Audit, c.State = filepath.Join(t.TempDir(), "audit"), filepath.Join(t.TempDir(), "state")
	k, err := New(c, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer k.audit.close()
	off := false
	for name, test := range map[string]struct {
		primary string
		change  func(*config.Controller)
		result  string
		says    string
	}{
		"same":              {pgtest.BuildPrevious, func(*config.Controller) {}, resultPassed, "both run"},
		"primary unknown":   {"", func(*config.Controller) {}, resultFailed, "not known is not the same"},
		"may not deploy":    {pgtest.BuildCurrent, func(c *config.Controller) { c.Parity.Deploy = &off }, resultFailed, "parity.deploy is off"},
		"not such release":  {pgtest.BuildCurrent, func(c *config.Controller) { c.Parity.Release = "none" }, resultFailed, "404"},
		"release runs":      {pgtest.BuildCurrent, func(c *config.Controller) { c.Parity.Release = "previous" }, resultFailed, "which is release previous"},
		"not in pre-flight": {pgtest.BuildCurrent, func(c *config.Controller) { c.Preflight.Parity = false }, resultNotCovered, "preflight.parity"},
		"switched off":      {pgtest.BuildCurrent, func(c *config.Controller) { c.Parity.Enabled = false }, resultNotCovered, "parity.enabled"},
	} {
		k.config = c
		test.change(&k.config)
		k.state.Basis = &Sample{Primary: RegionFacts{Build: test.primary}, Standby: RegionFacts{Build: pgtest.BuildPrevious}}
		if f := k.settleParity(t.Context()); f.Result != test.result || !strings.Contains(f.Detail, test.says) {
			t.Errorf("%s: %v, want %s with %q", name, f, test.result, test.says)
		}
	}
	if got := story(t, c.Audit); got != "" {
		t.Errorf("audit tells %q of what was not deployed", got)
	}
	k.config = c
	k.state.Basis = &Sample{Primary: RegionFacts{Build: pgtest.BuildPrevious}, Standby: RegionFacts{Build: "6"}}
	if f := k.settleParity(t.Context()); f.Result != resultPassed || story(t, c.Audit) != eventDeployed {
		t.Errorf("deployed before a restart of the controller: %v, audit tells %q", f, story(t, c.Audit))
	}
}
