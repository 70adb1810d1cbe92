package finrag

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"blackstart/harness/targets/procs"
)

// certificateLife is how long the throw-away certificates hold. finrag warns
// below thirty days.
const certificateLife = 90 * 24 * time.Hour

// Authority is a throw-away certificate authority for the target's TLS. It has
// nothing to do with the keys that sign evidence.
type Authority struct {
	PEM  []byte // its certificate
	Pool *x509.CertPool

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A Leaf is the certificate of one region's API.
type Leaf struct {
	CertFile, KeyFile string
	Identity          string // SHA-256 of the public key (SubjectPublicKeyInfo), hex
	Expires           time.Time
}

// NewAuthority makes one.
func NewAuthority() (*Authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "throw-away authority of a rehearsal"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key, der, err := issue(template, nil, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	a := &Authority{PEM: encode("CERTIFICATE", der), cert: cert, key: key, Pool: x509.NewCertPool()}
	a.Pool.AddCert(cert)
	return a, nil
}

// Issue writes NAME.crt and NAME.key for the public name below dir.
func (a *Authority) Issue(dir, name string) (Leaf, error) {
	template := serverTemplate(name)
	l := Leaf{CertFile: filepath.Join(dir, name+".crt"), KeyFile: filepath.Join(dir, name+".key")}
	key, der, err := issue(template, nil, a.cert, a.key)
	if err != nil {
		return Leaf{}, fmt.Errorf("make the certificate of %s: %w", name, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Leaf{}, fmt.Errorf("make the key of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Leaf{}, fmt.Errorf("make the certificate of %s: %w", name, err)
	}
	l.Identity, l.Expires = keyIdentity(cert), cert.NotAfter
	err = errors.Join(
		procs.WriteFile(l.CertFile, encode("CERTIFICATE", der), 0o644),
		procs.WriteFile(l.KeyFile, encode("PRIVATE KEY", pkcs8), 0o600))
	if err != nil {
		return Leaf{}, fmt.Errorf("write the certificate of %s: %w", name, err)
	}
	return l, nil
}

// serverTemplate is a certificate of a region's API.
func serverTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    []string{ServerName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// issue makes a certificate for the key, or for a new one if nil, signed by parent or, if nil, by itself. A template
// without dates gets those of a certificate that holds now.
func issue(template *x509.Certificate, key *ecdsa.PrivateKey, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, error) {
	var err error
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, nil, err
		}
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	if template.NotAfter.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour) // a clock may be a little behind
		template.NotAfter = time.Now().Add(certificateLife)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	return key, der, err
}

// keyIdentity is how a description names the key of a TLS server.
func keyIdentity(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// keyPEM is the authority's key, for those who may sign with it.
func (a *Authority) keyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	return encode("PRIVATE KEY", der), nil
}
