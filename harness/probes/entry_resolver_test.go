package probes

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"

	"blackstart/harness"
)

// The public entry of a target file is found by the name server that the file names: no other knows its name.
func TestTheEntryIsFoundByItsResolver(t *testing.T) {
	e := newEntry(t)
	roots := x509.NewCertPool()
	roots.AddCert(e.ca.certificate)
	url := fmt.Sprintf("https://%s:%d/health", entryName, e.config.Target.Entry.Port)
	e.config.Target.Entry.URL, e.config.On = url, harness.EntryName
	e.config.Access = func(string, string) (harness.Access, error) {
		return harness.Access{URL: url, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, nil
	}
	f := &getFactory{getWith{Status: http.StatusTeapot}} // which the rig answers to a GET
	p, err := f.Open(t.Context(), e.config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if o := p.Ask(t.Context()); !o.OK {
		t.Errorf("%+v", o)
	}
	e.config.Target.Entry.Resolver = "127.0.0.1:1"
	if p, err = f.Open(t.Context(), e.config); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if o := p.Ask(t.Context()); o.OK || o.Reached {
		t.Errorf("with a name server that is not there: %+v", o)
	}
}
