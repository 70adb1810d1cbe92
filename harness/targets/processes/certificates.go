package processes

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

// authority is a throw-away certificate authority for the target's TLS. It has
// nothing to do with the keys that sign evidence.
type authority struct {
	pem  []byte // its certificate
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// leaf is the certificate of one API.
type leaf struct {
	certFile, keyFile string
	identity          string // SHA-256 of the public key (SubjectPublicKeyInfo), hex
	expires           time.Time
}

func newAuthority() (*authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "throw-away authority of a rehearsal"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	key, der, err := issue(template, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the certificate authority: %w", err)
	}
	a := &authority{pem: encode("CERTIFICATE", der), cert: cert, key: key, pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a, nil
}

// issueLeaf writes NAME.crt and NAME.key for the public name below dir.
func (a *authority) issueLeaf(dir, name string) (leaf, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: name},
		DNSNames:    []string{serverName},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	l := leaf{certFile: filepath.Join(dir, name+".crt"), keyFile: filepath.Join(dir, name+".key")}
	key, der, err := issue(template, a.cert, a.key)
	if err != nil {
		return leaf{}, fmt.Errorf("make the certificate of %s: %w", name, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return leaf{}, fmt.Errorf("make the key of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return leaf{}, fmt.Errorf("make the certificate of %s: %w", name, err)
	}
	l.identity, l.expires = keyIdentity(cert), cert.NotAfter
	err = errors.Join(
		procs.WriteFile(l.certFile, encode("CERTIFICATE", der), 0o644),
		procs.WriteFile(l.keyFile, encode("PRIVATE KEY", pkcs8), 0o600))
	if err != nil {
		return leaf{}, fmt.Errorf("write the certificate of %s: %w", name, err)
	}
	return l, nil
}

// issue makes a key and a certificate for it, signed by parent or, if nil, by itself.
func issue(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial.Add(serial, big.NewInt(1))
	template.NotBefore = time.Now().Add(-time.Hour) // a clock may be a little behind
	template.NotAfter = time.Now().Add(certificateLife)
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	return key, der, err
}

func keyIdentity(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
