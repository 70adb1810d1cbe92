package victim

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"blackstart/harness"
)

// served is the way to a service that a file describes.
type served struct {
	fakeDriver
	way harness.Access
}

func (s served) Access(place, component string) (harness.Access, error) {
	if place != harness.Outside || component != "x" {
		return harness.Access{}, io.ErrUnexpectedEOF
	}
	return s.way, nil
}

// A service that a file describes is greeted as the file says, whatever the entry is: in the clear, or with its own certificate.
func TestAServiceOfAFileAnswersInItsOwnWay(t *testing.T) {
	var asked []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI()+" "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusServiceUnavailable) // it answers
	})
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	trusting := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	headers := http.Header{"Authorization": {"Bearer pl4nted"}}
	for name, c := range map[string]struct {
		at  net.Addr
		way harness.Access
		why string
	}{
		"in the clear":             {plain.Listener.Addr(), harness.Access{URL: plain.URL + "/health?x=1", Headers: headers}, ""},
		"with TLS":                 {secure.Listener.Addr(), harness.Access{URL: secure.URL + "/health", TLS: trusting}, ""},
		"untrusted":                {secure.Listener.Addr(), harness.Access{URL: secure.URL, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, ""},
		"TLS where there is none":  {plain.Listener.Addr(), harness.Access{URL: strings.Replace(plain.URL, "http", "https", 1), TLS: trusting}, "greeting fails"},
		"another than is expected": {secure.Listener.Addr(), harness.Access{URL: secure.URL, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, VerifyConnection: func(tls.ConnectionState) error { return io.ErrNoProgress }}}, "greeting fails"},
		"nobody knows the way":     {plain.Listener.Addr(), harness.Access{}, "no URL"},
	} {
		of := target("api", "tcp", c.at.String())
		of.Kind, of.Entry = harness.External, harness.Entry{} // no entry at all, nor roots of one
		if c.why == "" {
			holds(t, of, served{way: c.way}, one(harness.LinkAnswers))
		} else {
			denies(t, of, served{way: c.way}, one(harness.LinkAnswers)[0], c.why)
		}
		t.Log(name)
	}
	if len(asked) == 0 || asked[0] != "/health?x=1 " {
		t.Errorf("asked %q: the path of the file, and no header of it", asked)
	}
	of := target("api", "tcp", secure.Listener.Addr().String())
	of.Kind, of.Entry = harness.External, harness.Entry{}
	ok := harness.Check{Kind: harness.CertificateIs, On: one(harness.LinkAnswers)[0].On, Want: harness.CertificateOK}
	holds(t, of, served{way: harness.Access{URL: secure.URL, TLS: trusting}}, []harness.Check{ok})
	denies(t, of, served{way: harness.Access{URL: secure.URL, TLS: &tls.Config{MinVersion: tls.VersionTLS12}}}, ok, "unknown-issuer")
	denies(t, of, served{way: harness.Access{URL: plain.URL}}, ok, "shows no certificate")
}
