package pades

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Programs that others wrote must agree with this package. Each is asked where it is installed.

// run executes a program and returns all it printed.
func run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return string(out)
}

// installed skips the test, saying why, unless every program is there.
func installed(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

// save writes the certified and the reviewed document, and the root, into a directory.
func save(t *testing.T) (dir string, files map[string]int) {
	t.Helper()
	a := newAuthority(t)
	dir = t.TempDir()
	first := certified(t, a, 2)
	for name, b := range map[string][]byte{"certified.pdf": first, "reviewed.pdf": reviewed(t, a, first),
		"root.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, map[string]int{"certified.pdf": 1, "reviewed.pdf": 2}
}

func TestPdfsigAgrees(t *testing.T) {
	installed(t, "pdfsig", "certutil")
	dir, files := save(t)
	run(t, "certutil", "-N", "-d", "sql:"+dir, "--empty-password")
	run(t, "certutil", "-A", "-d", "sql:"+dir, "-n", "root", "-t", "CT,CT,CT", "-i", filepath.Join(dir, "root.pem"))
	for name, signatures := range files {
		out := run(t, "pdfsig", "-nssdir", "sql:"+dir, filepath.Join(dir, name))
		last := out[strings.LastIndex(out, "Signed Ranges"):]
		if strings.Count(out, "Signature is Valid") != signatures || strings.Count(out, "Certificate is Trusted") != signatures ||
			strings.Count(out, "ETSI.CAdES.detached") != signatures || !strings.Contains(last, "Total document signed") {
			t.Errorf("pdfsig on %s:\n%s", name, out)
		}
	}
}

func TestQpdfAgrees(t *testing.T) {
	installed(t, "qpdf")
	dir, files := save(t)
	for name := range files {
		out := run(t, "qpdf", "--check", filepath.Join(dir, name))
		if !strings.Contains(out, "No syntax or stream encoding errors") || strings.Contains(out, "WARNING") {
			t.Errorf("qpdf on %s:\n%s", name, out)
		}
	}
}

func TestOpensslAgrees(t *testing.T) {
	installed(t, "openssl")
	dir, _ := save(t)
	pdf, err := os.ReadFile(filepath.Join(dir, "reviewed.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signedFields(pdf, &Report{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signed {
		der := make([]byte, 0, contentsRoom)
		l := lexer{b: pdf, pos: s.from}
		o, err := l.hex()
		if err != nil {
			t.Fatal(err)
		}
		n, err := derLength(o.(text).val)
		if err != nil {
			t.Fatal(err)
		}
		der = append(der, o.(text).val[:n]...)
		content := append(append([]byte{}, pdf[:s.from]...), pdf[s.to:s.Covers]...)
		for name, b := range map[string][]byte{"cms.der": der, "content": content} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run(t, "openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", filepath.Join(dir, "cms.der"),
			"-content", filepath.Join(dir, "content"), "-CAfile", filepath.Join(dir, "root.pem"),
			"-attime", "1772461805", "-out", "/dev/null")
	}
}
