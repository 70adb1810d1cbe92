package finrag

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"blackstart/harness"
	"blackstart/harness/targets/procs"
)

const (
	keptDir   = "kept"              // in the target's directory: what a swap has replaced
	otherName = "other.finrag.test" // in a certificate of the wrong name
	expiredBy = time.Hour           // how long an expired certificate has been so
)

// wrong issues a certificate for the key of a region in which one thing is wrong.
func (a *Authority) wrong(region string, key *ecdsa.PrivateKey, spec harness.CertificateSpec) ([]byte, error) {
	template, now := serverTemplate(region), time.Now()
	switch spec.Wrong {
	case harness.CertificateExpired:
		template.NotBefore, template.NotAfter = now.Add(-certificateLife), now.Add(-expiredBy)
	case harness.CertificateExpiring:
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(time.Duration(spec.Days)*24*time.Hour)
	case harness.CertificateWrongName:
		template.DNSNames = []string{otherName}
	case harness.CertificateUnknownIssuer:
		stranger, err := NewAuthority()
		if err != nil {
			return nil, err
		}
		a = stranger
	}
	_, der, err := issue(template, key, a.cert, a.key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate of %s that is %s: %w", region, spec.Wrong, err)
	}
	return encode("CERTIFICATE", der), nil
}

func checkCertificate(spec *harness.CertificateSpec) error {
	if spec == nil {
		return errors.New("it names no certificate")
	}
	switch spec.Wrong {
	case harness.CertificateExpired, harness.CertificateWrongName, harness.CertificateUnknownIssuer:
		return nil
	case harness.CertificateExpiring:
		if spec.Days < 1 {
			return fmt.Errorf("a certificate cannot expire in %d days", spec.Days)
		}
		return nil
	}
	return fmt.Errorf("a certificate cannot be %q: write expired, expiring, wrong-name or unknown-issuer", spec.Wrong)
}

// swap makes a region serve a wrong certificate for its own key. What it served first is kept on disk before.
func (s *Site) swap(ctx context.Context, w Ground, component string, spec harness.CertificateSpec) error {
	c, _ := s.Described.ComponentByName(component)
	key, err := readKey(s.Leaves[c.Region].KeyFile)
	if err != nil {
		return fmt.Errorf("read the key of %s: %w", component, err)
	}
	wrong, err := s.Authority.wrong(c.Region, key, spec)
	if err != nil {
		return err
	}
	if err := s.keepCertificate(ctx, w, component, c.Region); err != nil {
		return fmt.Errorf("keep the certificate of %s: %w", component, err)
	}
	return s.serve(ctx, w, component, c.Region, wrong)
}

// restore makes a region serve the certificate that was kept. If none was, none was replaced.
func (s *Site) restore(ctx context.Context, w Ground, component string) error {
	c, _ := s.Described.ComponentByName(component)
	kept, err := os.ReadFile(KeptCertificate(s.Dir, c.Region))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the certificate that %s served: %w", component, err)
	}
	return s.serve(ctx, w, component, c.Region, kept)
}

// serve gives a region a certificate and has it read it, if it runs.
func (s *Site) serve(ctx context.Context, w Ground, component, region string, content []byte) error {
	if err := w.WriteFile(ctx, component, s.Layout.TLS(region+".crt"), content); err != nil {
		return fmt.Errorf("replace the certificate of %s: %w", component, err)
	}
	c, _ := s.Described.ComponentByName(component)
	runs, err := w.Runs(ctx, component)
	if err == nil && runs {
		// One that has only just been started would die of the signal: it is sent when the API answers.
		if err = Await(ctx, deployLimit, func() bool { return false }, func(ctx context.Context) error { return s.askVersion(ctx, c, new(string)) }); err == nil {
			err = w.Reload(ctx, component)
		}
	}
	if err != nil {
		return fmt.Errorf("have %s read its certificate: %w", component, err)
	}
	return nil
}

// KeptCertificate is where, below the target's directory, the certificate is kept that a region served before a swap.
func KeptCertificate(dir, region string) string { return filepath.Join(dir, keptDir, region+".crt") }

// keepCertificate puts the certificate that a region serves into the state directory, unless one is there: the first is the
// original.
func (s *Site) keepCertificate(ctx context.Context, w Ground, component, region string) error {
	path := KeptCertificate(s.Dir, region)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	content, err := w.ReadFile(ctx, component, s.Layout.TLS(region+".crt"))
	if err != nil {
		return err
	}
	if err := procs.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // or a machine that dies may forget the name
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("it is not PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T", key)
	}
	return private, nil
}
