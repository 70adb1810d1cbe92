package pades

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
	"time"
)

// Report says what the signatures of a file are. It is complete when Verify returns nil or an error that wraps
// ErrOrigin; after any other error it holds what was found before.
type Report struct {
	Signatures  []Signature // in the order they were made
	EmptyFields []string    // signature fields that nobody has signed
}

// Signature is one signature whose bytes have been checked.
type Signature struct {
	Field       string
	Signer      *x509.Certificate
	Name        string // the person, as the signer wrote it
	Reason      string
	Location    string
	ClaimedTime time.Time // the signer's own word; zero when absent
	Certifies   bool      // it certifies the document (DocMDP)
	Covers      int       // length of the revision it covers, in bytes
	WholeFile   bool      // nothing stands behind what it covers
	Trusted     bool      // its chain leads to one of the roots at the given moment
}

// Verify checks every signature of a file at the moment at, which must come from a source the caller trusts. It demands
// that each signature leaves out its own contents and nothing else, that the last one covers the file to its end, that
// each earlier one covers an exact prefix which is itself a complete file, and that no revision after the first
// signature does more than fill an empty signature field.
//
// The error wraps ErrUnsigned, ErrAltered or ErrOrigin. With nil roots the result is at best ErrOrigin: the integrity
// of the file is then known, its origin is not.
func Verify(pdf []byte, roots *x509.CertPool, at time.Time) (Report, error) {
	var rep Report
	if at.IsZero() {
		return rep, fmt.Errorf("verify PDF: %w: the moment to verify at is needed", ErrOrigin)
	}
	signed, err := signedFields(pdf, &rep)
	if err != nil {
		return rep, fmt.Errorf("verify PDF: %w: %w", ErrAltered, err)
	}
	if len(signed) == 0 {
		return rep, fmt.Errorf("verify PDF: %w", ErrUnsigned)
	}
	var origin error
	for i, s := range signed {
		cms, err := s.verifyBytes(pdf)
		if err != nil {
			return rep, fmt.Errorf("verify PDF: signature %q: %w: %w", s.Field, ErrAltered, err)
		}
		s.Signer, s.WholeFile = cms.signer, s.Covers == len(pdf)
		if err := cms.trust(roots, at); err != nil {
			origin = errors.Join(origin, fmt.Errorf("verify PDF: signature %q: %w: %w", s.Field, ErrOrigin, err))
		} else {
			s.Trusted = true
		}
		rep.Signatures = append(rep.Signatures, s.Signature)
		if i == len(signed)-1 && !s.WholeFile {
			return rep, fmt.Errorf("verify PDF: %w: %d bytes stand behind the last signature", ErrAltered, len(pdf)-s.Covers)
		}
	}
	if err := checkRevisions(pdf, signed); err != nil {
		return rep, fmt.Errorf("verify PDF: %w: %w", ErrAltered, err)
	}
	return rep, origin
}

// placed is a signature with the places of its parts in the file.
type placed struct {
	Signature
	field    ref
	dict     ref
	from, to int // the contents, delimiters included
}

// signedFields finds the signatures of the newest revision, oldest first.
func signedFields(pdf []byte, rep *Report) ([]placed, error) {
	f, err := readFile(pdf)
	if err != nil {
		return nil, err
	}
	fields, err := f.fields()
	if err != nil {
		return nil, err
	}
	var out []placed
	for _, fd := range fields {
		if fd.sig == nil {
			rep.EmptyFields = append(rep.EmptyFields, fd.name)
			continue
		}
		r, ok := fd.sig.(ref)
		if !ok {
			return nil, fmt.Errorf("read field %q: its signature is not an indirect object", fd.name)
		}
		p := placed{field: fd.ref, dict: r}
		p.Field = fd.name
		if err := p.read(f); err != nil {
			return nil, fmt.Errorf("read field %q: %w", fd.name, err)
		}
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Covers < out[j].Covers })
	for i := 1; i < len(out); i++ {
		if out[i].Covers == out[i-1].Covers {
			return nil, errors.New("two signatures cover the same revision")
		}
	}
	return out, nil
}

// read takes the signature dictionary apart; it does not judge the signature itself.
func (p *placed) read(f *file) error {
	d, err := f.loadDict(p.dict)
	if err != nil {
		return err
	}
	if t := d.get("Type"); t != name("Sig") || d.get("SubFilter") != name("ETSI.CAdES.detached") {
		return fmt.Errorf("signature of type %v and format %v is not read", t, d.get("SubFilter"))
	}
	contents, ok := d.get("Contents").(text)
	if !ok || !contents.hex {
		return errors.New("its /Contents is no hexadecimal string")
	}
	list, ok := d.get("ByteRange").(array)
	if !ok || len(list) != 4 {
		return errors.New("its /ByteRange is not four numbers")
	}
	var n [4]int
	for i, e := range list {
		if n[i], ok = toInt(e); !ok {
			return errors.New("its /ByteRange is not four numbers")
		}
	}
	p.from, p.to, p.Covers = contents.start, contents.end, n[2]+n[3]
	if n[0] != 0 || n[1] != p.from || n[2] != p.to || p.Covers > len(f.b) {
		return fmt.Errorf("its /ByteRange %v does not leave out exactly /Contents, bytes %d to %d", n, p.from, p.to)
	}
	p.Name, p.Reason, p.Location = decodeText(d.get("Name")), decodeText(d.get("Reason")), decodeText(d.get("Location"))
	if m := decodeText(d.get("M")); m != "" {
		if p.ClaimedTime, err = time.Parse(timeLayout, m); err != nil {
			return fmt.Errorf("read claimed time: %w", err)
		}
	}
	cat, err := f.catalog()
	if err != nil {
		return err
	}
	perms, err := f.resolve(cat.get("Perms"))
	if d, ok := perms.(dict); ok {
		p.Certifies = d.get("DocMDP") == p.dict
	}
	return err
}

// verifyBytes checks that the signature in the contents is over everything else in its revision.
func (p *placed) verifyBytes(pdf []byte) (*signature, error) {
	raw := pdf[p.from+1 : p.to-1]
	der := make([]byte, len(raw)/2)
	if _, err := hex.Decode(der, raw); err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	if !bytes.Equal(hex.AppendEncode(nil, der), raw) {
		return nil, errors.New("read contents: not plain lower-case hexadecimal")
	}
	n, err := derLength(der)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(der[n:], make([]byte, len(der)-n)) {
		return nil, errors.New("read contents: the unused room is not empty")
	}
	cms, err := parseCMS(der[:n])
	if err != nil {
		return nil, err
	}
	return cms, cms.check(digestAround(pdf[:p.Covers], p.from, p.to))
}

// derLength returns the length of the DER element at the start of b, header included.
func derLength(b []byte) (int, error) {
	const sequence, longForm = 0x30, 0x80
	if len(b) < 6 || b[0] != sequence {
		return 0, errors.New("read contents: no signature in it")
	}
	n, size := int(b[1]), 2
	if n >= longForm {
		count := n &^ longForm
		if count < 1 || count > 3 {
			return 0, errors.New("read contents: length of the signature is out of bounds")
		}
		n = 0
		for _, c := range b[2 : 2+count] {
			n = n<<8 | int(c)
		}
		size += count
	}
	if size+n > len(b) {
		return 0, errors.New("read contents: the signature is longer than its room")
	}
	return size + n, nil
}
