// Package cms is what the two signatures of a pack have in common, the one beside its manifest and the ones inside its reports:
// the object identifiers of CMS (RFC 5652) and the form in which attributes are signed. Shapes and verdicts are each one's own.
package cms

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers.
var (
	Data                 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	SignedData           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	ContentType          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	MessageDigest        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	SigningTime          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	SigningCertificateV2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	SHA256               = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	RSA                  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	RSASHA256            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	ECDSASHA256          = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}

	DocumentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36} // extended key usage, RFC 9336
)

// SetOf puts the header of a SET before encoded attributes: the form over which RFC 5652 wants the signature, whatever tag they
// carry inside the SignerInfo.
func SetOf(attributes []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	return b.BytesOrPanic()
}
