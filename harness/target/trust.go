package target

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"

	"blackstart/harness/secret"
)

// Config makes what a strict client of a server of that name connects with. key is the secret that t.Key names, if it names one.
func (t TLS) Config(name string, key secret.Secret) (*tls.Config, error) {
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if t.Roots != "" && t.Roots != ResolverSystem {
		pem, err := readPEM(t.Roots)
		if err != nil {
			return nil, fmt.Errorf("read the roots: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the roots: %s holds no certificate in PEM", t.Roots)
		}
	}
	if t.Certificate != "" {
		pem, err := readPEM(t.Certificate)
		if err != nil {
			return nil, fmt.Errorf("read the client certificate: %w", err)
		}
		pair, err := tls.X509KeyPair(pem, []byte(key.Reveal()))
		if err != nil {
			return nil, errors.New("read the client certificate: it and the key do not make a pair")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// MaxPEM bounds a file of certificates, in bytes.
const MaxPEM = 4 << 20

func readPEM(path string) ([]byte, error) {
	data, _, err := secret.ReadFile(path, MaxPEM+1)
	if len(data) > MaxPEM {
		return nil, fmt.Errorf("%s has more than %d bytes", path, MaxPEM)
	}
	return data, err
}

// KeyHash is the identity of a TLS server: SHA-256 over the SubjectPublicKeyInfo of its certificate, lower-case hex. A renewed
// certificate for the same key keeps it.
func KeyHash(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
