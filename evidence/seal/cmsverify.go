package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"blackstart/evidence/cms"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// clockSkew is how far a signing time may lie ahead of the checking clock.
const clockSkew = 5 * time.Minute

// Signature is a CMS signature that fits its content. Whose it is, is another
// question: see CheckOrigin.
type Signature struct {
	Chain    []*x509.Certificate // as included: signer first, no root
	SignedAt time.Time           // self-asserted
}

// Signer is the signer's certificate.
func (s *Signature) Signer() *x509.Certificate { return s.Chain[0] }

// VerifyCMS checks a detached CMS signature over content. It accepts only DER
// that SignCMS writes for the same certificates, time and signature, so that
// no byte can be changed, added or written in another way.
func VerifyCMS(content, p7s []byte) (*Signature, error) {
	p, err := parseCMS(p7s)
	if err != nil {
		return nil, refuse(SignatureFile, "%v", err)
	}
	again, err := p.der()
	if err != nil || !bytes.Equal(again, p7s) {
		return nil, refuse(SignatureFile, "not the one strict encoding of its contents")
	}
	if err := checkChain(p.chain); err != nil {
		return nil, refuse(SignatureFile, "%v", err)
	}
	attrs, err := p.attributes()
	if err != nil {
		return nil, refuse(SignatureFile, "%v", err)
	}
	leaf, alg := p.chain[0], x509.SHA256WithRSA
	if _, ec := leaf.PublicKey.(*ecdsa.PublicKey); ec {
		alg = x509.ECDSAWithSHA256
		if low, err := lowS(p.signature); err != nil || !bytes.Equal(low, p.signature) {
			return nil, refuse(SignatureFile, "ECDSA signature is not in its one form")
		}
	}
	if err := leaf.CheckSignature(alg, cms.SetOf(attrs), p.signature); err != nil {
		return nil, refuse(SignatureFile, "signature does not verify: %v", err)
	}
	if p.digest != sha256.Sum256(content) {
		return nil, refuse(ManifestFile, "not the content that was signed")
	}
	return &Signature{Chain: p.chain, SignedAt: p.signedAt}, nil
}

// parseCMS picks the parts out of p7s. It may be lax, since VerifyCMS rebuilds
// the DER from them and compares.
func parseCMS(p7s []byte) (cmsParts, error) {
	var p cmsParts
	if len(p7s) > MaxSignatureBytes {
		return p, fmt.Errorf("signature of more than %d bytes", MaxSignatureBytes)
	}
	var info, explicit, data, certs, infos, si, attrs cryptobyte.String
	var oid asn1.ObjectIdentifier
	var signature []byte
	in := cryptobyte.String(p7s)
	ok := in.ReadASN1(&info, cbasn1.SEQUENCE) && in.Empty() &&
		info.ReadASN1ObjectIdentifier(&oid) && info.ReadASN1(&explicit, tagImplicit0) &&
		explicit.ReadASN1(&data, cbasn1.SEQUENCE) &&
		data.SkipASN1(cbasn1.INTEGER) && data.SkipASN1(cbasn1.SET) && data.SkipASN1(cbasn1.SEQUENCE) &&
		data.ReadASN1(&certs, tagImplicit0) && data.ReadASN1(&infos, cbasn1.SET) &&
		infos.ReadASN1(&si, cbasn1.SEQUENCE) && infos.Empty() &&
		si.SkipASN1(cbasn1.INTEGER) && si.SkipASN1(cbasn1.SEQUENCE) && si.SkipASN1(cbasn1.SEQUENCE) &&
		si.ReadASN1(&attrs, tagImplicit0) && si.SkipASN1(cbasn1.SEQUENCE) &&
		si.ReadASN1Bytes(&signature, cbasn1.OCTET_STRING)
	if !ok {
		return p, errors.New("not CMS SignedData with exactly one signer, and nothing after it")
	}
	p.signature = signature
	ids, err := p.parseAttributes(attrs)
	if err != nil {
		return p, err
	}
	return p, p.parseCertificates(certs, ids)
}

// parseAttributes reads time and digest, and returns the digests by which
// signing-certificate-v2 names the certificates.
func (p *cmsParts) parseAttributes(attrs cryptobyte.String) ([][]byte, error) {
	var ids [][]byte
	for !attrs.Empty() {
		var attr, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !attrs.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&oid) || !attr.ReadASN1(&value, cbasn1.SET) {
			return nil, errors.New("a signed attribute is malformed")
		}
		ok := true
		switch {
		case oid.Equal(cms.SigningTime):
			ok = value.ReadASN1UTCTime(&p.signedAt)
			p.signedAt = p.signedAt.UTC()
		case oid.Equal(cms.MessageDigest):
			var sum []byte
			ok = value.ReadASN1Bytes(&sum, cbasn1.OCTET_STRING) && len(sum) == len(p.digest)
			copy(p.digest[:], sum)
		case oid.Equal(cms.SigningCertificateV2):
			ids, ok = parseCertIDs(value)
		}
		if !ok {
			return nil, fmt.Errorf("signed attribute %s is malformed", oid)
		}
	}
	return ids, nil
}

func parseCertIDs(value cryptobyte.String) ([][]byte, bool) {
	var outer, list cryptobyte.String
	if !value.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&list, cbasn1.SEQUENCE) {
		return nil, false
	}
	var ids [][]byte
	for !list.Empty() {
		var id cryptobyte.String
		var sum []byte
		if !list.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1Bytes(&sum, cbasn1.OCTET_STRING) {
			return nil, false
		}
		ids = append(ids, sum)
	}
	return ids, true
}

// parseCertificates puts the certificates in the order of ids.
func (p *cmsParts) parseCertificates(certs cryptobyte.String, ids [][]byte) error {
	bySum := map[[sha256.Size]byte]cryptobyte.String{}
	for !certs.Empty() {
		var raw cryptobyte.String
		if !certs.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
			return errors.New("certificates are malformed")
		}
		bySum[sha256.Sum256(raw)] = raw
	}
	if len(ids) == 0 || len(ids) > MaxCertificates || len(ids) != len(bySum) {
		return fmt.Errorf("%d certificates, %d are named by signing-certificate-v2", len(bySum), len(ids))
	}
	for _, id := range ids {
		var sum [sha256.Size]byte
		copy(sum[:], id)
		raw, ok := bySum[sum]
		if len(id) != len(sum) || !ok {
			return errors.New("signing-certificate-v2 names a certificate that is not there")
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return fmt.Errorf("certificate is malformed: %w", err)
		}
		p.chain = append(p.chain, c)
	}
	return nil
}

// CheckOrigin returns an error unless the signer's certificate leads to one of
// roots, all being valid at the moment at, with the extended key usages a
// signer must have, and the signing time lies within its validity and not
// after at.
func CheckOrigin(s *Signature, roots []*x509.Certificate, at time.Time) error {
	if _, err := leadsTo(s, roots, at); err != nil {
		return err
	}
	return checkSignedAt(s, at)
}

// leadsTo builds the chain from the signer to one of roots, at the moment at.
func leadsTo(s *Signature, roots []*x509.Certificate, at time.Time) ([]*x509.Certificate, error) {
	anchors, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range roots {
		anchors.AddCert(c)
	}
	for _, c := range s.Chain[1:] {
		between.AddCert(c)
	}
	chains, err := s.Signer().Verify(x509.VerifyOptions{
		Roots: anchors, Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	})
	if err != nil {
		return nil, fmt.Errorf("check origin: %w", unrooted(s, roots, at, err))
	}
	return chains[0], nil
}

// unrooted says in words of ours why a signer leads to none of roots at the moment at, and what to do about it.
func unrooted(s *Signature, roots []*x509.Certificate, at time.Time, err error) error {
	var stranger x509.UnknownAuthorityError
	var bad x509.CertificateInvalidError
	const shown = 16 // digits, as a run prints them
	leaf := s.Signer()
	switch {
	case errors.As(err, &stranger):
		var given []string
		for _, r := range roots[:min(len(roots), 3)] {
			given = append(given, fmt.Sprintf("%.*s… (%.80s)", shown, Fingerprint(r), r.Subject))
		}
		return fmt.Errorf("the root that was given, %s, has not issued the certificate that signed this pack, %.*s… (%.80s, issued by %.80s): "+
			"give the root that reached you with this pack, or hold the pack for a forgery", strings.Join(given, ", "), shown, Fingerprint(leaf), leaf.Subject, leaf.Issuer)
	case errors.As(err, &bad) && bad.Reason == x509.Expired:
		return fmt.Errorf("certificate %.*s… (%.80s) is valid from %s to %s and not at %s", shown, Fingerprint(bad.Cert), bad.Cert.Subject,
			bad.Cert.NotBefore.UTC().Format(time.RFC3339), bad.Cert.NotAfter.UTC().Format(time.RFC3339), at.UTC().Format(time.RFC3339))
	case errors.As(err, &bad) && bad.Reason == x509.IncompatibleUsage:
		return fmt.Errorf("certificate %.*s… (%.80s) may not sign documents: its extended key usage lacks e-mail protection", shown, Fingerprint(leaf), leaf.Subject)
	}
	return fmt.Errorf("the certificate that signed this pack, %.*s… (%.80s), does not lead to the root that was given: %w", shown, Fingerprint(leaf), leaf.Subject, err)
}

// Rooted says that a signer leads to a root that nobody but whoever handed it
// over vouches for, as the root of a throw-away key: as much as such a key can
// ever show, and no proof of origin.
type Rooted struct {
	Throwaway bool      // the root calls itself one of a rehearsal
	Expired   time.Time // when the first certificate of the chain ran out; zero: it is valid
	Root      string    // fingerprint of the root
}

// CheckRooted returns an error unless the signer's certificate leads to one of
// roots at the time of signing, which must not lie after the moment at. That
// time is the signer's own word. It may be taken here and not in CheckOrigin
// because nothing is proven by it: the key of a rehearsal is thrown away after
// signing, and its certificates run out soon.
func CheckRooted(s *Signature, roots []*x509.Certificate, at time.Time) (Rooted, error) {
	if s.SignedAt.After(at.Add(clockSkew)) {
		return Rooted{}, fmt.Errorf("check origin: signing time %s lies in the future", s.SignedAt.Format(time.RFC3339))
	}
	chain, err := leadsTo(s, roots, s.SignedAt)
	if err != nil {
		return Rooted{}, err
	}
	root := chain[len(chain)-1]
	r := Rooted{Throwaway: slices.Contains(root.Subject.Organization, throwawayOrganization), Root: Fingerprint(root)}
	for _, c := range chain {
		if at.After(c.NotAfter) && (r.Expired.IsZero() || c.NotAfter.Before(r.Expired)) {
			r.Expired = c.NotAfter
		}
	}
	return r, nil
}

func (r Rooted) String() string {
	key := "a key under a root that no trust file names"
	if r.Throwaway {
		key = "throw-away key"
	}
	if !r.Expired.IsZero() {
		key += ", expired " + r.Expired.UTC().Format(time.DateOnly) + ", as always unproven"
	}
	const shown = 16 // as many digits as a run prints of it
	return fmt.Sprintf("%s: integrity since sealing only; anyone can make another; root %.*s…", key, shown, r.Root)
}

func checkSignedAt(s *Signature, at time.Time) error {
	leaf := s.Signer()
	switch {
	case s.SignedAt.After(at.Add(clockSkew)):
		return fmt.Errorf("check origin: signing time %s lies in the future", s.SignedAt.Format(time.RFC3339))
	case s.SignedAt.Before(leaf.NotBefore), s.SignedAt.After(leaf.NotAfter):
		return fmt.Errorf("check origin: signing time %s lies outside the certificate's validity", s.SignedAt.Format(time.RFC3339))
	case at.Before(leaf.NotBefore), at.After(leaf.NotAfter):
		return fmt.Errorf("check origin: the signer's certificate is not valid at %s; without a time stamp no past moment is accepted", at.Format(time.RFC3339))
	}
	return nil
}
