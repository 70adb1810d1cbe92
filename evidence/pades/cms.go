package pades

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"sort"

	"blackstart/evidence/cms"
)

// The CMS (RFC 5652) that is written and the only shape that is accepted: one SignerInfo, SHA-256, three signed
// attributes, no unsigned ones.

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue // [0] around the signed data
}

type signedData struct {
	Version      int
	Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
	Encapsulated struct{ Type asn1.ObjectIdentifier }
	Certificates asn1.RawValue `asn1:"tag:0"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Signer     issuerAndSerial
	Digest     pkix.AlgorithmIdentifier
	Attributes asn1.RawValue `asn1:"tag:0"`
	Algorithm  pkix.AlgorithmIdentifier
	Signature  []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// signingCertificateV2 of RFC 5035 with SHA-256, which is its default and therefore absent in DER.
type signingCertificateV2 struct{ Certs []essCertIDv2 }

type essCertIDv2 struct {
	Hash         []byte
	IssuerSerial struct {
		Issuer []asn1.RawValue // GeneralNames with one directoryName
		Serial *big.Int
	}
}

// buildCMS signs a SHA-256 digest of the content. chain[0] is the signer's certificate.
func buildCMS(digest []byte, key crypto.Signer, chain []*x509.Certificate) ([]byte, error) {
	attrs, err := signedAttributes(digest, chain[0])
	if err != nil {
		return nil, fmt.Errorf("encode signed attributes: %w", err)
	}
	algorithm, err := signatureAlgorithm(key.Public())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(cms.SetOf(attrs))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("sign attributes: %w", err)
	}
	return assemble(chain, signerInfo{
		Signer:     issuerAndSerial{asn1.RawValue{FullBytes: chain[0].RawIssuer}, chain[0].SerialNumber},
		Digest:     pkix.AlgorithmIdentifier{Algorithm: cms.SHA256},
		Attributes: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: attrs},
		Algorithm:  algorithm,
		Signature:  signature,
	}, pkix.AlgorithmIdentifier{Algorithm: cms.SHA256})
}

// assemble encodes the whole structure; verification uses it too, to refuse any other encoding of the same content.
func assemble(chain []*x509.Certificate, si signerInfo, digest pkix.AlgorithmIdentifier) ([]byte, error) {
	var certs []byte
	for _, c := range chain {
		certs = append(certs, c.Raw...)
	}
	sd := signedData{
		Version:      1,
		Digests:      []pkix.AlgorithmIdentifier{digest},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certs},
		Signers:      []signerInfo{si},
	}
	sd.Encapsulated.Type = cms.Data
	sd.Signers[0].Version = 1
	inner, err := asn1.Marshal(sd)
	if err != nil {
		return nil, fmt.Errorf("encode signature: %w", err)
	}
	outer, err := asn1.Marshal(contentInfo{cms.SignedData, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner}})
	if err != nil {
		return nil, fmt.Errorf("encode signature: %w", err)
	}
	return outer, nil
}

// signedAttributes returns the encoded attributes in DER order, without the outer SET.
func signedAttributes(digest []byte, cert *x509.Certificate) ([]byte, error) {
	id := essCertIDv2{}
	sum := sha256.Sum256(cert.Raw)
	id.Hash = sum[:]
	id.IssuerSerial.Issuer = []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: cert.RawIssuer}}
	id.IssuerSerial.Serial = cert.SerialNumber
	parts := make([][]byte, 0, 3)
	for _, a := range []struct {
		oid asn1.ObjectIdentifier
		val any
	}{
		{cms.ContentType, cms.Data},
		{cms.MessageDigest, digest},
		{cms.SigningCertificateV2, signingCertificateV2{[]essCertIDv2{id}}},
	} {
		val, err := asn1.Marshal(a.val)
		if err != nil {
			return nil, err
		}
		enc, err := asn1.Marshal(attribute{a.oid, []asn1.RawValue{{FullBytes: val}}})
		if err != nil {
			return nil, err
		}
		parts = append(parts, enc)
	}
	sort.Slice(parts, func(i, j int) bool { return bytes.Compare(parts[i], parts[j]) < 0 })
	return bytes.Join(parts, nil), nil
}

func signatureAlgorithm(pub crypto.PublicKey) (pkix.AlgorithmIdentifier, error) {
	switch pub.(type) {
	case *rsa.PublicKey:
		return pkix.AlgorithmIdentifier{Algorithm: cms.RSA, Parameters: asn1.NullRawValue}, nil
	case *ecdsa.PublicKey:
		return pkix.AlgorithmIdentifier{Algorithm: cms.ECDSASHA256}, nil
	}
	return pkix.AlgorithmIdentifier{}, fmt.Errorf("choose signature algorithm: a %T cannot sign a PDF; use an RSA or ECDSA key", pub)
}

// checkAlgorithm accepts an identifier from the list, with its parameters absent or NULL.
func checkAlgorithm(a pkix.AlgorithmIdentifier, allowed ...asn1.ObjectIdentifier) error {
	p := a.Parameters.FullBytes
	if len(p) != 0 && !bytes.Equal(p, asn1.NullBytes) {
		return errors.New("read signature: algorithm parameters are not understood")
	}
	for _, oid := range allowed {
		if a.Algorithm.Equal(oid) {
			return nil
		}
	}
	return fmt.Errorf("read signature: algorithm %v is not accepted", a.Algorithm)
}
