package pades

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/phpdave11/gofpdf"
)

var signedAt = time.Date(2026, 3, 2, 14, 30, 5, 0, time.UTC)

// plainPDF makes a document the way the reports are made.
func plainPDF(t testing.TB, pages int) []byte {
	t.Helper()
	p := gofpdf.New("P", "mm", "A4", "")
	p.SetCatalogSort(true)
	p.SetCreationDate(signedAt)
	p.SetModificationDate(signedAt)
	for i := range pages {
		p.AddPage()
		p.SetFont("Helvetica", "", 12)
		p.Text(20, 30, fmt.Sprintf("page %d", i+1))
		p.LinkString(20, 40, 30, 10, "https://example.test/")
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key := newKey(t)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Signing root"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: signedAt.Add(-time.Hour), NotAfter: signedAt.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, cert}
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// issue makes a certificate for a public key; change may alter the template first.
func (a authority) issue(t testing.TB, name string, pub crypto.PublicKey, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		NotBefore: signedAt.Add(-time.Hour), NotAfter: signedAt.AddDate(1, 0, 0)}
	if change != nil {
		change(tpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (a authority) options(t testing.TB, name string, key crypto.Signer) Options {
	t.Helper()
	return Options{Signer: key, Chain: []*x509.Certificate{a.issue(t, name, key.Public(), nil), a.cert},
		Time: signedAt, Reason: "Drill evidence (sealed)", Location: "rehearsal host", Box: Rect{60, 700, 280, 770}}
}

// certified signs a document as the executor does: certified, with an empty field for the reviewer.
func certified(t testing.TB, a authority, pages int) []byte {
	t.Helper()
	o := a.options(t, "Eve Executor", newKey(t))
	o.Certify, o.ReviewerField, o.ReviewerBox = true, true, Rect{300, 700, 540, 770}
	out, err := Sign(plainPDF(t, pages), o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reviewed adds the reviewer's approval in the empty field.
func reviewed(t testing.TB, a authority, pdf []byte) []byte {
	t.Helper()
	o := a.options(t, "Rae Reviewer", newKey(t))
	o.FieldName = "Reviewer"
	out, err := Sign(pdf, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSignThenVerify(t *testing.T) {
	a := newAuthority(t)
	plain := plainPDF(t, 3)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"ecdsa": newKey(t), "rsa": rsaKey} {
		for _, page := range []int{0, 2, -1} {
			o := a.options(t, "Zoë Łęcka ☃", key)
			o.Page = page
			signed, err := Sign(plain, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !bytes.HasPrefix(signed, plain) {
				t.Fatalf("%s: the original is not a prefix", name)
			}
			rep, err := Verify(signed, a.pool(), signedAt)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			s := rep.Signatures[0]
			if len(rep.Signatures) != 1 || !s.WholeFile || !s.Trusted || s.Certifies || s.Name != "Zoë Łęcka ☃" ||
				s.Reason != "Drill evidence (sealed)" || !s.ClaimedTime.Equal(signedAt) || s.Field != "Signature" {
				t.Errorf("%s: report %+v", name, rep)
			}
		}
	}
}

func TestReviewerSignsLater(t *testing.T) {
	a := newAuthority(t)
	first := certified(t, a, 2)
	rep, err := Verify(first, a.pool(), signedAt)
	if err != nil || !rep.Signatures[0].Certifies || len(rep.EmptyFields) != 1 || rep.EmptyFields[0] != "Reviewer" {
		t.Fatalf("certified: %+v, %v", rep, err)
	}
	second := reviewed(t, a, first)
	if !bytes.HasPrefix(second, first) {
		t.Fatal("the certified file is not a prefix of the reviewed one")
	}
	rep, err = Verify(second, a.pool(), signedAt)
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Signatures) != 2 || rep.Signatures[0].WholeFile || !rep.Signatures[1].WholeFile || rep.Signatures[1].Field != "Reviewer" ||
		rep.Signatures[1].Certifies || rep.Signatures[0].Covers != len(first) {
		t.Errorf("report %+v", rep)
	}
	o := a.options(t, "Third", newKey(t))
	for _, field := range []string{"Reviewer", "Signature", "Other"} {
		o.FieldName = field
		if _, err := Sign(second, o); err == nil {
			t.Errorf("field %s could be signed again or added", field)
		}
	}
}

// Every byte counts: any one flipped bit must be found, wherever it stands.
func TestFlippedByteIsFound(t *testing.T) {
	a := newAuthority(t)
	first := certified(t, a, 1)
	flipAll(t, a, first, 1)
	flipAll(t, a, reviewed(t, a, first), 7)
}

// flipAll changes one bit in every stride-th byte, one at a time.
func flipAll(t *testing.T, a authority, pdf []byte, stride int) {
	t.Helper()
	pool := a.pool()
	const padding = 499 // of the empty room only every 499th byte is tried
	bits := []byte{0x01, 0x20, 0x80}
	for i := 0; i < len(pdf); i += stride {
		inPadding := pdf[i] == '0' && i > 8 && i+8 < len(pdf) && string(pdf[i-8:i+8]) == "0000000000000000"
		if inPadding && i%padding != 0 {
			continue
		}
		mutant := bytes.Clone(pdf)
		mutant[i] ^= bits[i%len(bits)]
		if _, err := Verify(mutant, pool, signedAt); err == nil {
			t.Fatalf("byte %d changed from %q to %q was not found", i, pdf[i], mutant[i])
		}
	}
}

func TestAppendedRevisionIsFound(t *testing.T) {
	a := newAuthority(t)
	pdf := certified(t, a, 1)
	o := a.options(t, "Attacker", newKey(t))
	o.FieldName = "Reviewer"
	f, err := readFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	_, page, err := f.page(1)
	if err != nil {
		t.Fatal(err)
	}
	u := &update{file: f, next: f.size, objects: map[ref][]byte{}}
	u.sig = u.add([]byte("<< /Contents <00> >>")) // never referred to
	u.objects[ref{3, 0}] = appendObject(nil, page.without("Contents"))
	shadow, _, err := u.write()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"one newline":           append(bytes.Clone(pdf), '\n'),
		"a comment":             append(bytes.Clone(pdf), "%x\n%%EOF\n"...),
		"an unsigned update":    shadow,
		"cut short":             pdf[:len(pdf)-1],
		"something before":      append([]byte("%\n"), pdf...),
		"empty":                 nil,
		"the update, signed on": nil,
	}
	if cases["the update, signed on"], err = Sign(shadow, o); err != nil {
		t.Fatal(err)
	}
	for name, b := range cases {
		if _, err := Verify(b, a.pool(), signedAt); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Verify(plainPDF(t, 1), a.pool(), signedAt); !errors.Is(err, ErrUnsigned) {
		t.Errorf("unsigned: %v", err)
	}
}

func TestOrigin(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	key := newKey(t)
	tls := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	expired := func(c *x509.Certificate) { c.NotAfter = signedAt.Add(-time.Minute) }
	for name, c := range map[string]struct {
		chain []*x509.Certificate
		roots *x509.CertPool
		at    time.Time
	}{
		"another root":   {[]*x509.Certificate{a.issue(t, "x", key.Public(), nil), a.cert}, other.pool(), signedAt},
		"no roots":       {[]*x509.Certificate{a.issue(t, "x", key.Public(), nil), a.cert}, nil, signedAt},
		"a server's key": {[]*x509.Certificate{a.issue(t, "x", key.Public(), tls), a.cert}, a.pool(), signedAt},
		"an expired key": {[]*x509.Certificate{a.issue(t, "x", key.Public(), expired), a.cert}, a.pool(), signedAt},
		"a later moment": {[]*x509.Certificate{a.issue(t, "x", key.Public(), nil), a.cert}, a.pool(), signedAt.AddDate(3, 0, 0)},
		"no moment":      {[]*x509.Certificate{a.issue(t, "x", key.Public(), nil), a.cert}, a.pool(), time.Time{}},
		"a stray in tow": {[]*x509.Certificate{a.issue(t, "x", key.Public(), nil), a.cert, other.cert}, a.pool(), signedAt},
	} {
		o := a.options(t, "x", key)
		o.Chain = c.chain
		pdf, err := Sign(plainPDF(t, 1), o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(pdf, c.roots, c.at); !errors.Is(err, ErrOrigin) || errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	a := newAuthority(t)
	plain := plainPDF(t, 1)
	for name, change := range map[string]func(*Options){
		"no signer":       func(o *Options) { o.Signer = nil },
		"no certificate":  func(o *Options) { o.Chain = nil },
		"no time":         func(o *Options) { o.Time = time.Time{} },
		"another key":     func(o *Options) { o.Signer = newKey(t) },
		"no box":          func(o *Options) { o.Box = Rect{} },
		"no such page":    func(o *Options) { o.Page = 2 },
		"reviewer no box": func(o *Options) { o.ReviewerField = true },
		"dotted name":     func(o *Options) { o.FieldName = "a.b" },
		"too many parents": func(o *Options) {
			for range 40 {
				o.Chain = append(o.Chain, a.cert)
			}
		},
	} {
		o := a.options(t, "x", newKey(t))
		change(&o)
		if _, err := Sign(plain, o); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	for _, b := range []string{"", "%PDF-1.4", "not a PDF", strings.Replace(string(plain), "/Root", "/Encrypt 1 0 R /Root", 1)} {
		if _, err := Sign([]byte(b), a.options(t, "x", newKey(t))); err == nil {
			t.Errorf("signed %.20q", b)
		}
	}
}
