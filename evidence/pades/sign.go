package pades

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Options says who signs what, and where it is seen.
type Options struct {
	Signer crypto.Signer       // RSA or ECDSA
	Chain  []*x509.Certificate // the signer's certificate first, then its issuers; all of them are embedded
	Time   time.Time           // what the signer claims (/M); required, never taken from a clock here

	FieldName string // "Signature" when empty; the name of an existing empty field fills that field
	Name      string // the natural person who signs; the certificate's common name when empty
	Reason    string
	Location  string

	Page int  // page of the visible box, counted from 1; 0 is the first page, −1 the last
	Box  Rect // the visible box; ignored when an existing field is filled

	Certify bool // certify the document at DocMDP level 2: afterwards only fields may be filled and signatures added

	// ReviewerField adds an empty visible signature field in the same revision, before the signature that covers it:
	// viewers refuse fields that are added to a certified document.
	ReviewerField bool
	ReviewerName  string // "Reviewer" when empty
	ReviewerBox   Rect   // on the same page
}

const (
	defaultField    = "Signature"
	defaultReviewer = "Reviewer"
	timeLayout      = "D:20060102150405Z" // UTC
	rangeWidth      = 10                  // digits reserved for each number of the byte range
)

// Sign returns pdf followed by one revision that carries the signature. The bytes of pdf are an exact prefix of the
// result. A document that is already signed can only be signed in a field that exists and is empty.
func Sign(pdf []byte, o Options) ([]byte, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	f, err := readFile(pdf)
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	u := &update{file: f, next: f.size, objects: map[ref][]byte{}}
	if err := u.compose(o); err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	out, contents, err := u.write()
	if err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	if err := fillContents(out, contents, o); err != nil {
		return nil, fmt.Errorf("sign PDF: %w", err)
	}
	return out, nil
}

// complete checks the options and puts the defaults in.
func (o *Options) complete() error {
	switch {
	case o.Signer == nil || len(o.Chain) == 0:
		return errors.New("a signer and its certificate are needed")
	case o.Time.IsZero():
		return errors.New("the claimed time is needed")
	}
	pub, ok := o.Chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !pub.Equal(o.Signer.Public()) {
		return errors.New("the first certificate is not that of the signing key")
	}
	if o.FieldName == "" {
		o.FieldName = defaultField
	}
	if o.Name == "" {
		o.Name = o.Chain[0].Subject.CommonName
	}
	if o.ReviewerName == "" {
		o.ReviewerName = defaultReviewer
	}
	if o.Page == 0 {
		o.Page = 1
	}
	if o.ReviewerField && (!o.ReviewerBox.ok() || o.ReviewerName == o.FieldName) {
		return errors.New("the reviewer's field needs a box of at least 18 by 18 points and a name of its own")
	}
	if strings.ContainsAny(o.FieldName+o.ReviewerName, ".") {
		return errors.New("field names may not contain a period")
	}
	return nil
}

// compose decides which objects the new revision holds.
func (u *update) compose(o Options) error {
	fields, err := u.file.fields()
	if err != nil {
		return err
	}
	signed := false
	var empty *field
	for i, fd := range fields {
		signed = signed || fd.sig != nil
		if fd.name == o.FieldName {
			empty = &fields[i]
		}
	}
	switch {
	case empty != nil && empty.sig != nil:
		return fmt.Errorf("field %q is already signed", o.FieldName)
	case signed && empty == nil:
		return fmt.Errorf("the document is signed and has no empty field %q: add the field before the first signature", o.FieldName)
	case signed && (o.Certify || o.ReviewerField):
		return errors.New("a signed document can no longer be certified or be given fields")
	}
	sig := u.add(nil)
	u.objects[sig] = signatureObject(o)
	u.sig = sig
	if empty != nil {
		if o.Certify {
			return errors.New("filling an existing field cannot certify the document")
		}
		return u.fill(*empty, sig, o)
	}
	return u.addFields(sig, o)
}

// fill signs an existing empty field: the field object alone is written anew.
func (u *update) fill(fd field, sig ref, o Options) error {
	box, err := readRect(fd.dict.get("Rect"))
	if err != nil {
		return fmt.Errorf("read field %q: %w", fd.name, err)
	}
	ap := u.addStream(box, o.boxLines())
	u.objects[fd.ref] = appendObject(nil, fd.dict.with("V", sig).with("AP", dict{{"N", ap}}))
	return nil
}

// addFields makes the signature's field, and the reviewer's when asked, and hangs them into page and form.
func (u *update) addFields(sig ref, o Options) error {
	if !o.Box.ok() {
		return errors.New("the visible box must lie on the page and measure at least 18 by 18 points")
	}
	pageRef, page, err := u.file.page(o.Page)
	if err != nil {
		return err
	}
	refs := array{u.addField(pageRef, o.FieldName, o.Box, sig, o.boxLines())}
	if o.ReviewerField {
		refs = append(refs, u.addField(pageRef, o.ReviewerName, o.ReviewerBox, nil, []string{o.ReviewerName, "not signed"}))
	}
	annots, err := u.file.resolve(page.get("Annots"))
	if err != nil {
		return err
	}
	old, ok := annots.(array)
	if !ok && annots != nil {
		return errors.New("read page: /Annots is not an array")
	}
	u.objects[pageRef] = appendObject(nil, page.with("Annots", append(append(array{}, old...), refs...)))
	return u.extendCatalog(refs, sig, o)
}

// extendCatalog writes the catalog with the form and, for a certification, the permissions.
func (u *update) extendCatalog(refs array, sig ref, o Options) error {
	cat, err := u.file.catalog()
	if err != nil {
		return err
	}
	form, err := u.file.form()
	if err != nil {
		return err
	}
	old, err := u.file.resolve(form.get("Fields"))
	if err != nil {
		return err
	}
	list, _ := old.(array) // fields has already refused anything else
	form = form.with("Fields", append(append(array{}, list...), refs...)).with("SigFlags", number("3"))
	cat = cat.with("AcroForm", form).with("Version", name("1.7"))
	if o.Certify {
		cat = cat.with("Perms", dict{{"DocMDP", sig}})
	}
	u.objects[u.file.root] = appendObject(nil, cat)
	return nil
}

// boxLines is what the visible box says.
func (o Options) boxLines() []string {
	lines := []string{"Digitally signed by " + o.Name}
	if cn := o.Chain[0].Subject.CommonName; cn != o.Name {
		lines = append(lines, "Certificate: "+cn)
	}
	lines = append(lines, "Time claimed by the signer: "+o.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
	if o.Reason != "" {
		lines = append(lines, "Reason: "+o.Reason)
	}
	if o.Location != "" {
		lines = append(lines, "Location: "+o.Location)
	}
	return lines
}

// signatureObject writes the signature dictionary with placeholders for the byte range and the contents.
func signatureObject(o Options) []byte {
	var b []byte
	b = append(b, "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached"...)
	for _, e := range (dict{{"Name", encodeText(o.Name)}, {"Reason", encodeText(o.Reason)}, {"Location", encodeText(o.Location)},
		{"M", encodeText(o.Time.UTC().Format(timeLayout))}}) {
		if len(e.val.(text).val) > 0 {
			b = append(append(append(append(b, " /"...), e.key...), ' '), appendObject(nil, e.val)...)
		}
	}
	if o.Certify {
		b = append(b, " /Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /Type /TransformParams /P 2 /V /1.2 >> >>]"...)
	}
	b = append(b, " /ByteRange ["...)
	b = append(b, bytes.Repeat([]byte{'0'}, 4*rangeWidth+3)...)
	b = append(b, "] /Contents <"...)
	b = append(b, bytes.Repeat([]byte{'0'}, 2*contentsRoom)...)
	return append(b, "> >>"...)
}

// fillContents puts the byte range and the signature into the placeholders of out. contents is the place of '<'.
func fillContents(out []byte, contents int, o Options) error {
	end := contents + 2*contentsRoom + 2
	ranges := fmt.Sprintf("0 %d %d %d", contents, end, len(out)-end)
	slot := bytes.LastIndex(out[:contents], []byte("["))
	place := out[slot+1 : slot+1+4*rangeWidth+3]
	copy(place, bytes.Repeat([]byte{' '}, len(place)))
	copy(place, ranges)
	digest := digestAround(out, contents, end)
	der, err := buildCMS(digest, o.Signer, o.Chain)
	if err != nil {
		return err
	}
	if len(der) > contentsRoom-stampRoom {
		return fmt.Errorf("store signature: it takes %d bytes, the room is %d: embed fewer certificates", len(der), contentsRoom-stampRoom)
	}
	copy(out[contents+1:], fmt.Sprintf("%x", der))
	return nil
}

// digestAround returns SHA-256 over everything but b[from:to].
func digestAround(b []byte, from, to int) []byte {
	h := sha256.New()
	h.Write(b[:from])
	h.Write(b[to:])
	return h.Sum(nil)
}
