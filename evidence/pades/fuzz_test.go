package pades

import (
	"bytes"
	"testing"
)

// Foreign bytes may be anything: reading them returns an error or a structure, and never more.
func FuzzRead(f *testing.F) {
	f.Add(plainPDF(f, 2))
	f.Add(certified(f, newAuthority(f), 1))
	f.Add([]byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 1 0 R/AcroForm<</Fields[1 0 R]>>>>endobj xref\n0 2\n0 65535 f 9 0 n trailer<</Root 1 0 R/Size 2>>startxref 84\n%%EOF"))
	f.Add([]byte("%PDF-1.4 <<[(\\777(<ff>)\\\r\n)/a#20b -1.5 true null 1 0 R]>>startxref 9 %%EOF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := lexer{b: b}
		for l.pos < len(l.b) {
			at := l.pos
			o, err := l.object(0)
			if err != nil || l.pos == at {
				break
			}
			again := lexer{b: appendObject(nil, o)}
			if _, err := again.object(0); err != nil {
				t.Fatalf("what was read is written as %q, which cannot be read: %v", again.b, err)
			}
		}
		file, err := readFile(b)
		if err != nil {
			return
		}
		_, _ = file.fields()
		_, _, _ = file.page(-1)
	})
}

// No edit of a signed file may be accepted.
func FuzzVerify(f *testing.F) {
	a := newAuthority(f)
	pdf := certified(f, a, 1)
	f.Add(uint(100), []byte("x"))
	f.Add(uint(len(pdf)), []byte("\n"))
	f.Add(uint(len(pdf)-1), []byte{})
	f.Add(uint(3000), []byte("AB"))
	f.Fuzz(func(t *testing.T, at uint, patch []byte) {
		i := int(at % uint(len(pdf)+1))
		mutant := append(bytes.Clone(pdf[:i]), patch...)
		if i+len(patch) < len(pdf) {
			mutant = append(mutant, pdf[i+len(patch):]...)
		}
		if bytes.Equal(mutant, pdf) {
			return
		}
		if _, err := Verify(mutant, a.pool(), signedAt); err == nil {
			t.Fatalf("patch %q at byte %d is accepted", patch, i)
		}
	})
}
