package pades

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// maxReportPages bounds the pages of a report.
const maxReportPages = 256

// strictFile reads a signed report whose every part is one that our layout and our signing make: no action, no annotation but
// the fields of signatures, no optional content, no embedded file, no form beyond that, and no revision that changes a page.
func strictFile(pdf []byte) (*file, error) {
	f, err := readFile(pdf)
	if err != nil {
		return nil, err
	}
	fields, err := f.fields()
	if err != nil {
		return nil, err
	}
	signed := 0
	for _, fd := range fields {
		if fd.sig != nil {
			signed++
		}
	}
	if len(f.sections) != signed+1 {
		return nil, fmt.Errorf("it has %d revisions and %d signatures: each signature makes one, and nothing else does", len(f.sections), signed)
	}
	for _, s := range f.sections {
		if err := errors.Join(only(s.trailer, "Size", "Root", "Info", "ID", "Prev"), sameRef(s.trailer.get("Root"), f.root)); err != nil {
			return nil, fmt.Errorf("trailer: %w", err)
		}
	}
	if err := errors.Join(f.strictCatalog(fields), f.strictInfo()); err != nil {
		return nil, err
	}
	return f, f.onlySigns()
}

func sameRef(a object, b ref) error {
	if a != b {
		return errors.New("it names another root than the one before")
	}
	return nil
}

// base is the file as it was before the first signature.
func (f *file) base() *file {
	first := f.sections[len(f.sections)-1:]
	size, _ := toInt(first[0].trailer.get("Size")) // 0 for what cannot be read: then everything is new, and refused
	return &file{b: f.b, sections: first, root: f.root, size: size}
}

// onlySigns demands that signing changed the catalog and one page, each only by what a signature adds.
func (f *file) onlySigns() error {
	before := f.base()
	for i, s := range f.sections[:len(f.sections)-1] {
		first := i == len(f.sections)-2
		for num := range s.entries {
			r := ref{num, s.gens[num]}
			if num >= before.size || !first && f.isField(r) {
				continue
			}
			was, err := before.loadDict(r)
			if err != nil {
				return err
			}
			is, err := f.loadDict(r)
			if err != nil {
				return err
			}
			added := []name{"Annots"}
			switch {
			case !first:
				return fmt.Errorf("object %d was changed after the first signature", num)
			case r == f.root:
				added = []name{"AcroForm", "Version", "Perms"}
			case was.get("Type") != name("Page"):
				return fmt.Errorf("signing changed object %d, which is no page", num)
			}
			if !bytes.Equal(appendObject(nil, was.without(added...)), appendObject(nil, is.without(added...))) {
				return fmt.Errorf("signing changed object %d beyond adding a signature", num)
			}
		}
	}
	return nil
}

func (f *file) isField(r ref) bool {
	fields, err := f.fields()
	return err == nil && slices.ContainsFunc(fields, func(fd field) bool { return fd.ref == r })
}

func (f *file) strictCatalog(fields []field) error {
	cat, err := f.catalog()
	if err != nil {
		return err
	}
	if err := only(cat, "Type", "Pages", "Names", "AcroForm", "Perms", "Version"); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	if v := cat.get("Version"); v != nil && v != name("1.7") {
		return fmt.Errorf("catalog: version %v", v)
	}
	if err := f.noNames(cat.get("Names")); err != nil {
		return err
	}
	form, err := f.form()
	if err == nil && form != nil {
		err = only(form, "Fields", "SigFlags")
	}
	if err != nil {
		return fmt.Errorf("form: %w", err)
	}
	o, err := f.resolve(form.get("Fields"))
	if err != nil {
		return err
	}
	if list, _ := o.(array); len(list) != len(fields) {
		return errors.New("form: it has a field that is no signature")
	}
	for _, fd := range fields {
		if err := f.strictField(fd); err != nil {
			return fmt.Errorf("field %q: %w", fd.name, err)
		}
	}
	perms, err := f.resolve(cat.get("Perms"))
	if d, ok := perms.(dict); ok && err == nil {
		err = only(d, "DocMDP")
	}
	return err
}

// noNames allows the empty list of embedded files that the layout library writes.
func (f *file) noNames(o object) error {
	if o == nil {
		return nil
	}
	bad := errors.New("it names files that it embeds, actions or scripts")
	names, ok := o.(dict)
	if !ok || only(names, "EmbeddedFiles") != nil {
		return bad
	}
	files, ok := names.get("EmbeddedFiles").(dict)
	if !ok || only(files, "Names") != nil {
		return bad
	}
	if list, ok := files.get("Names").(array); !ok || len(list) > 0 {
		return bad
	}
	return nil
}

func (f *file) strictInfo() error {
	info, err := f.resolve(f.sections[0].trailer.get("Info"))
	if err != nil || info == nil {
		return err
	}
	d, ok := info.(dict)
	if !ok {
		return errors.New("information that is no dictionary")
	}
	return only(d, "Title", "Subject", "Creator", "Producer", "CreationDate", "ModDate")
}

// strictField allows a field of a signature that is at once its own widget.
func (f *file) strictField(fd field) error {
	if err := only(fd.dict, "Type", "Subtype", "FT", "T", "F", "Rect", "P", "AP", "V"); err != nil {
		return err
	}
	if fd.dict.get("Subtype") != name("Widget") {
		return errors.New("it is no widget")
	}
	box, err := readRect(fd.dict.get("Rect"))
	if err != nil {
		return err
	}
	ap, ok := fd.dict.get("AP").(dict)
	if !ok || only(ap, "N") != nil {
		return errors.New("it has another appearance than the normal one")
	}
	look, ok := ap.get("N").(ref)
	if !ok {
		return errors.New("its appearance is missing")
	}
	if err := f.strictAppearance(look, box); err != nil {
		return fmt.Errorf("appearance: %w", err)
	}
	if fd.sig == nil {
		return nil
	}
	sig, err := f.resolve(fd.sig)
	d, ok := sig.(dict)
	if err != nil || !ok {
		return errors.Join(err, errors.New("its signature is missing"))
	}
	return only(d, "Type", "Filter", "SubFilter", "Name", "Reason", "Location", "M", "Reference", "ByteRange", "Contents")
}

// strictAppearance allows a frame and lines of text, clipped to the box of the field.
func (f *file) strictAppearance(r ref, box Rect) error {
	d, data, err := f.rawStream(r)
	if err != nil {
		return err
	}
	if err := only(d, "Type", "Subtype", "BBox", "Resources", "Length"); err != nil {
		return err
	}
	clip, err := readRect(d.get("BBox"))
	const close = 0.1 // points: two decimals are written
	if err != nil || clip.X1 != 0 || clip.Y1 != 0 || clip.X2-box.width() > close || clip.Y2-box.height() > close {
		return errors.New("it is not drawn in the box of its field")
	}
	l := lexer{b: data}
	for {
		if l.skip(); l.pos >= len(data) {
			return nil
		}
		if c := data[l.pos]; isDigit(c) || bytes.IndexByte([]byte("+-./("), c) >= 0 {
			if _, err := l.object(0); err != nil {
				return err
			}
			continue
		}
		if w := l.word(); !slices.Contains([]string{"q", "Q", "G", "w", "re", "S", "BT", "ET", "Tf", "TL", "g", "Td", "Tj", "T*"}, w) {
			return fmt.Errorf("operator %.12q is none that a signature's box uses", w)
		}
	}
}
