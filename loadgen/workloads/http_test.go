package workloads

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/loadgen"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// testTimeout is generous: no test waits for it but those of black holes, which
// set their own.
const testTimeout = 5 * time.Second

func openOp(t *testing.T, cfg Config, cohorts ...Cohort) *httpOp {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = testTimeout
	}
	if cohorts == nil {
		cohorts = AllCohorts()
	}
	op, err := newHTTPOp(cfg, cohorts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = op.Close() })
	return op
}

func do(t *testing.T, op loadgen.Op, seq uint64) loadgen.Result {
	t.Helper()
	return op.Do(t.Context(), loadgen.Slot{Seq: seq})
}

func TestEachFailureHasItsOutcome(t *testing.T) {
	ca := newAuthority(t)
	good := ca.certificate(t, testName, time.Now().Add(time.Hour))
	expired := ca.certificate(t, testName, time.Now().Add(-time.Minute))
	other := ca.certificate(t, "other.test", time.Now().Add(time.Hour))
	answer := func(status int, body string) int {
		r := newRegion(t, "east", &good)
		r.answer.Store(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		return r.port
	}
	closed := rawServer(t, func(net.Conn) {})
	reset := rawServer(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) })
	cases := []struct {
		name   string
		port   int
		scheme string
		want   loadgen.Outcome
		status uint16
	}{
		{"ok", newRegion(t, "east", &good).port, "", loadgen.OK, 200},
		{"expired", newRegion(t, "east", &expired).port, "", loadgen.TLSExpired, 0},
		{"name", newRegion(t, "east", &other).port, "", loadgen.TLSName, 0},
		{"plain", newRegion(t, "east", nil).port, "", loadgen.TLS, 0},
		{"old TLS", rawServer(t, func(c net.Conn) {
			old := tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
			_ = tls.Server(c, &old).Handshake()
			_, _ = io.Copy(io.Discard, c)
		}), "", loadgen.TLS, 0},
		{"503", answer(503, "no"), "", loadgen.HTTP5xx, 503},
		{"404", answer(404, "no"), "", loadgen.HTTP4xx, 404},
		{"302", answer(302, "no"), "", loadgen.WrongAnswer, 302},
		{"not JSON", answer(200, "hello"), "", loadgen.WrongAnswer, 200},
		{"no region", answer(200, `{"build":"1","results":[]}`), "", loadgen.WrongAnswer, 200},
		{"no results", answer(200, `{"region":"east","build":"1"}`), "", loadgen.WrongAnswer, 200},
		{"too large", answer(200, strings.Repeat("x", maxBody+1)), "", loadgen.WrongAnswer, 0},
		{"closed", closed, "http", loadgen.Reset, 0},
		{"reset", reset, "http", loadgen.Reset, 0},
		{"not HTTP", rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp\r\n\r\n") }), "http", loadgen.WrongAnswer, 0},
		{"cut short", rawServer(t, func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
		}), "http", loadgen.Reset, 0},
	}
	ns := newNameServer(t, "127.0.0.1", 60)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			op := openOp(t, Config{
				Entry: Entry{Scheme: c.scheme, Name: testName, Resolver: ns.addr, Port: c.port, RootCAs: ca.pool()},
			}, Fresh)
			res := do(t, op, 0)
			if res.Outcome != c.want || res.Status != c.status {
				t.Fatalf("%s, status %d, want %s, %d; errors %v", res.Outcome, res.Status, c.want, c.status, op.Errors())
			}
		})
	}
	t.Run("issuer", func(t *testing.T) {
		op := openOp(t, Config{Entry: Entry{
			Name: testName, Resolver: ns.addr, Port: cases[0].port, RootCAs: newAuthority(t).pool(),
		}})
		if res := do(t, op, 0); res.Outcome != loadgen.TLSIssuer {
			t.Fatalf("%s, %v", res.Outcome, op.Errors())
		}
	})
}

func TestRefusedAndBlackHole(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	op := openOp(t, Config{Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: port}})
	if res := do(t, op, 0); res.Outcome != loadgen.Refused {
		t.Errorf("closed port: %s", res.Outcome)
	}
	hole := Entry{Scheme: "http", Name: "127.0.0.1", Port: portOf(t, blackHole(t, "127.0.0.1"))}
	silent := Entry{Scheme: "http", Name: "127.0.0.1", Port: rawServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })}
	for name, e := range map[string]Entry{"black hole": hole, "silent server": silent} {
		op = openOp(t, Config{Timeout: 60 * time.Millisecond, Entry: e})
		from := time.Now()
		if res := do(t, op, 0); res.Outcome != loadgen.Timeout || time.Since(from) < 60*time.Millisecond {
			t.Errorf("%s: %s after %s; %v", name, res.Outcome, time.Since(from), op.Errors())
		}
	}
}

func TestCohortsFollowTheNameAsTheySay(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.certificate(t, testName, time.Now().Add(time.Hour))
	onEast, onWest := listenTwice(t, "127.0.0.1", "127.0.0.2")
	east, west := newRegionOn(t, onEast, "east", &cert), newRegionOn(t, onWest, "west", &cert)
	ns := newNameServer(t, "127.0.0.1", 0)
	op := openOp(t, Config{
		StaleFor: time.Hour,
		Entry:    Entry{Name: testName, Resolver: ns.addr, Port: east.port, RootCAs: ca.pool()},
	})
	round := func() (e, w int64) {
		e, w = east.hits.Load(), west.hits.Load()
		for seq := range uint64(30) {
			if res := do(t, op, seq); res.Outcome != loadgen.OK || res.Cohort != uint8(seq%3) {
				t.Fatalf("request %d: %s, cohort %d; %v", seq, res.Outcome, res.Cohort, op.Errors())
			}
		}
		return east.hits.Load() - e, west.hits.Load() - w
	}
	if e, w := round(); e != 30 || w != 0 {
		t.Fatalf("before: east %d, west %d", e, w)
	}
	if got := east.accepted.Load(); got != 21 {
		t.Errorf("%d connections for 10 fresh, 1 pooled, 10 stale", got)
	}
	ns.active.Store("127.0.0.2")
	if e, w := round(); e != 20 || w != 10 {
		t.Errorf("after the switch only fresh moves: east %d, west %d", e, w)
	}
	// The pooled client resolves again when it must dial.
	east.CloseClientConnections()
	if res := do(t, op, 1); res.Outcome != loadgen.Reset {
		t.Errorf("request on a dead kept connection: %s", res.Outcome)
	}
	if e, w := round(); e != 10 || w != 20 {
		t.Errorf("after the pooled connection broke: east %d, west %d", e, w)
	}
}

// A request on a kept connection that dies is one failure, never a second
// request: the server sees each at most once.
func TestNothingIsSentTwice(t *testing.T) {
	r := newRegion(t, "east", nil)
	r.answer.Store(func(w http.ResponseWriter, _ *http.Request) {
		if r.hits.Load()%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, `{"region":"e","build":"1","results":[]}`)
	})
	for _, e := range []Entry{{}, {Method: "GET", Path: "/health"}, {Method: "PUT", Body: []byte("{}")}} {
		e.Scheme, e.Name, e.Port = "http", "127.0.0.1", r.port
		op := openOp(t, Config{Entry: e}, Pooled)
		before := r.hits.Load()
		for seq := range uint64(20) {
			do(t, op, seq)
		}
		if got := r.hits.Load() - before; got != 20 {
			t.Errorf("%s: 20 requests became %d", e.Method, got)
		}
	}
}

func TestIdleConnectionsAreLetGo(t *testing.T) {
	r := newRegion(t, "east", nil)
	op := openOp(t, Config{Entry: Entry{Scheme: "http", Name: "127.0.0.1", Port: r.port}}, Pooled)
	c := op.players[0].client
	const burst = 5
	var conns []*connection
	for range burst {
		nc, err := c.dial(time.Now().Add(testTimeout))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, &connection{nc: nc})
	}
	for _, conn := range conns {
		c.release(conn)
	}
	for _, conn := range conns[:3] {
		conn.used = conn.used.Add(-2 * maxIdle)
	}
	for seq := range uint64(3) {
		if res := do(t, op, seq); res.Outcome != loadgen.OK {
			t.Fatal(res, op.Errors())
		}
	}
	if len(c.idle) != 2 {
		t.Errorf("%d idle connections, want 2", len(c.idle))
	}
	for _, conn := range c.idle {
		conn.used = conn.used.Add(-2 * maxIdle)
	}
	if conn := c.acquire(); conn != nil {
		t.Error("took a connection idle for too long")
	}
}

func TestOpenRefusesBadEntries(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no name":         {Entry: Entry{Port: 1}},
		"no resolver":     {Entry: Entry{Name: testName, Port: 1}},
		"no port":         {Entry: Entry{Name: "127.0.0.1"}},
		"scheme":          {Entry: Entry{Name: "127.0.0.1", Port: 1, Scheme: "ftp"}},
		"negative number": {Rate: -1, Entry: Entry{Name: "127.0.0.1", Port: 1}},
	} {
		if _, err := (&httpQuery{}).Open(cfg, nil); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestNormaliseDropsWhatDiffersByConnection(t *testing.T) {
	var count tally
	for _, port := range []int{40001, 40002} {
		count.add(&net.OpError{
			Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port},
			Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2), Port: 443}, Err: syscall.ECONNRESET,
		})
	}
	if got := count.Errors(); got["read tcp 127.0.0.2:443: connection reset by peer"] != 2 {
		t.Error(got)
	}
	for in, want := range map[string]string{
		"a -> b": "a -> b", "[::1]:40001->[::1]:5432: eof": "[::1]:5432: eof", "": "",
		"x: read 127.0.0.1:1->127.0.0.1:2: a; 127.0.0.1:3->127.0.0.1:4: b": "x: read 127.0.0.1:2: a; 127.0.0.1:4: b",
	} {
		if got := Normalise(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	for i := range 2 * maxTallied {
		count.add(&net.AddrError{Err: strings.Repeat("e", i+1)})
	}
	if got := count.Errors(); len(got) != maxTallied+1 || got[tallyRest] == 0 {
		t.Errorf("%d texts, %d others", len(got), got[tallyRest])
	}
}

func TestConformanceOfEveryWorkload(t *testing.T) {
	for _, k := range Workloads.All() {
		if k.Doc == "" || k.Example == "" || k.New() == nil {
			t.Errorf("%s lacks doc, example or constructor", k.Name)
		}
		if _, err := k.New().Open(Config{Rate: -1}, nil); err == nil {
			t.Errorf("%s opened a negative rate: Open begins with cfg.fill()", k.Name)
		}
	}
}
