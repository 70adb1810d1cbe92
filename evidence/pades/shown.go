package pades

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// ErrShown: the file shows, or could show, something else than the tool lays out.
var ErrShown = errors.New("the file is not one that shows what it says")

// MaxReport is the largest report that is read, in bytes.
const MaxReport = 16 << 20

// ReadBlock reads the block of lines in the standard font on page 1 of a signed report, top down, and demands that the whole
// file shows what it says: by an allow-list of its parts and operators it refuses hidden text, optional content, annotations
// but the fields of signatures, actions, embedded files, forms, characters that look like others, and revisions that change a
// page. Nothing else is drawn beside or over the block, over the whole width of the page. mark is how its first line begins.
//
// Every error wraps ErrShown.
func ReadBlock(pdf []byte, mark string, faces Faces) ([]string, error) {
	lines, err := readBlock(pdf, mark, faces)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrShown, err)
	}
	return lines, nil
}

func readBlock(pdf []byte, begin string, faces Faces) ([]string, error) {
	if len(pdf) > MaxReport {
		return nil, fmt.Errorf("it is larger than %d bytes", MaxReport)
	}
	f, err := strictFile(pdf)
	if err != nil {
		return nil, err
	}
	pages, err := f.pages()
	if err != nil {
		return nil, err
	}
	u, cache := newUnpacker(f), map[ref]*typeface{}
	var lines []string
	for i, p := range pages {
		marks, fields, err := u.page(p, faces, cache)
		if err == nil && i == 0 {
			lines, err = blockOf(marks, fields, begin)
		} else if err == nil {
			err = noBlock(marks)
		}
		if err != nil {
			return nil, fmt.Errorf("page %d: %w", i+1, err)
		}
	}
	return lines, nil
}

// sheet is one page with what it inherits.
type sheet struct {
	dict  dict
	media Rect
}

// pages lists the pages of a tree of one level, as the layout library writes it.
func (f *file) pages() ([]sheet, error) {
	cat, err := f.catalog()
	if err != nil {
		return nil, err
	}
	o, err := f.resolve(cat.get("Pages"))
	tree, ok := o.(dict)
	if err != nil || !ok {
		return nil, errors.Join(err, errors.New("it has no pages"))
	}
	if err := only(tree, "Type", "Kids", "Count", "MediaBox"); err != nil {
		return nil, fmt.Errorf("page tree: %w", err)
	}
	media, err := readRect(tree.get("MediaBox"))
	kids, ok := tree.get("Kids").(array)
	if err != nil || !ok || len(kids) == 0 || len(kids) > maxReportPages {
		return nil, errors.Join(err, fmt.Errorf("it does not have 1 to %d pages of one size", maxReportPages))
	}
	var all []sheet
	for _, k := range kids {
		r, ok := k.(ref)
		if !ok {
			return nil, errors.New("a page is not an indirect object")
		}
		d, err := f.loadDict(r)
		if err == nil {
			err = only(d, "Type", "Parent", "Resources", "Contents", "Annots")
		}
		if err != nil || d.get("Type") != name("Page") {
			return nil, errors.Join(err, errors.New("a page is none"))
		}
		all = append(all, sheet{d, media})
	}
	return all, nil
}

// page reads what one page draws, and where its fields lie.
func (u *unpacker) page(p sheet, faces Faces, cache map[ref]*typeface) (marks []mark, fields []Rect, err error) {
	fonts, images, err := u.resources(p.dict.get("Resources"), faces, cache)
	if err != nil {
		return nil, nil, err
	}
	r, ok := p.dict.get("Contents").(ref)
	if !ok {
		return nil, nil, errors.New("its content is not one stream")
	}
	d, content, err := u.stream(r)
	if err == nil {
		err = only(d, "Length", "Filter")
	}
	if err != nil {
		return nil, nil, err
	}
	if marks, err = paint(content, fonts, images); err != nil {
		return nil, nil, err
	}
	for _, m := range marks {
		if m.font != nil && !m.box.within(p.media) {
			return nil, nil, fmt.Errorf("hidden text: %.40q lies beside the page", string(m.text))
		}
	}
	fields, err = u.file.widgets(p.dict.get("Annots"))
	return marks, fields, err
}

// widgets gives the places of a page's annotations, all of which must be fields of signatures.
func (f *file) widgets(o object) ([]Rect, error) {
	o, err := f.resolve(o)
	if err != nil || o == nil {
		return nil, err
	}
	list, ok := o.(array)
	if !ok || len(list) > maxSignatures {
		return nil, errors.New("its annotations are no list, or more than there can be signatures")
	}
	var all []Rect
	for _, a := range list {
		r, ok := a.(ref)
		if !ok || !f.isField(r) {
			return nil, errors.New("it has an annotation that is no field of a signature")
		}
		d, err := f.loadDict(r)
		if err != nil {
			return nil, err
		}
		box, err := readRect(d.get("Rect"))
		if err != nil {
			return nil, err
		}
		all = append(all, box)
	}
	return all, nil
}

// resources reads the fonts and lists the images of a page; anything else is refused.
func (u *unpacker) resources(o object, faces Faces, cache map[ref]*typeface) (map[name]*typeface, map[name]bool, error) {
	d, err := u.dictOf(o)
	if err == nil {
		err = only(d, "ProcSet", "Font", "XObject", "ColorSpace")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("resources: %w", err)
	}
	if spaces, ok := d.get("ColorSpace").(dict); d.get("ColorSpace") != nil && (!ok || len(spaces) > 0) {
		return nil, nil, errors.New("resources: colour spaces of their own")
	}
	fonts, images := map[name]*typeface{}, map[name]bool{}
	list, err := u.dictOf(d.get("Font"))
	if err != nil {
		return nil, nil, fmt.Errorf("resources: fonts: %w", err)
	}
	for _, e := range list {
		r, ok := e.val.(ref)
		if !ok {
			return nil, nil, errors.New("resources: a font is not an indirect object")
		}
		if cache[r] == nil {
			if cache[r], err = u.font(r, faces); err != nil {
				return nil, nil, err
			}
		}
		fonts[e.key] = cache[r]
	}
	if d.get("XObject") == nil {
		return fonts, images, nil
	}
	if list, err = u.dictOf(d.get("XObject")); err != nil {
		return nil, nil, fmt.Errorf("resources: images: %w", err)
	}
	for _, e := range list {
		image, err := u.dictOf(e.val)
		if err == nil {
			err = only(image, "Type", "Subtype", "Width", "Height", "ColorSpace", "BitsPerComponent", "Filter", "DecodeParms", "Length")
		}
		if err != nil || image.get("Subtype") != name("Image") {
			return nil, nil, errors.Join(err, errors.New("resources: something is drawn that is no image"))
		}
		images[e.key] = true
	}
	return fonts, images, nil
}

func noBlock(marks []mark) error {
	for _, m := range marks {
		if m.font != nil && m.font.base == courier {
			return errors.New("it is set in the font of the block of facts, which stands on page 1 alone")
		}
	}
	return nil
}

// blockOf finds the lines in the standard font and demands that they are one block with nothing else beside or over it.
func blockOf(marks []mark, fields []Rect, begin string) ([]string, error) {
	var block []mark
	for _, m := range marks {
		if m.font != nil && m.font.base == courier {
			block = append(block, m)
		}
	}
	if len(block) == 0 || !strings.HasPrefix(string(block[0].text), begin) {
		return nil, fmt.Errorf("no block of facts that begins with %q", begin)
	}
	const close, black = 0.05, 0.2
	step := 0.0
	lines := make([]string, 0, len(block))
	for i, m := range block {
		if m.size != block[0].size || math.Abs(m.x-block[0].x) > close || m.ink > black {
			return nil, fmt.Errorf("line %d of the block of facts is not set as the first is, in black", i+1)
		}
		if i == 1 {
			step = block[0].y - m.y
		}
		if i > 0 && (math.Abs(block[i-1].y-m.y-step) > close || step < m.size || step > 2*m.size) {
			return nil, fmt.Errorf("line %d of the block of facts does not stand under the one before", i+1)
		}
		lines = append(lines, string(m.text))
	}
	// Over the whole width: a word beside a line would be read as part of it.
	strip := Rect{math.Inf(-1), block[len(block)-1].box.Y1, math.Inf(1), block[0].box.Y2}
	for _, m := range marks {
		if (m.font == nil || m.font.base != courier) && m.box.overlaps(strip) {
			return nil, fmt.Errorf("something is drawn over the block of facts, or beside it: %.40q", string(m.text))
		}
	}
	for _, r := range fields {
		if r.overlaps(strip) {
			return nil, errors.New("a field lies over the block of facts")
		}
	}
	return lines, nil
}
