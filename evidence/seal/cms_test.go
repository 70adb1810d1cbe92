package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/cms"

	"golang.org/x/crypto/cryptobyte"
)

var manifestText = []byte(strings.Repeat("0", 64) + "  data/a\n")

// authority issues leaves below an intermediate, for tests.
type authority struct {
	root, mid *x509.Certificate
	midKey    crypto.Signer
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	midKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	root, err := issue(ca("root"), ca("root"), rootKey.Public(), rootKey)
	ok(t, err)
	mid, err := issue(ca("intermediate"), root, midKey.Public(), rootKey)
	ok(t, err)
	return authority{root, mid, midKey}
}

func signerTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "signer"}, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:           x509.KeyUsageDigitalSignature,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		UnknownExtKeyUsage: []asn1.ObjectIdentifier{cms.DocumentSigning},
	}
}

func (a authority) leaf(t testing.TB, template *x509.Certificate, key crypto.Signer) []*x509.Certificate {
	t.Helper()
	c, err := issue(template, a.mid, key.Public(), a.midKey)
	ok(t, err)
	return []*x509.Certificate{c, a.mid, a.root}
}

func keys(t testing.TB) map[string]crypto.Signer {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, MinRSABits)
	ok(t, err)
	return map[string]crypto.Signer{"ecdsa": ec, "rsa": rs}
}

func TestCMSEveryFlippedByteIsRefused(t *testing.T) {
	a := newAuthority(t)
	for name, key := range keys(t) {
		id, err := NewIdentity(key, a.leaf(t, signerTemplate(), key))
		ok(t, err)
		if len(id.Chain) != 2 {
			t.Fatalf("%s: %d certificates, want signer and intermediate", name, len(id.Chain))
		}
		p7s, err := SignCMS(manifestText, id, time.Now())
		ok(t, err)
		s, err := VerifyCMS(manifestText, p7s)
		ok(t, err)
		ok(t, CheckOrigin(s, []*x509.Certificate{a.root}, time.Now()))
		for at := range p7s {
			for _, mask := range []byte{1, 0x20, 0x80} {
				bad := bytes.Clone(p7s)
				bad[at] ^= mask
				if _, err := VerifyCMS(manifestText, bad); err == nil {
					t.Fatalf("%s: byte %d of %d flipped by %#x: accepted", name, at, len(p7s), mask)
				}
			}
		}
		for what, bad := range map[string][]byte{
			"trailer": append(bytes.Clone(p7s), 0), "cut": p7s[:len(p7s)-1], "twice": append(bytes.Clone(p7s), p7s...), "empty": nil,
		} {
			if _, err := VerifyCMS(manifestText, bad); err == nil {
				t.Errorf("%s: %s accepted", name, what)
			}
		}
		if _, err := VerifyCMS(append(manifestText, '\n'), p7s); err == nil {
			t.Errorf("%s: other content accepted", name)
		}
	}
}

// TestCMSOtherForms: signatures that openssl accepts and that are not the one
// form.
func TestCMSOtherForms(t *testing.T) {
	id := fixtureIdentity()
	p7s, err := SignCMS(manifestText, id.Identity, time.Now())
	ok(t, err)
	p, err := parseCMS(p7s)
	ok(t, err)
	var r, s big.Int
	var inner cryptobyte.String
	in := cryptobyte.String(p.signature)
	if !in.ReadASN1(&inner, 0x30) || !inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) {
		t.Fatal("cannot read own signature")
	}
	s.Sub(elliptic.P256().Params().N, &s)
	p.signature, err = asn1.Marshal(struct{ R, S *big.Int }{&r, &s})
	ok(t, err)
	der, err := p.der()
	ok(t, err)
	if _, err := VerifyCMS(manifestText, der); err == nil {
		t.Error("the other of two equivalent ECDSA signatures was accepted")
	}
	// A certificate more, which signing-certificate-v2 does not name.
	p, err = parseCMS(p7s)
	ok(t, err)
	extra := p
	extra.chain = append(p.chain[:1:1], id.Root)
	if der, err = extra.der(); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyCMS(manifestText, der); err == nil {
		t.Error("a certificate more was accepted")
	}
}

func TestSignersThatAreRefused(t *testing.T) {
	a := newAuthority(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ok(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	ok(t, err)
	for what, change := range map[string]func(*x509.Certificate){
		"tls":              func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
		"no documents":     func(c *x509.Certificate) { c.UnknownExtKeyUsage = nil },
		"no signature use": func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment },
		"authority":        func(c *x509.Certificate) { c.IsCA = true },
	} {
		c := signerTemplate()
		change(c)
		if _, err := NewIdentity(key, a.leaf(t, c, key)); err == nil {
			t.Errorf("%s: want an error", what)
		}
	}
	if _, err := NewIdentity(p384, a.leaf(t, signerTemplate(), p384)); err == nil {
		t.Error("P-384: want an error")
	}
	if _, err := NewIdentity(key, a.leaf(t, signerTemplate(), p384)); err == nil {
		t.Error("other key: want an error")
	}
	chain := a.leaf(t, signerTemplate(), key)
	if _, err := NewIdentity(key, append(chain[:1:1], newAuthority(t).mid)); err == nil {
		t.Error("foreign intermediate: want an error")
	}
}

// TestWhyASignerLeadsToNoRoot is said in words that name both sides, and what to do.
func TestWhyASignerLeadsToNoRoot(t *testing.T) {
	own, err := NewThrowawayIdentity("a person")
	ok(t, err)
	other, err := NewThrowawayIdentity("a person") // of the same name
	ok(t, err)
	now := time.Now()
	p7s, err := SignCMS(manifestText, own.Identity, now)
	ok(t, err)
	s, err := VerifyCMS(manifestText, p7s)
	ok(t, err)
	_, strange := CheckRooted(s, []*x509.Certificate{other.Root}, now)
	for _, want := range []string{Fingerprint(other.Root)[:16], Fingerprint(own.Leaf())[:16], "has not issued", "give the root that reached you"} {
		if strange == nil || !strings.Contains(strange.Error(), want) || strings.Contains(strange.Error(), "x509") {
			t.Errorf("another root: %v, want %q", strange, want)
		}
	}
	late := CheckOrigin(s, []*x509.Certificate{own.Root}, now.AddDate(30, 0, 0))
	if late == nil || !strings.Contains(late.Error(), "is valid from") || strings.Contains(late.Error(), "x509") {
		t.Errorf("years later: %v", late)
	}
}

func TestCheckOriginTimes(t *testing.T) {
	a := newAuthority(t)
	key := keys(t)["ecdsa"]
	id, err := NewIdentity(key, a.leaf(t, signerTemplate(), key))
	ok(t, err)
	for what, c := range map[string]struct{ signed, at time.Duration }{
		"in the future": {30 * time.Minute, 0}, "before the certificate": {-2 * time.Hour, 0}, "expired": {0, 2 * time.Hour},
	} {
		p7s, err := SignCMS(manifestText, id, time.Now().Add(c.signed))
		ok(t, err)
		s, err := VerifyCMS(manifestText, p7s)
		ok(t, err)
		if err := CheckOrigin(s, []*x509.Certificate{a.root}, time.Now().Add(c.at)); err == nil {
			t.Errorf("%s: accepted", what)
		}
		if err := checkSignedAt(s, time.Now().Add(c.at)); err == nil {
			t.Errorf("%s: accepted for a pinned key", what)
		}
	}
}

func TestLoadIdentity(t *testing.T) {
	a := newAuthority(t)
	for name, key := range keys(t) {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		ok(t, err)
		out := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		chain := a.leaf(t, signerTemplate(), key)
		path := filepath.Join(t.TempDir(), "id.pem")
		for i, c := range chain {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
			if i == 0 {
				ok(t, os.WriteFile(path, out, 0o600))
				_, err = LoadIdentity(path)
				ok(t, err)
			}
		}
		ok(t, os.WriteFile(path, out, 0o600))
		id, err := LoadIdentity(path)
		ok(t, err)
		if !id.Leaf().Equal(chain[0]) {
			t.Errorf("%s: wrong leaf", name)
		}
		ok(t, os.WriteFile(path, append(out, out...), 0o600))
		if _, err := LoadIdentity(path); err == nil {
			t.Errorf("%s: two keys: want an error", name)
		}
		ok(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}), 0o600))
		if _, err := LoadIdentity(path); err == nil || !strings.Contains(err.Error(), "unencrypted") {
			t.Errorf("%s: encrypted key: %v", name, err)
		}
	}
}

// TestOpenSSLAgrees runs the auditor's command.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("needs the openssl command on PATH")
	}
	a := newAuthority(t)
	ids := map[string]*Identity{"throw-away": fixtureIdentity().Identity}
	roots := map[string]*x509.Certificate{"throw-away": fixtureIdentity().Root}
	for name, key := range keys(t) {
		id, err := NewIdentity(key, a.leaf(t, signerTemplate(), key))
		ok(t, err)
		ids[name], roots[name] = id, a.root
	}
	for name, id := range ids {
		dir := t.TempDir()
		p7s, err := SignCMS(manifestText, id, time.Now())
		ok(t, err)
		put(t, dir, "p7s", p7s)
		put(t, dir, "manifest", manifestText)
		put(t, dir, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots[name].Raw}))
		run := func() (string, error) {
			cmd := exec.CommandContext(context.Background(), openssl, "cms", "-verify", "-cades", "-binary", "-inform", "DER",
				"-in", "p7s", "-content", "manifest", "-CAfile", "root.pem", "-out", os.DevNull)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := run(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		put(t, dir, "manifest", append(manifestText, ' '))
		if _, err := run(); err == nil {
			t.Errorf("%s: openssl accepts other content: the test proves nothing", name)
		}
	}
}

func TestTrust(t *testing.T) {
	a := newAuthority(t)
	key := keys(t)["ecdsa"]
	id, err := NewIdentity(key, a.leaf(t, signerTemplate(), key))
	ok(t, err)
	p7s, err := SignCMS(manifestText, id, time.Now())
	ok(t, err)
	s, err := VerifyCMS(manifestText, p7s)
	ok(t, err)
	dir := t.TempDir()
	put(t, dir, "root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw}))
	put(t, dir, "other.pem", fixtureIdentity().RootPEM)
	good := fmt.Sprintf(`{"format":"blackstart.trust/1","anchors":[{"role":"executor","root_pem":"root.pem","spki_sha256":%q,"not_before":"2020-01-01T00:00:00Z","not_after":"2099-01-01T00:00:00Z","highest_class":"staging"}]}`+"\n", SPKI(s.Signer()))
	load := func(text string) (*Trust, error) {
		put(t, dir, "trust.json", []byte(text))
		return LoadTrust(filepath.Join(dir, "trust.json"))
	}
	for _, text := range []string{good, strings.Replace(good, `"root_pem":"root.pem",`, "", 1)} {
		tr, err := load(text)
		ok(t, err)
		ok(t, tr.Vouch(s, "executor", "staging", time.Now()))
		ok(t, tr.Vouch(s, "executor", "rehearsal", time.Now()))
		for _, bad := range [][2]string{{"executor", "production"}, {"reviewer", "staging"}, {"executor", ""}} {
			if err := tr.Vouch(s, bad[0], bad[1], time.Now()); err == nil {
				t.Errorf("vouches for %v", bad)
			}
		}
		if err := tr.Vouch(s, "executor", "staging", time.Now().Add(2*time.Hour)); err == nil {
			t.Error("vouches with an expired certificate")
		}
	}
	for old, new := range map[string]string{"root.pem": "other.pem", SPKI(s.Signer()): SPKI(a.mid), "2099": "2021"} {
		tr, err := load(strings.Replace(good, old, new, 1))
		ok(t, err)
		if err := tr.Vouch(s, "executor", "staging", time.Now()); err == nil {
			t.Errorf("%s in place of %s: vouches", new, old)
		}
	}
	for old, new := range map[string]string{
		"trust/1": "trust/2", "executor": "boss", "staging": "moon", `"root.pem"`: `"none.pem"`, "2099": "2019",
		`"role"`: `"Role"`, `"format"`: `"x":1,"format"`, "2020-01-01T00": "yesterday", SPKI(s.Signer()): "abc", "]}\n": "]}",
	} {
		if _, err := load(strings.Replace(good, old, new, 1)); err == nil {
			t.Errorf("%s in place of %s: loaded", new, old)
		}
	}
	demanding := strings.Replace(good, `"}]}`, `"}],"registers":["blackstart/p1+34364a33+AZAekN+J/NgXz4iUabT3kmulHcLHBDBWFzfiQcAyF1Ex"]}`, 1)
	for text, want := range map[string]string{demanding: "", strings.Replace(demanding, "34364a33", "34364a34", 1): "register 1", strings.Replace(demanding, "p1+", "p1", 1): "register 1"} {
		if _, err := load(text); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	p := newPack(t, nil)
	put(t, dir, "trust.json", []byte(strings.ReplaceAll(strings.Replace(good, "root.pem", "other.pem", 1), SPKI(s.Signer()), SPKI(p.id.Leaf()))))
	o := p.options()
	o.Trust, err = LoadTrust(filepath.Join(dir, "trust.json"))
	ok(t, err)
	r := verify(t, p.zip, o)
	if r.Answer(Origin) != OK {
		t.Errorf("origin under a trust file: %v: %v", r.Answer(Origin), r.Checks)
	}
	o.Role = "reviewer"
	if r = verify(t, p.zip, o); r.Answer(Origin) != Failed {
		t.Errorf("origin as reviewer: %v", r.Answer(Origin))
	}
}
