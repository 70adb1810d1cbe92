package finrag

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"blackstart/harness"
)

// onlyTrouble is a way that can do nothing but complain.
type onlyTrouble struct{ Ground }

func (onlyTrouble) Explain(_ context.Context, component string, err error) error {
	return &Error{Component: component, Err: err}
}

// The pin must refuse a system whose key is not the one described.
func TestPinRefusesAnotherSystem(t *testing.T) {
	ca, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	l, err := ca.Issue(t.TempDir(), "east")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(l.CertFile, l.KeyFile)
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
	site := &Site{Authority: ca}
	describe := func(identity string) {
		site.Described.Components = []harness.Component{{Name: "east.api", Kind: "api", Region: East, Identity: identity}}
		site.Described.Links = []harness.Link{{Name: "outside→east.api", From: Outside, To: "east.api", Address: server.Addr().String()}}
	}
	describe(l.Identity)
	if err := site.pin(context.Background(), onlyTrouble{}); err != nil {
		t.Errorf("the system described: %v", err)
	}
	describe(strings.Repeat("0", 64))
	var known *Error
	if err := site.pin(context.Background(), onlyTrouble{}); !errors.As(err, &known) || !strings.Contains(known.Hint, "nothing was touched") {
		t.Errorf("another system: %v", err)
	}
}
