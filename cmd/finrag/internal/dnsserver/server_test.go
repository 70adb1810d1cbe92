package dnsserver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/pgtest"
)

type rig struct {
	config  config.DNS
	address string
	control string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{address: fmt.Sprintf("127.0.0.1:%d", pgtest.FreePort(t)), control: fmt.Sprintf("127.0.0.1:%d", pgtest.FreePort(t))}
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "dns.yaml")
	text := fmt.Sprintf("name: api.finrag.test.\nlisten: %s\nttl: 2s\nrecords: {primary: 127.77.1.1, secondary: 127.77.2.1}\n"+
		"state: state.json\ncontrol: {listen: %s, tokenFile: token}\n", r.address, r.control)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.config, err = config.LoadDNS(file); err != nil {
		t.Fatal(err)
	}
	return r
}

// run starts the server and returns what stops it.
func (r *rig) run(t *testing.T) (stop func()) {
	t.Helper()
	s, err := New(r.config, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run returned %v", err)
		}
	}
	t.Cleanup(stop)
	pgtest.Eventually(t, "the server answers", func() bool {
		q := new(dns.Msg).SetQuestion(r.config.Name, dns.TypeA)
		_, err := dns.Exchange(q, r.address)
		return err == nil
	})
	return stop
}

func (r *rig) ask(t *testing.T, network, name string, kind uint16) *dns.Msg {
	t.Helper()
	m, _, err := (&dns.Client{Net: network}).Exchange(new(dns.Msg).SetQuestion(name, kind), r.address)
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return m
}

func (r *rig) request(t *testing.T, method, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+r.control+"/active", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

func TestAnswers(t *testing.T) {
	r := newRig(t)
	r.run(t)
	for _, network := range []string{"udp", "tcp"} {
		for _, test := range []struct {
			name   string
			kind   uint16
			rcode  int
			answer int
			aa     bool
		}{
			{"api.finrag.test.", dns.TypeA, dns.RcodeSuccess, 1, true},
			{"API.FinRAG.test.", dns.TypeA, dns.RcodeSuccess, 1, true},
			{"api.finrag.test.", dns.TypeSOA, dns.RcodeSuccess, 1, true},
			{"api.finrag.test.", dns.TypeNS, dns.RcodeSuccess, 1, true},
			{"api.finrag.test.", dns.TypeAAAA, dns.RcodeSuccess, 0, true},
			{"below.api.finrag.test.", dns.TypeA, dns.RcodeNameError, 0, true},
			{"finrag.test.", dns.TypeA, dns.RcodeRefused, 0, false},
			{"other.test.", dns.TypeA, dns.RcodeRefused, 0, false},
		} {
			m := r.ask(t, network, test.name, test.kind)
			if m.Rcode != test.rcode || len(m.Answer) != test.answer || m.Authoritative != test.aa || m.RecursionAvailable {
				t.Errorf("%s %s %s: %v", network, test.name, dns.TypeToString[test.kind], m)
			}
			if test.aa && test.answer == 0 && len(m.Ns) != 1 {
				t.Errorf("%s %s: a negative answer without SOA", network, test.name)
			}
		}
		a := r.ask(t, network, "api.finrag.test.", dns.TypeA).Answer[0].(*dns.A)
		if a.A.String() != "127.77.1.1" || a.Hdr.Ttl != 2 {
			t.Errorf("%s: record %v, want 127.77.1.1 with TTL 2", network, a)
		}
	}
}

func TestChoiceNeedsTheTokenAndSurvivesARestart(t *testing.T) {
	r := newRig(t)
	stop := r.run(t)
	for _, token := range []string{"", "Bearer wrong", "secret", "Bearer "} {
		if status, _ := r.request(t, http.MethodPut, token, `{"record":"secondary"}`); status != http.StatusUnauthorized {
			t.Errorf("token %q: status %d, want 401", token, status)
		}
	}
	for _, body := range []string{"", `{"record":"other"}`, `{"recordx":"secondary"}`} {
		if status, _ := r.request(t, http.MethodPut, "Bearer secret", body); status != http.StatusBadRequest {
			t.Errorf("body %q: status %d, want 400", body, status)
		}
	}
	address := func() string { return r.ask(t, "udp", "api.finrag.test.", dns.TypeA).Answer[0].(*dns.A).A.String() }
	if got := address(); got != "127.77.1.1" {
		t.Errorf("after refused requests the name has %s", got)
	}
	for range 2 {
		if status, body := r.request(t, http.MethodPut, "Bearer secret", `{"record":"secondary"}`); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, body)
		}
	}
	if got := address(); got != "127.77.2.1" {
		t.Errorf("after the choice the name has %s", got)
	}
	stop()
	r.run(t)
	if got := address(); got != "127.77.2.1" {
		t.Errorf("after a restart the name has %s", got)
	}
	if _, body := r.request(t, http.MethodGet, "Bearer secret", ""); !strings.Contains(body, `"record":"secondary"`) {
		t.Errorf("GET /active says %s", body)
	}
}

func TestStateThatCannotBeReadStopsTheStart(t *testing.T) {
	r := newRig(t)
	for _, text := range []string{"", "{", `{"record":"third"}`} {
		if err := os.WriteFile(r.config.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(r.config, slog.Default()); err == nil {
			t.Errorf("state %q is accepted", text)
		}
	}
}

func TestTakenPortIsAnError(t *testing.T) {
	r := newRig(t)
	r.run(t)
	s, err := New(r.config, slog.New(slog.NewJSONHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); err == nil {
		t.Error("two servers on one address")
	}
}
