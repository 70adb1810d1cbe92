package pades

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"blackstart/evidence/cms"
)

// signature is a CMS that has been read and whose encoding is exactly the accepted one.
type signature struct {
	certs      []*x509.Certificate // as embedded; none of them is trusted
	signer     *x509.Certificate
	attributes []byte // encoded, without the outer SET
	value      []byte
}

// parseCMS reads one signature and refuses everything that the strict shape does not have: trailing bytes, non-DER
// encodings, a second signer, unsigned attributes, revocation lists.
func parseCMS(der []byte) (*signature, error) {
	var ci contentInfo
	rest, err := asn1.Unmarshal(der, &ci)
	if err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("read signature: not one CMS structure (%d bytes after it): %w", len(rest), orTrailing(err))
	}
	if !ci.Type.Equal(cms.SignedData) {
		return nil, errors.New("read signature: not signed data")
	}
	var sd signedData
	if rest, err = asn1.Unmarshal(ci.Content.Bytes, &sd); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("read signed data: %w", orTrailing(err))
	}
	if len(sd.Signers) != 1 || len(sd.Digests) != 1 || !sd.Encapsulated.Type.Equal(cms.Data) {
		return nil, errors.New("read signed data: exactly one signer, one digest and detached content are accepted")
	}
	si := sd.Signers[0]
	if err := errors.Join(checkAlgorithm(sd.Digests[0], cms.SHA256), checkAlgorithm(si.Digest, cms.SHA256),
		checkAlgorithm(si.Algorithm, cms.RSA, cms.RSASHA256, cms.ECDSASHA256)); err != nil {
		return nil, err
	}
	certs, err := x509.ParseCertificates(sd.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read embedded certificates: %w", err)
	}
	again, err := assemble(certs, si, sd.Digests[0])
	if err != nil || !bytes.Equal(again, der) {
		return nil, errors.New("read signature: not the strict encoding of its content")
	}
	s := &signature{certs: certs, attributes: si.Attributes.Bytes, value: si.Signature}
	for _, c := range certs {
		if c.SerialNumber.Cmp(si.Signer.Serial) == 0 && bytes.Equal(c.RawIssuer, si.Signer.Issuer.FullBytes) {
			s.signer = c
		}
	}
	if s.signer == nil {
		return nil, errors.New("read signature: the signer's certificate is not embedded")
	}
	return s, nil
}

func orTrailing(err error) error {
	if err == nil {
		return errors.New("trailing bytes")
	}
	return err
}

// check verifies the signature value and that it speaks of this digest and this certificate.
func (s *signature) check(digest []byte) error {
	want, err := signedAttributes(digest, s.signer)
	if err != nil {
		return err
	}
	if !bytes.Equal(want, s.attributes) {
		return s.explain(digest)
	}
	algorithm := x509.SHA256WithRSA
	if s.signer.PublicKeyAlgorithm == x509.ECDSA {
		algorithm = x509.ECDSAWithSHA256
	}
	if err := s.signer.CheckSignature(algorithm, cms.SetOf(s.attributes), s.value); err != nil {
		return fmt.Errorf("check signature value: %w", err)
	}
	return nil
}

// explain says why the signed attributes are not those of this content and certificate.
func (s *signature) explain(digest []byte) error {
	for rest := s.attributes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return fmt.Errorf("read signed attributes: %w", err)
		}
		if !a.Type.Equal(cms.MessageDigest) || len(a.Values) != 1 {
			continue
		}
		if !bytes.Equal(a.Values[0].Bytes, digest) {
			return fmt.Errorf("compare digests: the file has %x, the signature speaks of %x", digest, a.Values[0].Bytes)
		}
	}
	return errors.New("check signed attributes: they must be content type, message digest and signing certificate v2 of the embedded signer, and no more")
}

// trust builds the chain to one of the roots at the given moment. Every certificate that is embedded must be part of
// it, so that no byte of the file is left unjudged; a certificate not meant for signing documents is refused.
func (s *signature) trust(roots *x509.CertPool, at time.Time) error {
	if roots == nil {
		return errors.New("no trusted roots were given")
	}
	meant := false
	for _, u := range s.signer.ExtKeyUsage {
		meant = meant || u == x509.ExtKeyUsageEmailProtection
	}
	for _, u := range s.signer.UnknownExtKeyUsage {
		meant = meant || u.Equal(cms.DocumentSigning)
	}
	usage := s.signer.KeyUsage
	if !meant || usage != 0 && usage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return fmt.Errorf("certificate %q is not meant for signing documents", s.signer.Subject.CommonName)
	}
	pool := x509.NewCertPool()
	for _, c := range s.certs {
		pool.AddCert(c)
	}
	chains, err := s.signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: pool, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("build chain: %w", err)
	}
	for _, chain := range chains {
		if containsAll(chain, s.certs) {
			return nil
		}
	}
	return errors.New("an embedded certificate is not part of the chain to a trusted root")
}

func containsAll(chain, certs []*x509.Certificate) bool {
	seen := map[[sha256.Size]byte]bool{}
	for _, c := range chain {
		seen[sha256.Sum256(c.Raw)] = true
	}
	for _, c := range certs {
		if !seen[sha256.Sum256(c.Raw)] {
			return false
		}
	}
	return true
}
