package processes

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/relay"
)

// The pin must refuse a system whose key is not the one described.
func TestPinRefusesAnotherSystem(t *testing.T) {
	ca, err := newAuthority()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ca.issueLeaf(t.TempDir(), "east")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(l.certFile, l.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	server, err := tls.Listen("tcp", "127.78.1.3:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = c.(*tls.Conn).Handshake()
				c.Close()
			}()
		}
	}()
	link, err := relay.New("127.78.1.3:0", server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	r := &run{layout: &layout{dir: t.TempDir(), links: map[string]*relay.Link{"outside→east.api": link}}, ca: ca}
	describe := func(identity string) {
		r.described.Components = []harness.Component{{Name: "east.api", Kind: "api", Region: east, Identity: identity}}
	}
	describe(l.identity)
	if err := r.pin(context.Background()); err != nil {
		t.Errorf("the system described: %v", err)
	}
	describe(strings.Repeat("0", 64))
	var known *Error
	if err := r.pin(context.Background()); !errors.As(err, &known) || !strings.Contains(known.Hint, "nothing was touched") {
		t.Errorf("another system: %v", err)
	}
}

func TestHints(t *testing.T) {
	for text, want := range map[string]string{
		"listen tcp 127.0.0.1:80: bind: address already in use": "run again",
		"write x: no space left on device":                      "free some space",
		"open x: permission denied":                             "accessible",
		"accept: too many open files":                           "ulimit",
		"something else":                                        "logs",
	} {
		if got := hintFor(text, "/state"); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
