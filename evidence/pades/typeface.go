package pades

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// Faces are the fonts a report may embed, as TrueType files, by the name they have in it. What a font draws for a character is
// held against them: an embedded font can otherwise show PASS where the file says FAIL.
type Faces map[string][]byte

// courier is the standard font of the block of facts. No file embeds it, so that no file can change what it looks like.
const courier = "Courier"

// typeface is one font of a page.
type typeface struct {
	base   name
	widths map[rune]float64 // of a line of one point; courier has one width
	wide   float64          // of characters without an entry
	glyphs []byte           // glyph of each character, two bytes each; nil: a standard font
	drawn  *sfnt.Font       // what the file embeds
	known  *sfnt.Font       // what it has to look like
	same   map[rune]bool    // characters that were compared
}

// identityMap is the only ToUnicode map that is read: codes are the characters themselves.
const identityMap = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def ` +
	`/CMapName /Adobe-Identity-UCS def /CMapType 2 def 1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0000> <FFFF> <0000> ` +
	`endbfrange endcmap CMapName currentdict /CMap defineresource pop end end`

// font reads one font of a page.
func (u *unpacker) font(r ref, faces Faces) (*typeface, error) {
	d, err := u.file.loadDict(r)
	if err != nil {
		return nil, err
	}
	if d.get("Subtype") == name("Type1") {
		if err := only(d, "Type", "BaseFont", "Subtype", "Encoding"); err != nil || d.get("BaseFont") != name(courier) || d.get("Encoding") != name("WinAnsiEncoding") {
			return nil, fmt.Errorf("font %d is standard and none that a report uses", r.num)
		}
		return &typeface{base: courier, wide: 0.6}, nil
	}
	base, _ := d.get("BaseFont").(name)
	err = only(d, "Type", "Subtype", "BaseFont", "Encoding", "DescendantFonts", "ToUnicode")
	if err != nil || d.get("Subtype") != name("Type0") || d.get("Encoding") != name("Identity-H") || faces[string(base)] == nil {
		return nil, fmt.Errorf("font %d (%.40s) is none that a report uses", r.num, base)
	}
	list, ok := d.get("DescendantFonts").(array)
	if !ok || len(list) != 1 {
		return nil, fmt.Errorf("font %d has not one descendant", r.num)
	}
	t := &typeface{base: base, same: map[rune]bool{}}
	if err := errors.Join(u.identity(d.get("ToUnicode")), u.descendant(t, list[0])); err != nil {
		return nil, fmt.Errorf("font %.40s: %w", base, err)
	}
	if t.known, err = sfnt.Parse(faces[string(base)]); err != nil {
		return nil, fmt.Errorf("font %.40s of this build: %w", base, err)
	}
	return t, nil
}

// identity demands the map from codes to characters that changes nothing.
func (u *unpacker) identity(o object) error {
	r, ok := o.(ref)
	if !ok {
		return errors.New("it does not say which characters its codes are")
	}
	d, data, err := u.stream(r)
	if err == nil {
		err = only(d, "Length", "Filter")
	}
	if err == nil && strings.Join(strings.Fields(string(data)), " ") != identityMap {
		err = errors.New("its codes stand for other characters than their own")
	}
	return err
}

// descendant reads widths, glyph numbers and the embedded file.
func (u *unpacker) descendant(t *typeface, o object) error {
	d, err := u.dictOf(o)
	if err != nil {
		return err
	}
	descriptor, err := u.dictOf(d.get("FontDescriptor"))
	if err != nil {
		return err
	}
	info, err := u.dictOf(d.get("CIDSystemInfo"))
	err = errors.Join(err, only(d, "Type", "Subtype", "BaseFont", "CIDSystemInfo", "FontDescriptor", "DW", "W", "CIDToGIDMap"),
		only(info, "Registry", "Ordering", "Supplement"),
		only(descriptor, "Type", "FontName", "Ascent", "Descent", "CapHeight", "Flags", "FontBBox", "ItalicAngle", "StemV", "MissingWidth", "FontFile2"))
	if err != nil {
		return err
	}
	if err := t.measure(d.get("DW"), d.get("W")); err != nil {
		return err
	}
	glyphs, ok1 := d.get("CIDToGIDMap").(ref)
	embedded, ok2 := descriptor.get("FontFile2").(ref)
	if !ok1 || !ok2 || d.get("Subtype") != name("CIDFontType2") {
		return errors.New("it embeds no TrueType font")
	}
	if _, t.glyphs, err = u.stream(glyphs); err != nil {
		return err
	}
	_, data, err := u.stream(embedded)
	if err != nil {
		return err
	}
	t.drawn, err = sfnt.Parse(data)
	return err
}

// measure reads the widths of characters: DW for most, W for the others.
func (t *typeface) measure(dw, w object) error {
	wide, err := width(dw)
	list, ok := w.(array)
	if err != nil || !ok {
		return errors.New("it does not say how wide its characters are")
	}
	t.wide, t.widths = wide, map[rune]float64{}
	next := 0 // in rising order, so that no width is written over
	for i := 0; i+1 < len(list); {
		first, ok := toInt(list[i])
		if !ok || first < next || first > 0xffff {
			return errors.New("its widths cannot be read")
		}
		if each, ok := list[i+1].(array); ok {
			for k, o := range each {
				v, err := width(o)
				if err != nil {
					return err
				}
				t.widths[rune(first+k)] = v
			}
			next, i = first+len(each), i+2
			continue
		}
		last, ok := toInt(list[i+1])
		if !ok || i+2 >= len(list) || last > 0xffff {
			return errors.New("its widths cannot be read")
		}
		v, err := width(list[i+2])
		if err != nil {
			return err
		}
		for r := first; r <= last; r++ {
			t.widths[rune(r)] = v
		}
		next, i = last+1, i+3
	}
	return nil
}

// width reads the width of a character, of a line of one point.
func width(o object) (float64, error) {
	v, err := toFloat(o)
	if err == nil && v < 0 {
		err = errors.New("a character of negative width")
	}
	return v / 1000, err
}

// read gives the characters of a string and its width in a line of one point, and demands that each looks like itself.
func (t *typeface) read(codes []byte) (runes []rune, width float64, err error) {
	if t.drawn == nil {
		for _, c := range codes {
			if c < ' ' || c > '~' {
				return nil, 0, errors.New("a character of the standard font that is none of ASCII")
			}
			runes = append(runes, rune(c))
		}
		return runes, t.wide * float64(len(runes)), nil
	}
	if len(codes)%2 != 0 {
		return nil, 0, errors.New("a string of half a character")
	}
	for i := 0; i < len(codes); i += 2 {
		r := rune(codes[i])<<8 | rune(codes[i+1])
		w, ok := t.widths[r]
		if !ok {
			w = t.wide
		}
		if !t.same[r] {
			if err := t.looksLike(r); err != nil {
				return nil, 0, err
			}
			t.same[r] = true
		}
		runes, width = append(runes, r), width+w
	}
	return runes, width, nil
}

// looksLike demands that the embedded font draws a character as the known one does.
func (t *typeface) looksLike(r rune) error {
	if int(r)*2+1 >= len(t.glyphs) {
		return fmt.Errorf("character %U has no glyph in font %.40s", r, t.base)
	}
	got := sfnt.GlyphIndex(t.glyphs[2*r])<<8 | sfnt.GlyphIndex(t.glyphs[2*r+1])
	want, err := t.known.GlyphIndex(nil, r)
	if err != nil {
		return err
	}
	a, err := outline(t.drawn, got)
	if err != nil {
		return fmt.Errorf("character %U in font %.40s: %w", r, t.base, err)
	}
	b, err := outline(t.known, want)
	if err != nil {
		return err
	}
	if !slices.Equal(a, b) {
		return fmt.Errorf("character %U looks like another one in font %.40s", r, t.base)
	}
	return nil
}

// outline is what a glyph looks like, in the units of its font.
func outline(f *sfnt.Font, glyph sfnt.GlyphIndex) ([]sfnt.Segment, error) {
	var b sfnt.Buffer
	return f.LoadGlyph(&b, glyph, fixed.I(int(f.UnitsPerEm())), &sfnt.LoadGlyphOptions{})
}

// dictOf resolves an object that must be a dictionary.
func (u *unpacker) dictOf(o object) (dict, error) {
	v, err := u.file.resolve(o)
	if err != nil {
		return nil, err
	}
	d, ok := v.(dict)
	if !ok {
		return nil, errors.New("a dictionary is missing")
	}
	return d, nil
}

// only refuses a dictionary with any other key: what a key means that we do not know, a viewer may know.
func only(d dict, keys ...name) error {
	for _, e := range d {
		if !slices.Contains(keys, e.key) {
			return fmt.Errorf("key /%.40s is none that a report uses", e.key)
		}
	}
	return nil
}
