package probes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"blackstart/harness"

	"github.com/miekg/dns"
)

// issuer is a throw-away certificate authority.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	i.key, der = i.sign(t, template)
	var err error
	if i.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) sign(t *testing.T, template x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := i.certificate, i.key
	if parent == nil {
		parent, signer = &template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

func (i *issuer) issue(t *testing.T, name string, from, to time.Time) *tls.Certificate {
	t.Helper()
	key, der := i.sign(t, x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: from, NotAfter: to})
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// entry is a public entry as finrag's is: a name, its resolver, and HTTPS with questions and documents.
type entry struct {
	ca          *issuer
	certificate atomic.Pointer[tls.Certificate]
	connections atomic.Int64
	config      harness.ProbeConfig

	mu       sync.Mutex // guards what follows
	answer   func(namespace, text string) (int, string)
	document func(id, title string) (int, string)
	titles   []string      // of the documents that came
	hang     chan struct{} // documents wait for it, if it is there
}

const entryName = "api.finrag.test"

func newEntry(t *testing.T) *entry {
	t.Helper()
	e := &entry{ca: newIssuer(t)}
	now := time.Now()
	e.certificate.Store(e.ca.issue(t, entryName, now.Add(-time.Hour), now.Add(time.Hour)))
	s := httptest.NewUnstartedServer(e)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			e.connections.Add(1)
		}
	}
	s.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return e.certificate.Load(), nil }}
	s.StartTLS()
	t.Cleanup(s.Close)
	d := twoRegions()
	d.Environment = harness.Rehearsal
	d.Questions = []harness.Question{
		{ID: "q1", Namespace: "public", Text: "intraday liquidity", Right: "doc-1", Older: "doc-2"},
		{ID: "q2", Namespace: "research", Text: "model risk", Right: "doc-3"},
	}
	d.Entry.Port = s.Listener.Addr().(*net.TCPAddr).Port
	d.Entry.Resolver = resolver(t, func(m *dns.Msg, _ string) { m.Answer = []dns.RR{record("127.0.0.1")} })
	d.Entry.CAPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.ca.certificate.Raw}))
	e.config = harness.ProbeConfig{Target: d, Clock: harness.NewClock(), Marker: true}
	return e
}

// ServeHTTP answers as the test says; it refuses what a strict client of the contract does not send.
func (e *entry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Namespace, Text, ID, Title, Body string
		K                                int
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost || r.Host != entryName {
		http.Error(w, fmt.Sprint(err), http.StatusTeapot)
		return
	}
	e.mu.Lock()
	answer, document, hang := e.answer, e.document, e.hang
	if r.URL.Path == "/documents" {
		e.titles = append(e.titles, body.Title)
	}
	e.mu.Unlock()
	status, text := http.StatusNotFound, ""
	switch {
	case r.URL.Path == "/query" && body.K == 5:
		status, text = answer(body.Namespace, body.Text)
	case r.URL.Path == "/documents" && body.Namespace == "public" && body.Body != "":
		if hang != nil {
			<-hang
		}
		status, text = document(body.ID, body.Title)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// says makes every question end so.
func (e *entry) says(status int, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = func(string, string) (int, string) { return status, body }
}

const entryAsOf = "2026-01-05T10:00:00.435571Z"

// found is an answer with the given results, each "namespace/id/title".
func found(results ...[3]string) string {
	type result struct {
		ID        string  `json:"id"`
		Namespace string  `json:"namespace"`
		Title     string  `json:"title"`
		Score     float32 `json:"score"`
	}
	all := []result{}
	for _, r := range results {
		all = append(all, result{Namespace: r[0], ID: r[1], Title: r[2], Score: 0.5})
	}
	body, _ := json.Marshal(map[string]any{"region": "east", "build": "1.2", "data_as_of": entryAsOf, "results": all})
	return string(body)
}
