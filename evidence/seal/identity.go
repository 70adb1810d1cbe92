package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"blackstart/evidence/cms"
)

// cms.DocumentSigning is the extended key usage of RFC 9336 that PDF
// readers look for; with emailProtection beside it, `openssl cms -verify`
// accepts the certificate without options.
// Identity is a key that may sign packs, with its certificates.
type Identity struct {
	// Key signs SHA-256 digests; it may live in a file, a token or a service.
	Key crypto.Signer
	// Chain has the signer's certificate first and each one's issuer next.
	// Self-signed roots are left out: roots in a pack are never anchors.
	Chain []*x509.Certificate
}

// NewIdentity checks that key and chain belong together and may sign packs:
// ECDSA P-256 or RSA from MinRSABits, key usage digitalSignature, extended key
// usages emailProtection and documentSigning.
func NewIdentity(key crypto.Signer, chain []*x509.Certificate) (*Identity, error) {
	chain = slices.DeleteFunc(slices.Clone(chain), func(c *x509.Certificate) bool {
		return c.IsCA && c.CheckSignatureFrom(c) == nil
	})
	if err := checkChain(chain); err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(chain[0].PublicKey) {
		return nil, errors.New("make identity: the key is not that of the first certificate")
	}
	return &Identity{Key: key, Chain: chain}, nil
}

// Leaf is the signer's own certificate.
func (id *Identity) Leaf() *x509.Certificate { return id.Chain[0] }

// checkChain demands a signer's certificate and then each one's issuer.
func checkChain(chain []*x509.Certificate) error {
	if len(chain) == 0 || len(chain) > MaxCertificates {
		return fmt.Errorf("%d certificates besides roots; 1 to %d are allowed", len(chain), MaxCertificates)
	}
	if err := checkSigner(chain[0]); err != nil {
		return err
	}
	for i, c := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(c); err != nil {
			return fmt.Errorf("certificate %d is not issued by the next one: %w", i, err)
		}
	}
	return nil
}

func checkSigner(c *x509.Certificate) error {
	switch k := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return errors.New("signer's ECDSA key is not on P-256")
		}
	case *rsa.PublicKey:
		if k.N.BitLen() < MinRSABits {
			return fmt.Errorf("signer's RSA key has less than %d bits", MinRSABits)
		}
	default:
		return fmt.Errorf("signer's key is a %T; ECDSA P-256 and RSA are allowed", c.PublicKey)
	}
	docs := slices.ContainsFunc(c.UnknownExtKeyUsage, cms.DocumentSigning.Equal)
	switch {
	case c.IsCA:
		return errors.New("signer's certificate is an authority's")
	case c.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("signer's certificate lacks key usage digitalSignature")
	case !docs || !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageEmailProtection):
		return errors.New("signer's certificate lacks extended key usage emailProtection or documentSigning (1.3.6.1.5.5.7.3.36)")
	}
	return nil
}

// LoadIdentity reads a PEM file with one unencrypted private key (PKCS #8, SEC
// 1 or PKCS #1) and the certificates, the signer's first.
func LoadIdentity(path string) (*Identity, error) {
	data, err := readTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	var key crypto.Signer
	var chain []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("load identity from %s: %w", path, err)
			}
			chain = append(chain, c)
			continue
		}
		if key != nil {
			return nil, fmt.Errorf("load identity from %s: more than one private key", path)
		}
		if key, err = parseKey(block); err != nil {
			return nil, fmt.Errorf("load identity from %s: %w", path, err)
		}
	}
	if key == nil {
		return nil, fmt.Errorf("load identity from %s: no private key in it", path)
	}
	return NewIdentity(key, chain)
}

func parseKey(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("cannot read PEM block %q; give an unencrypted private key and certificates", block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a %T cannot sign", key)
	}
	return signer, nil
}

// maxTrustBytes bounds a file that says whom to trust: roots, a trust file, an identity.
const maxTrustBytes = 1 << 20

// readTrusted reads a small file that a person wrote or was given, without the byte order mark that some editors put before it.
func readTrusted(path string) ([]byte, error) {
	info, err := os.Stat(path) // before it is opened: opening a FIFO waits for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxTrustBytes {
		return nil, fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxTrustBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("%s is saved as UTF-16: save it as UTF-8", path)
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}

// LoadRoots reads the certificates of a file, at least one: in PEM, or as they are (DER), one after the other.
func LoadRoots(path string) ([]*x509.Certificate, error) {
	data, err := readTrusted(path)
	if err != nil {
		return nil, fmt.Errorf("load roots: %w", err)
	}
	var roots []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("load roots from %s: it holds a %s", path, block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("load roots from %s: %w", path, err)
		}
		roots = append(roots, c)
	}
	if len(roots) > 0 {
		return roots, nil
	}
	if roots, err = x509.ParseCertificates(data); err != nil || len(roots) == 0 {
		return nil, fmt.Errorf("load roots from %s: no certificate in it, neither in PEM nor in DER", path)
	}
	return roots, nil
}

// ThrowawayValidity is how long a rehearsal's certificates are valid: long
// enough to seal, and for the pack to be looked at where it was made. Nobody
// could revoke such a certificate, and nobody has to: it says so itself
// (oidValidityAssured) and is over soon. What it signed stays whole; whose it
// was, it never proved.
const ThrowawayValidity = 24 * time.Hour

// throwawayOrganization marks a throw-away root, for people. It proves nothing.
const throwawayOrganization = "throw-away rehearsal authority"

// oidValidityAssured is ext-etsi-valassured-ST-certs of ETSI EN 319 412-1: the
// certificate is so short-lived that it is never revoked. Without it EU DSS
// asks for revocation data that no throw-away authority has, and says
// INDETERMINATE.
var oidValidityAssured = asn1.ObjectIdentifier{0, 4, 0, 194121, 2, 1}

// Throwaway is an identity for one rehearsal. The authority's key is gone when
// it is returned.
type Throwaway struct {
	*Identity
	Root        *x509.Certificate
	RootPEM     []byte // belongs beside the pack as NAME.root.pem, never into it
	Fingerprint string // hex SHA-256 of the root's DER
}

// NewThrowawayIdentity makes a root and a signer called commonName, both with
// new ECDSA P-256 keys. It proves integrity since sealing and nothing else:
// anyone can make another.
func NewThrowawayIdentity(commonName string) (*Throwaway, error) {
	now := time.Now().UTC()
	from, to := now.Add(-clockSkew).Truncate(time.Second), now.Add(ThrowawayValidity).Truncate(time.Second)
	root := &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName + " root", Organization: []string{throwawayOrganization}},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make throw-away identity: %w", err)
	}
	if root, err = issue(root, root, &rootKey.PublicKey, rootKey); err != nil {
		return nil, fmt.Errorf("make throw-away identity: %w", err)
	}
	leaf := &x509.Certificate{
		Subject:   pkix.Name{CommonName: commonName},
		NotBefore: from, NotAfter: to, BasicConstraintsValid: true,
		KeyUsage:           x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{cms.DocumentSigning},
		ExtraExtensions:    []pkix.Extension{{Id: oidValidityAssured, Value: asn1.NullBytes}},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make throw-away identity: %w", err)
	}
	if leaf, err = issue(leaf, root, &key.PublicKey, rootKey); err != nil {
		return nil, fmt.Errorf("make throw-away identity: %w", err)
	}
	id, err := NewIdentity(key, []*x509.Certificate{leaf})
	if err != nil {
		return nil, err
	}
	return &Throwaway{
		Identity: id, Root: root, Fingerprint: Fingerprint(root),
		RootPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
	}, nil
}

func issue(template, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Fingerprint is the lower-case hex SHA-256 of a certificate's DER.
func Fingerprint(c *x509.Certificate) string { return Digest(c.Raw) }

// SPKI is the lower-case hex SHA-256 of a certificate's public key (its
// SubjectPublicKeyInfo).
func SPKI(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
