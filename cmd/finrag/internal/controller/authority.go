package controller

import (
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"blackstart/cmd/finrag/internal/config"
)

const (
	certificateLife = 90 * 24 * time.Hour
	clockTolerance  = 5 * time.Minute // a region's clock may be so far behind
	serialBits      = 127             // of random: positive, and no two are the same
)

// authority signs the regions' certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.PrivateKey
}

func loadAuthority(files config.Authority) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, fmt.Errorf("load certificates.authority: %w", err)
	}
	if !pair.Leaf.IsCA {
		return nil, fmt.Errorf("load certificates.authority: %s may not sign others", files.Certificate)
	}
	return &authority{pair.Leaf, pair.PrivateKey}, nil
}

// sign answers the request (PEM) of a region that holds the certificate old. It signs no name that is not in old.
func (a *authority) sign(request []byte, old *x509.Certificate, now time.Time) (chain []byte, cert *x509.Certificate, err error) {
	block, _ := pem.Decode(request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, nil, errors.New("read certificate request: it is no PEM request")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate request: %w", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, nil, fmt.Errorf("check certificate request: %w", err)
	}
	if len(r.DNSNames) == 0 {
		return nil, nil, errors.New("check certificate request: it asks for no name")
	}
	for _, name := range r.DNSNames {
		if !slices.Contains(old.DNSNames, name) {
			return nil, nil, fmt.Errorf("check certificate request: it asks for %s, which the present certificate does not have", name)
		}
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits))
	if err != nil {
		return nil, nil, fmt.Errorf("draw serial: %w", err)
	}
	end := now.Add(certificateLife)
	if end.After(a.cert.NotAfter) {
		end = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: old.Subject, DNSNames: r.DNSNames, IPAddresses: old.IPAddresses,
		NotBefore: now.Add(-clockTolerance), NotAfter: end, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, r.PublicKey, a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign certificate: %w", err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, fmt.Errorf("read signed certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), cert, nil
}
