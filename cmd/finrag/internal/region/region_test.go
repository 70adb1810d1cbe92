package region

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

const serverName = "api.finrag.test"

// rig is one region that a test can stop, and a client for it.
type rig struct {
	dir    string
	ca     *pgtest.Authority
	url    string
	client *http.Client
	server *Server
	stop   func()
}

func startRegion(t *testing.T, name, databaseURL, more string) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	r.ca = pgtest.NewAuthority(t, r.dir)
	r.issue(t, 1)
	address := fmt.Sprintf("127.0.0.1:%d", pgtest.FreePort(t))
	r.url = "https://" + address
	path := filepath.Join(r.dir, "region.yaml")
	text := fmt.Sprintf("region: %s\nlisten: %s\ntls: {certificate: a.crt, key: a.key}\ndatabase: {url: %q}\n%s\n", name, address, databaseURL, more)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.LoadRegion(path)
	if err != nil {
		t.Fatal(err)
	}
	if r.server, err = New(context.Background(), c, "b1", slog.New(slog.NewJSONHandler(io.Discard, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run returned %v", err)
			}
		}
	}
	t.Cleanup(r.stop)
	r.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.ca.Pool, ServerName: serverName}}}
	t.Cleanup(r.client.CloseIdleConnections)
	return r
}

func (r *rig) issue(t *testing.T, serial int64) {
	r.ca.Issue(t, filepath.Join(r.dir, "a.crt"), filepath.Join(r.dir, "a.key"), serverName, serial, time.Now().Add(time.Hour))
}

// call returns the status and the decoded answer; status 0 means no answer.
func (r *rig) call(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	var v map[string]any
	b, _ := io.ReadAll(res.Body)
	if err := json.Unmarshal(b, &v); err != nil && bytes.HasPrefix(b, []byte("{")) {
		t.Errorf("%s %s: %q: %v", method, path, b, err)
	}
	return res.StatusCode, v
}

func (r *rig) awaitStatus(t *testing.T, want int, method, path, body string) map[string]any {
	t.Helper()
	var v map[string]any
	pgtest.Eventually(t, fmt.Sprintf("%s %s answers %d", method, path, want), func() bool {
		var status int
		status, v = r.call(t, method, path, body)
		return status == want
	})
	return v
}

const document = `{"namespace":"public","id":"d1","title":"Alder Bank stress test","body":"zeppelin exposure"}`

func TestPrimaryAndStandby(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	east := startRegion(t, "east", primary.URL, "vector: {syncInterval: 50ms}\nseed: {documents: 90}")
	pgtest.Eventually(t, "the seed is indexed", func() bool { return east.server.index.Count() == 90+len(knownDocuments) })
	standby := primary.Standby(t)
	west := startRegion(t, "west", standby.URL, "vector: {syncInterval: 50ms}\nseed: {documents: 5}")
	pgtest.Eventually(t, "the standby's rows are indexed", func() bool { return west.server.index.Count() == 90+len(knownDocuments) })

	east.awaitStatus(t, 200, "POST", "/documents", document)
	search := `{"namespace":"public","text":"zeppelin exposure","k":1}`
	_, v := east.call(t, "POST", "/query", search)
	if got := fmt.Sprint(v["results"]); !strings.Contains(got, "d1") || v["region"] != "east" || v["build"] != "b1" {
		t.Errorf("the primary's answer is %v", v)
	}
	pgtest.Eventually(t, "the standby indexes the new document", func() bool { return west.server.index.Count() == 91+len(knownDocuments) })
	_, v = west.call(t, "POST", "/query", search)
	if got := fmt.Sprint(v["results"]); !strings.Contains(got, "d1") || v["region"] != "west" {
		t.Errorf("the standby's answer is %v", v)
	}
	if at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(v["data_as_of"])); err != nil || time.Since(at) > time.Hour {
		t.Errorf("data_as_of is %v", v["data_as_of"])
	}
	if status, v := west.call(t, "POST", "/documents", document); status != 503 || v["error"] != "read-only" {
		t.Errorf("a write on the standby: %d %v", status, v)
	}
	if n := primary.Ask(t, "select count(*) from audit_log where document = 'd1'"); n != "1" {
		t.Errorf("the audit log has %s rows for the document, want 1", n)
	}
	pgtest.Eventually(t, "the primary logs its query", func() bool { return primary.Ask(t, "select count(*) from queries") == "1" })
	detail := west.awaitStatus(t, 200, "GET", "/health/detailed", "")
	if d := detail["database"].(map[string]any); d["role"] != "standby" || d["rows"] != float64(91+len(knownDocuments)) ||
		d["heartbeat_age_ms"] == nil || d["receiver"] != "streaming" || d["replay_paused"] != false {
		t.Errorf("the standby says of itself %v", d)
	}
	if d := east.awaitStatus(t, 200, "GET", "/health/detailed", "")["database"].(map[string]any); d["receiver"] != nil || d["replay_paused"] != nil {
		t.Errorf("a primary speaks of its receiver: %v", d)
	}
	standby.Exec(t, standby.URL, "select pg_wal_replay_pause()")
	standbySays := func(key string, want any) {
		t.Helper()
		pgtest.Eventually(t, fmt.Sprintf("%s is %v", key, want), func() bool {
			_, v := west.call(t, "GET", "/health/detailed", "")
			d, _ := v["database"].(map[string]any)
			return d[key] == want
		})
	}
	standbySays("replay_paused", true)
	standby.Exec(t, standby.URL, "select pg_wal_replay_resume()")
	standbySays("replay_paused", false)

	primary.Stop()
	east.awaitStatus(t, 503, "GET", "/health", "")
	standbySays("receiver", "none")
	standby.Exec(t, standby.URL, "select pg_promote()")
	west.awaitStatus(t, 200, "POST", "/documents", document)
	pgtest.Eventually(t, "the promoted region knows its role", func() bool { return west.server.age.Load().Role == rolePrimary })
	primary.Start(t)
	east.awaitStatus(t, 200, "GET", "/health", "")
	east.awaitStatus(t, 200, "POST", "/documents", document)
}

func TestStartsWithoutItsDatabase(t *testing.T) {
	t.Parallel()
	r := startRegion(t, "east", "postgres://finrag@127.0.0.1:1/finrag?sslmode=disable", "limits: {maxBody: 1KiB}")
	r.awaitStatus(t, 503, "GET", "/health", "")
	if v := r.awaitStatus(t, 503, "GET", "/health/detailed", ""); v["data_as_of"] != nil {
		t.Errorf("data_as_of is %v without any data", v["data_as_of"])
	}
	if v := r.awaitStatus(t, 200, "GET", "/version", ""); v["embedding"] != "feature-hash" || v["ranking"] != "2" || v["build"] != "b1" || v["region"] != "east" {
		t.Errorf("version is %v", v)
	}
	for _, test := range []struct {
		path, body string
		want       int
	}{
		{"/query", `{"namespace":"public","text":"x"}`, 503},
		{"/query", `{"namespace":"","text":"x"}`, 400},
		{"/query", `{"namespace":"public","text":"x","k":51}`, 400},
		{"/query", `{"namespace":"public","txt":"x"}`, 400},
		{"/query", `{"namespace":"public","text":"` + strings.Repeat("x", 2000) + `"}`, 413},
		{"/documents", `{"namespace":"public","id":"","title":"t"}`, 400},
		{"/documents", document, 503},
	} {
		if status, v := r.call(t, "POST", test.path, test.body); status != test.want {
			t.Errorf("%s %.60s: %d %v, want %d", test.path, test.body, status, v, test.want)
		}
	}
	for range maxInFlight {
		r.server.slots <- struct{}{}
	}
	if status, v := r.call(t, "POST", "/query", `{"namespace":"public","text":"x"}`); status != 503 || v["error"] != "overloaded" {
		t.Errorf("with all slots taken: %d %v", status, v)
	}
	if status, _ := r.call(t, "GET", "/version", ""); status != 200 {
		t.Errorf("with all slots taken version answers %d", status)
	}
}

// TestUnconfirmedWriteIsNotAcknowledged has a synchronous standby that does not exist.
func TestUnconfirmedWriteIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	primary := pgtest.Primary(t)
	r := startRegion(t, "east", primary.URL, "limits: {queryTimeout: 10s}\nseed: {documents: 3}")
	pgtest.Eventually(t, "the seed is there", func() bool { return r.server.index.Count() == 3+len(knownDocuments) })
	primary.Exec(t, primary.URL, "alter system set synchronous_standby_names = 'nobody'", "select pg_reload_conf()")
	pgtest.Eventually(t, "the setting is in force", func() bool { return primary.Ask(t, "show synchronous_standby_names") == "nobody" })
	done := make(chan int)
	go func() {
		status, _ := r.call(t, "POST", "/documents", document)
		done <- status
	}()
	pgtest.Eventually(t, "the write waits for its standby, and is told not to", func() bool {
		return primary.Ask(t, "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'") != "0"
	})
	if status := <-done; status != http.StatusGatewayTimeout {
		t.Errorf("a write that no standby confirmed is answered with %d, want 504", status)
	}
	r.awaitStatus(t, 200, "GET", "/health", "")
}

func TestCertificateIsReadAgainOnHangup(t *testing.T) {
	r := startRegion(t, "east", "postgres://finrag@127.0.0.1:1/finrag?sslmode=disable", "")
	serial := func() string {
		c, err := tls.Dial("tcp", strings.TrimPrefix(r.url, "https://"), &tls.Config{RootCAs: r.ca.Pool, ServerName: serverName})
		if err != nil {
			return err.Error()
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	pgtest.Eventually(t, "the first certificate", func() bool { return serial() == "1" })
	r.issue(t, 2)
	pgtest.Eventually(t, "the second certificate", func() bool {
		syscall.Kill(os.Getpid(), syscall.SIGHUP)
		return serial() == "2"
	})
	if err := os.WriteFile(filepath.Join(r.dir, "a.crt"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.server.cert.reload(); err == nil {
		t.Error("nonsense is loaded as a certificate")
	}
	if got := serial(); got != "2" {
		t.Errorf("after a failed load the serial is %s, want 2", got)
	}
}

func TestPulseAsksOnceForMany(t *testing.T) {
	var p pulse
	asked := 0
	ask := func(context.Context) error { asked++; return io.EOF }
	for range 50 {
		if err := p.check(t.Context(), ask); err != io.EOF {
			t.Fatalf("check returned %v", err)
		}
	}
	if asked == 0 || asked == 50 {
		t.Errorf("50 checks asked %d times", asked)
	}
	p.at = p.at.Add(-pulseFresh)
	if err := p.check(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Errorf("a stale failure is still told: %v", err)
	}
}
