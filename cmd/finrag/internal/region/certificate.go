package region

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"blackstart/cmd/finrag/internal/config"
	"blackstart/cmd/finrag/internal/durable"
)

// certificate serves the pair on disk as it was at the last successful load.
type certificate struct {
	files   config.TLS
	current atomic.Pointer[tls.Certificate]
}

func loadCertificate(files config.TLS) (*certificate, error) {
	c := &certificate{files: files}
	return c, c.reload()
}

// reload reads the files again. On an error the pair in use stays.
func (c *certificate) reload() error {
	pair, err := tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	if err != nil {
		return fmt.Errorf("load certificate %s: %w", c.files.Certificate, err)
	}
	c.current.Store(&pair)
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// unusable is an error of whoever sent a chain.
type unusable struct{ error }

// request returns a request for a certificate, PEM, with the key and for the names of the one in use.
func (c *certificate) request() ([]byte, error) {
	pair := c.current.Load()
	template := &x509.CertificateRequest{Subject: pair.Leaf.Subject, DNSNames: pair.Leaf.DNSNames, IPAddresses: pair.Leaf.IPAddresses}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, pair.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("make certificate request: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// replace puts the chain (PEM) in the place of the certificate on disk and serves it. A chain that does not fit the key, or
// whose dates are not now, is unusable and changes nothing.
func (c *certificate) replace(chain []byte, now time.Time) error {
	key, err := os.ReadFile(c.files.Key)
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return unusable{fmt.Errorf("check chain against the region's key: %w", err)}
	}
	if now.Before(pair.Leaf.NotBefore) || now.After(pair.Leaf.NotAfter) {
		return unusable{fmt.Errorf("check chain: it is valid from %s to %s only", pair.Leaf.NotBefore.UTC().Format(time.RFC3339),
			pair.Leaf.NotAfter.UTC().Format(time.RFC3339))}
	}
	if err := durable.WriteFile(c.files.Certificate, append(chain, '\n')); err != nil {
		return err
	}
	return c.reload()
}

// certificateDetail is the certificate's part of GET /health/detailed.
type certificateDetail struct {
	Subject  string    `json:"subject"`
	Serial   string    `json:"serial"`
	NotAfter time.Time `json:"not_after"`
	Valid    bool      `json:"valid"` // now is within its dates
}

func (c *certificate) detail(now time.Time) certificateDetail {
	leaf := c.current.Load().Leaf
	return certificateDetail{
		Subject: leaf.Subject.CommonName, Serial: leaf.SerialNumber.Text(16), NotAfter: leaf.NotAfter.UTC(),
		Valid: now.After(leaf.NotBefore) && now.Before(leaf.NotAfter),
	}
}
