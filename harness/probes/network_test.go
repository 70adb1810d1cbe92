package probes

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"blackstart/harness"

	"github.com/miekg/dns"
)

// healthConfig points the link to the API of west at a server whose certificate is for example.com.
func healthConfig(s *httptest.Server, address string) harness.ProbeConfig {
	d := twoRegions()
	d.Entry.Name = "example.com."
	d.Entry.CAPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	d.Links[2].Address = address
	return harness.ProbeConfig{Target: d, Clock: harness.NewClock()}
}

func TestHealth(t *testing.T) {
	var status, connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/health" {
			status.Store(http.StatusTeapot)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(status.Load()))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.StartTLS()
	defer s.Close()
	good := healthConfig(s, s.Listener.Addr().String())
	p := open(t, "http.health", good)
	for _, tc := range []struct {
		status int
		ok     bool
	}{{200, true}, {503, false}, {302, false}, {204, false}, {200, true}} {
		status.Store(int64(tc.status))
		o := p.Ask(t.Context())
		if o.OK != tc.ok || !o.Reached || (o.Value == 1) != tc.ok || o.On != "west.api" || o.Detail != fmt.Sprintf("status %d", tc.status) {
			t.Errorf("status %d: got %+v", tc.status, o)
		}
	}
	if n := connections.Load(); n != 5 {
		t.Errorf("5 questions took %d connections", n)
	}
	wrongName := good
	wrongName.Target.Entry.Name = "api.other.test."
	if o := open(t, "http.health", wrongName).Ask(t.Context()); o.OK || !o.Reached || !strings.Contains(o.Detail, "certificate") {
		t.Errorf("wrong name: got %+v", o)
	}
	noCA := good
	noCA.Target.Entry.CAPEM = ""
	if _, err := (healthFactory{}).Open(t.Context(), noCA); err == nil {
		t.Error("opened without a certificate to trust")
	}
}

// A service that a file describes is asked as the file says: its scheme, path, headers and status, whatever the entry is.
func TestHealthOfAServiceOfAFile(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/alive" || r.Header.Get("X-Desk") != "orders" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer s.Close()
	tlsServer := httptest.NewTLSServer(nil)
	tlsServer.Close()
	config := healthConfig(tlsServer, s.Listener.Addr().String())
	config.Target.Kind, config.Target.Entry = harness.External, harness.Entry{}
	way := harness.Access{URL: s.URL + "/alive", Headers: http.Header{"X-Desk": {"orders"}}, Status: http.StatusNoContent}
	config.Access = func(place, name string) (harness.Access, error) {
		if place != harness.Outside || name != "west.api" {
			return harness.Access{}, fmt.Errorf("no way from %s to %s", place, name)
		}
		return way, nil
	}
	if o := open(t, "http.health", config).Ask(t.Context()); !o.OK || o.Detail != "status 204" || o.On != "west.api" {
		t.Errorf("%+v", o)
	}
	way.Status = 0
	if o := open(t, "http.health", config).Ask(t.Context()); o.OK || !o.Reached || o.Detail != "status 204" {
		t.Errorf("a status that nobody wrote: %+v", o)
	}
}

func TestHealthOfWhatDoesNotAnswer(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Close()
	p := open(t, "http.health", healthConfig(s, s.Listener.Addr().String()))
	if o := p.Ask(t.Context()); o.OK || o.Reached || o.Detail != "connection refused" {
		t.Errorf("refused: got %+v", o)
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	p = open(t, "http.health", healthConfig(s, mute.Addr().String()))
	o := p.Ask(t.Context())
	if o.OK || o.Reached || o.Detail != "no answer in time" {
		t.Errorf("mute: got %+v", o)
	}
}

// resolver answers with records that the test may change.
func resolver(t *testing.T, answer func(*dns.Msg, string)) string {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Skipf("the port that UDP got is taken for TCP: %v", err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		answer(m, w.LocalAddr().Network())
		_ = w.WriteMsg(m)
	})
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: handler}, {Listener: tcp, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
	return udp.LocalAddr().String()
}

func record(address string) dns.RR {
	return &dns.A{Hdr: dns.RR_Header{Name: "api.finrag.test.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 2}, A: net.ParseIP(address)}
}

func TestDNSAnswer(t *testing.T) {
	var say atomic.Value // func(*dns.Msg, string)
	config := harness.ProbeConfig{Target: twoRegions(), Clock: harness.NewClock()}
	config.Target.Entry.Resolver = resolver(t, func(m *dns.Msg, network string) { say.Load().(func(*dns.Msg, string))(m, network) })
	p := open(t, "dns.answer", config)
	for _, tc := range []struct {
		name   string
		say    func(*dns.Msg, string)
		ok     bool
		value  int64
		detail string
	}{
		{"first region", func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.77.1.1")} }, true, 0, "127.77.1.1"},
		{"second region", func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.77.2.1")} }, true, 1, "127.77.2.1"},
		{"no region", func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.9.9.9")} }, false, -1, "127.9.9.9"},
		{"several", func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.77.1.1"), record("127.77.2.1")} }, false, -1, "answer has several addresses"},
		{"none", func(*dns.Msg, string) {}, false, -1, "answer has no address"},
		{"no such name", func(m *dns.Msg, _ string) { m.Rcode = dns.RcodeNameError }, false, -1, "answer is NXDOMAIN"},
		{"truncated", func(m *dns.Msg, network string) {
			if m.Truncated = network == "udp"; !m.Truncated {
				m.Answer = []dns.RR{record("127.77.2.1")}
			}
		}, true, 1, "127.77.2.1"},
	} {
		say.Store(tc.say)
		o := p.Ask(t.Context())
		if o.OK != tc.ok || o.Value != tc.value || o.Detail != tc.detail || !o.Reached || o.On != "outside.dns" {
			t.Errorf("%s: got %+v", tc.name, o)
		}
	}
	gone := config
	gone.Target.Entry.Resolver = "127.0.0.1:1"
	if o := open(t, "dns.answer", gone).Ask(t.Context()); o.OK || o.Reached || o.Value != -1 || o.Detail != "connection refused" {
		t.Errorf("gone: got %+v", o)
	}
	mute, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	gone.Target.Entry.Resolver = mute.LocalAddr().String()
	if o := open(t, "dns.answer", gone).Ask(t.Context()); o.OK || o.Reached || o.Detail != "no answer in time" {
		t.Errorf("mute: got %+v", o)
	}
}
