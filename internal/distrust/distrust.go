// Package distrust tells what a strict client finds wrong with a certificate. Probes, loads and checks speak of the same
// handshake: they find the same.
package distrust

import (
	"crypto/x509"
	"errors"
	"time"
)

// What can be wrong. The words are those of the checks from the victim's side.
const (
	Expired       = "expired"
	NotValidYet   = "not-valid-yet"
	WrongName     = "wrong-name"
	UnknownIssuer = "unknown-issuer"
)

// Of finds what was wrong with the certificate of a handshake that failed; "" if it failed for another reason.
func Of(err error) string {
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if time.Now().Before(invalid.Cert.NotBefore) { // the same reason stands for both
			return NotValidYet
		}
		return Expired
	case errors.As(err, new(x509.HostnameError)):
		return WrongName
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return UnknownIssuer
	}
	return ""
}
