package controller

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

// TestStuckStepEscalatesAndGoesOn has a DNS server that refuses until people were called, and a region that answers with
// the wrong name for as long.
func TestStuckStepEscalatesAndGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var puts atomic.Int64
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if puts.Add(1) <= escalateAfter || r.Header.Get("Authorization") != "Bearer token" || string(body) != `{"record":"secondary"}` {
			http.Error(w, `{"error":"no"}`, http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, `{"record":"secondary"}`)
	}))
	defer control.Close()
	c := config.Controller{
		Listen: "127.0.0.1:0", CA: pgtest.NewAuthority(t, dir).File, Audit: dir + "/audit", Failover: config.Failover{Enabled: true},
		State: write(t, dir+"/state", `{"phase":"switching","incident":"i"}`),
		DNS:   config.DNSControl{Control: control.URL, TokenFile: write(t, dir+"/token", "token"), Resolver: "127.0.0.1:1", Name: "a.test."},
	}
	k, err := New(c, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, k.Run)
	awaitEvent(t, c.Audit, eventVerifyFailed)
	pgtest.Eventually(t, "the second call for people", func() bool {
		return story(t, c.Audit) == "escalated dns.switched verify.failed escalated"
	})
	s.stop()
	if got, err := readState(c.State); err != nil || got.Phase != PhaseVerifying {
		t.Errorf("state is %v, %v; want %s", got.Phase, err, PhaseVerifying)
	}
}

func TestStateThatCannotBeReadStopsTheStart(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"", "{", "{}"} {
		if _, err := readState(write(t, dir+"/state", text)); err == nil || !strings.Contains(err.Error(), "by hand") {
			t.Errorf("state %q: error %v, want one that says what to do", text, err)
		}
	}
	if s, err := readState(dir + "/none"); err != nil || s.Phase != PhaseWatching {
		t.Errorf("no state file: %v, %v", s, err)
	}
}

func TestAuditClosesACutLine(t *testing.T) {
	path := write(t, t.TempDir()+"/audit", `{"at":"cut`)
	a, err := openAudit(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.write(eventStarted, nil); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := a.copyTo(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if len(lines) != 3 || lines[0] != `{"at":"cut` || !strings.Contains(lines[1], `"event":"started","detail":{}}`) {
		t.Errorf("log is %q", lines)
	}
}
