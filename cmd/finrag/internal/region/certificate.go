package region

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"blackstart/cmd/finrag/internal/config"
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
