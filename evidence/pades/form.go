package pades

import (
	"errors"
	"fmt"
)

// field is one signature field of the form. Fields of other types are not listed.
type field struct {
	ref  ref
	dict dict
	name string
	sig  object // its /V: a reference to the signature, nil while the field is empty
}

// catalog returns the document catalog.
func (f *file) catalog() (dict, error) {
	d, err := f.loadDict(f.root)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return d, nil
}

// form returns the interactive form's dictionary; nil when the document has none.
func (f *file) form() (dict, error) {
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	o, err := f.resolve(cat.get("AcroForm"))
	if err != nil || o == nil {
		return nil, err
	}
	d, ok := o.(dict)
	if !ok {
		return nil, errors.New("read form: /AcroForm is not a dictionary")
	}
	return d, nil
}

// fields lists the signature fields in the order of the form. Only top-level fields are read: the writer makes no
// others, and a field tree is refused.
func (f *file) fields() ([]field, error) {
	form, err := f.form()
	if err != nil || form == nil {
		return nil, err
	}
	o, err := f.resolve(form.get("Fields"))
	if err != nil {
		return nil, err
	}
	list, ok := o.(array)
	if !ok && o != nil {
		return nil, errors.New("read form: /Fields is not an array")
	}
	var out []field
	names := map[string]bool{}
	for _, o := range list {
		r, ok := o.(ref)
		if !ok {
			return nil, errors.New("read form: a field is not an indirect object")
		}
		d, err := f.loadDict(r)
		if err != nil {
			return nil, err
		}
		if d.get("Kids") != nil {
			return nil, errors.New("read form: fields with children are not read")
		}
		if d.get("FT") != name("Sig") {
			continue
		}
		fd := field{ref: r, dict: d, name: decodeText(d.get("T")), sig: d.get("V")}
		if names[fd.name] || len(out) == maxSignatures {
			return nil, fmt.Errorf("read form: signature field %q twice, or more than %d", fd.name, maxSignatures)
		}
		names[fd.name] = true
		out = append(out, fd)
	}
	return out, nil
}

// page returns the reference and dictionary of page n, counted from 1; −1 is the last page.
func (f *file) page(n int) (ref, dict, error) {
	cat, err := f.catalog()
	if err != nil {
		return ref{}, nil, err
	}
	root, ok := cat.get("Pages").(ref)
	if !ok {
		return ref{}, nil, errors.New("read pages: the catalog names no page tree")
	}
	var leaves []ref
	if err := f.walkPages(root, map[ref]bool{}, &leaves, 0); err != nil {
		return ref{}, nil, err
	}
	if n == -1 {
		n = len(leaves)
	}
	if n < 1 || n > len(leaves) {
		return ref{}, nil, fmt.Errorf("read pages: page %d asked for, the document has %d", n, len(leaves))
	}
	d, err := f.loadDict(leaves[n-1])
	return leaves[n-1], d, err
}

func (f *file) walkPages(r ref, seen map[ref]bool, leaves *[]ref, depth int) error {
	if seen[r] || depth > maxDepth || len(*leaves) >= maxPages {
		return errors.New("read pages: the page tree is a loop, too deep or too large")
	}
	seen[r] = true
	d, err := f.loadDict(r)
	if err != nil {
		return err
	}
	switch d.get("Type") {
	case name("Page"):
		*leaves = append(*leaves, r)
		return nil
	case name("Pages"):
	default:
		return fmt.Errorf("read pages: object %d is no page", r.num)
	}
	kids, err := f.resolve(d.get("Kids"))
	if err != nil {
		return err
	}
	list, ok := kids.(array)
	if !ok {
		return fmt.Errorf("read pages: object %d has no children", r.num)
	}
	for _, k := range list {
		kid, ok := k.(ref)
		if !ok {
			return errors.New("read pages: a page is not an indirect object")
		}
		if err := f.walkPages(kid, seen, leaves, depth+1); err != nil {
			return err
		}
	}
	return nil
}
