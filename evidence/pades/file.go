package pades

import (
	"bytes"
	"errors"
	"fmt"
)

// section is one cross-reference table with its trailer: one revision of the file.
type section struct {
	at      int         // where its "xref" stands
	entries map[int]int // object number → offset of the object; -1 for a free entry
	gens    map[int]int
	trailer dict
}

// file is a PDF whose cross-reference sections have been read. Objects are read when asked for.
type file struct {
	b        []byte
	sections []section // newest first
	root     ref
	size     int // one more than the highest object number
}

// readFile reads the structure of a PDF that uses classic cross-reference tables.
func readFile(b []byte) (*file, error) {
	if len(b) > maxFileSize {
		return nil, fmt.Errorf("read PDF: larger than %d bytes", maxFileSize)
	}
	if !bytes.HasPrefix(b, []byte("%PDF-")) {
		return nil, errors.New("read PDF: it does not begin with %PDF-")
	}
	at, err := startxref(b)
	if err != nil {
		return nil, err
	}
	f := &file{b: b}
	entries := 0
	for limit := len(b); ; {
		if at >= limit {
			return nil, fmt.Errorf("read PDF: cross-reference at byte %d does not stand before its successor", at)
		}
		if len(f.sections) == maxRevisions {
			return nil, fmt.Errorf("read PDF: more than %d revisions", maxRevisions)
		}
		s, err := readSection(b, at)
		if err != nil {
			return nil, err
		}
		if entries += len(s.entries); entries > maxObjects {
			return nil, fmt.Errorf("read PDF: more than %d entries in its cross-reference tables", maxObjects)
		}
		f.sections = append(f.sections, s)
		prev := s.trailer.get("Prev")
		if prev == nil {
			break
		}
		var ok bool
		limit = at
		if at, ok = toInt(prev); !ok {
			return nil, errors.New("read PDF: /Prev is not an offset")
		}
	}
	newest := f.sections[0].trailer
	var rootOK, sizeOK bool
	f.root, rootOK = newest.get("Root").(ref)
	f.size, sizeOK = toInt(newest.get("Size"))
	if !rootOK || !sizeOK || f.size > maxObjects {
		return nil, errors.New("read PDF: the trailer lacks a usable /Root or /Size")
	}
	return f, nil
}

// startxref finds the offset that stands at the very end of the file, before its last %%EOF.
func startxref(b []byte) (int, error) {
	end := bytes.TrimRight(b, "\r\n")
	body, ok := bytes.CutSuffix(end, []byte("%%EOF"))
	if !ok || len(b)-len(end) > 2 {
		return 0, errors.New("read PDF: it does not end with %%EOF")
	}
	i := bytes.LastIndex(body, []byte("startxref"))
	if i < 0 {
		return 0, errors.New("read PDF: no startxref at its end")
	}
	l := lexer{b: body, pos: i}
	if err := l.expect("startxref"); err != nil {
		return 0, err
	}
	at, err := l.integer()
	if err != nil {
		return 0, err
	}
	if l.skip(); l.pos != len(body) {
		return 0, errors.New("read PDF: something stands between startxref and %%EOF")
	}
	return at, nil
}

func readSection(b []byte, at int) (section, error) {
	s := section{at: at, entries: map[int]int{}, gens: map[int]int{}}
	l := lexer{b: b, pos: at}
	if at >= len(b) || b[at] != 'x' {
		return s, fmt.Errorf("read PDF: no cross-reference table at byte %d (cross-reference streams are not read)", at)
	}
	if err := l.expect("xref"); err != nil {
		return s, err
	}
	for {
		if l.skip(); l.pos < len(b) && !isDigit(b[l.pos]) {
			break
		}
		if err := s.subsection(&l); err != nil {
			return s, err
		}
	}
	if err := l.expect("trailer"); err != nil {
		return s, err
	}
	o, err := l.object(0)
	if err != nil {
		return s, err
	}
	d, ok := o.(dict)
	if !ok {
		return s, fmt.Errorf("read PDF: no trailer dictionary after byte %d", at)
	}
	if d.get("Encrypt") != nil || d.get("XRefStm") != nil {
		return s, errors.New("read PDF: encrypted and hybrid files are refused")
	}
	s.trailer = d
	return s, nil
}

// subsection reads "first count" and its entries.
func (s *section) subsection(l *lexer) error {
	first, err := l.integer()
	if err != nil {
		return err
	}
	count, err := l.integer()
	if err != nil {
		return err
	}
	if first > maxObjects || count > maxObjects {
		return fmt.Errorf("read PDF: object numbers beyond %d", maxObjects)
	}
	for num := first; num < first+count; num++ {
		offset, err := l.integer()
		if err != nil {
			return err
		}
		gen, err := l.integer()
		if err != nil {
			return err
		}
		if _, twice := s.entries[num]; twice {
			return fmt.Errorf("read PDF: object %d stands twice in one cross-reference table", num)
		}
		l.skip()
		switch kind := l.word(); kind {
		case "n":
			s.entries[num], s.gens[num] = offset, gen
		case "f":
			s.entries[num], s.gens[num] = -1, gen
		default:
			return fmt.Errorf("read PDF: cross-reference entry of object %d is of kind %.10q", num, kind)
		}
	}
	return nil
}

// offset returns where the newest version of an object stands.
func (f *file) offset(r ref) (int, error) {
	for _, s := range f.sections {
		if at, ok := s.entries[r.num]; ok {
			if at < 0 || s.gens[r.num] != r.gen || at >= len(f.b) {
				break
			}
			return at, nil
		}
	}
	return 0, fmt.Errorf("read object %d %d: not in the file", r.num, r.gen)
}

// load reads an indirect object; of a stream it returns the dictionary.
func (f *file) load(r ref) (object, error) {
	at, err := f.offset(r)
	if err != nil {
		return nil, err
	}
	l := lexer{b: f.b, pos: at}
	num, err1 := l.integer()
	gen, err2 := l.integer()
	if err := errors.Join(err1, err2, l.expect("obj")); err != nil {
		return nil, err
	}
	if num != r.num || gen != r.gen {
		return nil, fmt.Errorf("read object %d %d: object %d %d stands in its place", r.num, r.gen, num, gen)
	}
	o, err := l.object(0)
	if err != nil {
		return nil, err
	}
	l.skip()
	if w := l.word(); w != "endobj" && w != "stream" {
		return nil, fmt.Errorf("read object %d: it does not end where it should", r.num)
	}
	return o, nil
}

// loadDict reads an indirect object that must be a dictionary.
func (f *file) loadDict(r ref) (dict, error) {
	o, err := f.load(r)
	if err != nil {
		return nil, err
	}
	d, ok := o.(dict)
	if !ok {
		return nil, fmt.Errorf("read object %d: not a dictionary", r.num)
	}
	return d, nil
}

// resolve follows one reference; a direct object is returned as it is.
func (f *file) resolve(o object) (object, error) {
	if r, ok := o.(ref); ok {
		return f.load(r)
	}
	return o, nil
}
