package distrust

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	lived := &x509.Certificate{NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}
	coming := &x509.Certificate{NotBefore: time.Now().Add(time.Hour), NotAfter: time.Now().Add(2 * time.Hour)}
	for _, c := range []struct {
		err  error
		want string
	}{
		{x509.CertificateInvalidError{Cert: lived, Reason: x509.Expired}, Expired},
		{x509.CertificateInvalidError{Cert: coming, Reason: x509.Expired}, NotValidYet},
		{x509.CertificateInvalidError{Cert: lived, Reason: x509.NotAuthorizedToSign}, ""},
		{x509.HostnameError{Certificate: lived, Host: "api"}, WrongName},
		{x509.UnknownAuthorityError{Cert: lived}, UnknownIssuer},
		{errors.New("reset"), ""},
		{nil, ""},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		if got := Of(fmt.Errorf("ask: %w", &tls.CertificateVerificationError{Err: c.err})); got != c.want {
			t.Errorf("%v, wrapped: %q, want %q", c.err, got, c.want)
		}
	}
}
