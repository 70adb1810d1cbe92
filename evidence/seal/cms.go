package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"blackstart/evidence/cms"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var tagImplicit0 = cbasn1.Tag(0).ContextSpecific().Constructed()

// cmsParts is all that may differ between two signatures. Everything else in
// the DER follows from it, so a reader rebuilds the DER and compares.
type cmsParts struct {
	chain     []*x509.Certificate // signer first
	digest    [sha256.Size]byte   // of the signed content
	signedAt  time.Time           // UTC, whole seconds
	signature []byte
}

// SignCMS signs content, detached, and returns CMS SignedData in DER: one
// SignerInfo, SHA-256, the attributes content-type, signing-time,
// message-digest and signing-certificate-v2. The last names every certificate
// that is included, so that none can be changed.
func SignCMS(content []byte, id *Identity, signedAt time.Time) ([]byte, error) {
	if err := checkChain(id.Chain); err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	p := cmsParts{chain: id.Chain, digest: sha256.Sum256(content), signedAt: signedAt.UTC().Truncate(time.Second)}
	attrs, err := p.attributes()
	if err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	sum := sha256.Sum256(cms.SetOf(attrs))
	p.signature, err = id.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	if _, ec := id.Leaf().PublicKey.(*ecdsa.PublicKey); ec {
		if p.signature, err = lowS(p.signature); err != nil {
			return nil, fmt.Errorf("sign manifest: %w", err)
		}
	}
	der, err := p.der()
	if err != nil {
		return nil, fmt.Errorf("sign manifest: %w", err)
	}
	// A key in a service could sign with another scheme or another key.
	if _, err := VerifyCMS(content, der); err != nil {
		return nil, fmt.Errorf("sign manifest: own signature does not verify: %w", err)
	}
	return der, nil
}

// attributes returns the contents of the SET of signed attributes, sorted as
// DER demands.
func (p cmsParts) attributes() ([]byte, error) {
	var list [][]byte
	var failed error
	add := func(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1(cbasn1.SET, value)
		})
		der, err := b.Bytes()
		failed = errors.Join(failed, err)
		list = append(list, der)
	}
	add(cms.ContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.Data) })
	add(cms.SigningTime, func(b *cryptobyte.Builder) { b.AddASN1UTCTime(p.signedAt) })
	add(cms.MessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(p.digest[:]) })
	add(cms.SigningCertificateV2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, c := range p.chain {
					sum := sha256.Sum256(c.Raw)
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum[:]) })
				}
			})
		})
	})
	slices.SortFunc(list, bytes.Compare)
	return bytes.Join(list, nil), failed
}

func (p cmsParts) der() ([]byte, error) {
	var certs [][]byte
	for _, c := range p.chain {
		certs = append(certs, c.Raw)
	}
	slices.SortFunc(certs, bytes.Compare)
	attrs, err := p.attributes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(cms.SignedData)
		b.AddASN1(tagImplicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, addSHA256)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.Data) })
				b.AddASN1(tagImplicit0, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(certs, nil)) })
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { p.addSignerInfo(b, attrs) })
			})
		})
	})
	return b.Bytes()
}

func addSHA256(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(cms.SHA256) })
}

func (p cmsParts) addSignerInfo(b *cryptobyte.Builder, attrs []byte) {
	leaf := p.chain[0]
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(leaf.RawIssuer)
			b.AddASN1BigInt(leaf.SerialNumber)
		})
		addSHA256(b)
		b.AddASN1(tagImplicit0, func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if _, ec := leaf.PublicKey.(*ecdsa.PublicKey); ec {
				b.AddASN1ObjectIdentifier(cms.ECDSASHA256)
				return
			}
			b.AddASN1ObjectIdentifier(cms.RSASHA256)
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(p.signature)
	})
}

// lowS returns the one of the two equivalent ECDSA P-256 signatures whose s is
// in the lower half, so that a signature has one form.
func lowS(sig []byte) ([]byte, error) {
	var inner cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	in := cryptobyte.String(sig)
	if !in.ReadASN1(&inner, cbasn1.SEQUENCE) || !in.Empty() ||
		!inner.ReadASN1Integer(r) || !inner.ReadASN1Integer(s) || !inner.Empty() {
		return nil, errors.New("not an ECDSA signature in DER")
	}
	n := elliptic.P256().Params().N
	if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		s.Sub(n, s)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(r)
		b.AddASN1BigInt(s)
	})
	return b.Bytes()
}
