package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/dnsserver"
	"blackstart/cmd/finrag/internal/pgtest"
	"blackstart/cmd/finrag/internal/region"
)

const (
	publicName = "api.finrag.test"
	seeded     = 60 + 13 // documents: those that were asked for, and those of the known questions
)

// rig is a whole finrag in one process: two databases, two regions on one port of two addresses, and the DNS server.
// The controller is the test's.
type rig struct {
	dir              string
	primary, standby *pgtest.Node
	east, west       *service
	dns              *service
	ca               *pgtest.Authority
	port             int
	files            string // controller.yaml
	build            string // of the regions
	inbox            *inbox
}

// service is a part that a test can stop.
type service struct {
	stop func()
}

func start(t *testing.T, run func(context.Context) error) *service {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			t.Errorf("service failed: %v", err)
		}
	}()
	s := &service{stop: func() {
		cancel()
		<-done
	}}
	t.Cleanup(s.stop)
	return s
}

func quiet() *slog.Logger { return slog.New(slog.NewJSONHandler(io.Discard, nil)) }

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir(), build: "test"}
	r.primary = pgtest.Primary(t)
	r.primary.Exec(t, r.primary.URL, "alter system set synchronous_standby_names = 'standby'", "select pg_reload_conf()")
	r.standby = r.primary.Standby(t) // the setting is copied, as it is in life
	r.ca = pgtest.NewAuthority(t, r.dir)
	write(t, filepath.Join(r.dir, "token"), "secret-token\n")
	r.port = pgtest.FreePort(t)
	r.inbox = newInbox(t)
	r.east = r.startRegion(t, "east", "127.77.1.1", r.primary, time.Now().Add(time.Hour))
	r.west = r.startRegion(t, "west", "127.77.2.1", r.standby, time.Now().Add(time.Hour))
	r.startDNS(t)
	pgtest.Eventually(t, "both regions have their index", func() bool {
		return r.indexed("127.77.1.1") == seeded && r.indexed("127.77.2.1") == seeded
	})
	return r
}

func (r *rig) startRegion(t *testing.T, name, ip string, node *pgtest.Node, notAfter time.Time) *service {
	t.Helper()
	cert, key := filepath.Join(r.dir, name+".crt"), filepath.Join(r.dir, name+".key")
	r.ca.Issue(t, cert, key, publicName, 7, notAfter)
	return r.serveRegion(t, name, fmt.Sprintf(`
region: %s
listen: %s:%d
tls: {certificate: %s.crt, key: %s.key}
database: {url: "%s"}
vector: {syncInterval: 100ms}
seed: {documents: 60}
admin: {tokenFile: token}
`, name, ip, r.port, name, name, node.URL))
}

func (r *rig) serveRegion(t *testing.T, name, text string) *service {
	t.Helper()
	c, err := config.LoadRegion(write(t, filepath.Join(r.dir, name+".yaml"), text))
	if err != nil {
		t.Fatal(err)
	}
	s, err := region.New(context.Background(), c, r.build, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return start(t, s.Run)
}

func (r *rig) startDNS(t *testing.T) {
	t.Helper()
	query, control := pgtest.FreePort(t), pgtest.FreePort(t)
	path := write(t, filepath.Join(r.dir, "dns.yaml"), fmt.Sprintf(`
name: api.finrag.test.
listen: 127.0.0.1:%d
ttl: 2s
records: {primary: 127.77.1.1, secondary: 127.77.2.1}
state: dns-state.json
control: {listen: 127.0.0.1:%d, tokenFile: token}
`, query, control))
	c, err := config.LoadDNS(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := dnsserver.New(c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	r.dns = start(t, s.Run)
	r.files = fmt.Sprintf(`
profile: test
listen: 127.0.0.1:%d
check: {interval: 100ms, failures: 3, timeout: 1s, confirm: 1}
regions:
  primary: {name: east, api: "https://127.77.1.1:%d", serverName: api.finrag.test, database: {url: "%s"}}
  standby: {name: west, api: "https://127.77.2.1:%d", serverName: api.finrag.test, database: {url: "%s"}}
ca: ca.crt
dns: {control: "http://127.0.0.1:%d", tokenFile: token, resolver: "127.0.0.1:%d", name: api.finrag.test., port: %d}
commit: {mode: synchronous}
certificates: {warn: 1m}
notify:
  pagerduty: {url: "%s/v2/enqueue", routingKeyFile: token}
  slack: {url: "%s/slack", muted: true}
  statusPage: {url: "%s/status", tokenFile: token}
audit: audit.jsonl
state: state.json
`, pgtest.FreePort(t), r.port, r.primary.URL, r.port, r.standby.URL, control, query, r.port, r.inbox.url, r.inbox.url, r.inbox.url)
}

// controllerConfig writes the controller's file into a folder of its own and loads it.
func (r *rig) controllerConfig(t *testing.T, change ...func(*config.Controller)) config.Controller {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"ca.crt", "ca.key", "token"} {
		b, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(b))
	}
	c, err := config.LoadController(write(t, filepath.Join(dir, "controller.yaml"), r.files))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func (r *rig) startController(t *testing.T, c config.Controller) (*Controller, *service) {
	t.Helper()
	k, err := New(c, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	return k, start(t, k.Run)
}

// indexed returns the number of vectors of the region at ip, or −1.
func (r *rig) indexed(ip string) int {
	k := Controller{roots: r.ca.Pool}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	f := k.apiFacts(ctx, config.RegionEnd{API: "https://" + net.JoinHostPort(ip, fmt.Sprint(r.port)), ServerName: publicName})
	if !f.OK {
		return -1
	}
	return f.VectorCount
}

// events reads the audit log.
func events(t *testing.T, path string) (names []string, lines []auditLine) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var l auditLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("audit line %q: %v", s.Text(), err)
		}
		names = append(names, l.Event)
		lines = append(lines, l)
	}
	return names, lines
}

func awaitEvent(t *testing.T, path, event string) []auditLine {
	t.Helper()
	var lines []auditLine
	t.Cleanup(func() {
		if text, err := os.ReadFile(path); err == nil && t.Failed() {
			t.Logf("audit log:\n%s", text)
		}
	})
	pgtest.Eventually(t, "audit event "+event, func() bool {
		var names []string
		names, lines = events(t, path)
		return slices.Contains(names, event)
	})
	return lines
}

// story is the failover's own events, in order, without checks and messages.
func story(t *testing.T, path string) string {
	t.Helper()
	names, _ := events(t, path)
	return strings.Join(slices.DeleteFunc(names, func(n string) bool {
		return n == eventStarted || n == eventCheckFailed || strings.HasPrefix(n, "notify.")
	}), " ")
}

// inbox takes the messages of all HTTP channels.
type inbox struct {
	url string
	mu  sync.Mutex
	got []letter
}

type letter struct {
	path string
	auth string
	body map[string]any
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l := letter{path: r.URL.Path, auth: r.Header.Get("Authorization")}
		json.NewDecoder(r.Body).Decode(&l.body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, l)
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

// pages returns action, class, severity, component and group of every event that came to the pager.
func (b *inbox) pages() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var v []string
	for _, l := range b.got {
		if p, ok := l.body["payload"].(map[string]any); ok {
			v = append(v, fmt.Sprint(l.body["event_action"], " ", p["class"], " ", p["severity"], " ", p["component"], " ", p["group"]))
		}
	}
	return v
}

// values returns one field of every message that came to path.
func (b *inbox) values(path, field string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var v []string
	for _, l := range b.got {
		if l.path == path {
			v = append(v, fmt.Sprint(l.body[field]))
		}
	}
	return v
}
