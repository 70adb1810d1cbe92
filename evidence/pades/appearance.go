package pades

import (
	"fmt"
	"strings"
)

// Rect is a rectangle in points (1/72 inch), measured from the lower left corner of the page.
type Rect struct{ X1, Y1, X2, Y2 float64 }

func (r Rect) width() float64  { return r.X2 - r.X1 }
func (r Rect) height() float64 { return r.Y2 - r.Y1 }

// ok says whether the rectangle can hold a visible box.
func (r Rect) ok() bool {
	const least, most = 18, 14_400 // points; the upper bound is the format's own
	return r.X1 >= 0 && r.Y1 >= 0 && r.X2 <= most && r.Y2 <= most && r.width() >= least && r.height() >= least
}

// overlaps tells whether two rectangles share any point.
func (r Rect) overlaps(o Rect) bool {
	return r.X1 <= o.X2 && o.X1 <= r.X2 && r.Y1 <= o.Y2 && o.Y1 <= r.Y2
}

// within tells whether r lies in o.
func (r Rect) within(o Rect) bool {
	return r.X1 >= o.X1 && r.Y1 >= o.Y1 && r.X2 <= o.X2 && r.Y2 <= o.Y2
}

func (r Rect) object() array {
	out := make(array, 0, 4)
	for _, v := range []float64{r.X1, r.Y1, r.X2, r.Y2} {
		out = append(out, number(fmt.Sprintf("%.2f", v)))
	}
	return out
}

// helveticaWidths holds the advance of the characters ' ' to '~' in 1/1000 of the font size (Adobe font metrics).
var helveticaWidths = [...]int{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
	556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
	556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

// textWidth returns the width of Latin-1 bytes in points.
func textWidth(s []byte, size float64) float64 {
	sum := 0
	for _, c := range s {
		if i := int(c) - ' '; i >= 0 && i < len(helveticaWidths) {
			sum += helveticaWidths[i]
			continue
		}
		sum += 667 // the widest common accented letters
	}
	return float64(sum) * size / 1000
}

// latin1 converts s for a font with WinAnsiEncoding; what it cannot show becomes '?'. The field's own /Name and /Reason
// keep the full text.
func latin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~', r >= 0xa0 && r <= 0xff:
			out = append(out, byte(r))
		case r == '–' || r == '—':
			out = append(out, '-')
		case r == '\t' || r == '\n' || r == '\r':
			out = append(out, ' ')
		default:
			out = append(out, '?')
		}
	}
	return out
}

// wrap breaks one line into lines no wider than width points.
func wrap(line string, width, size float64) [][]byte {
	var out [][]byte
	var cur []byte
	for _, w := range strings.Fields(string(line)) {
		word := latin1(w)
		joined := word
		if len(cur) > 0 {
			joined = append(append(append([]byte{}, cur...), ' '), word...)
		}
		if textWidth(joined, size) <= width {
			cur = joined
			continue
		}
		if len(cur) > 0 {
			out = append(out, cur)
		}
		for textWidth(word, size) > width && len(word) > 1 { // a word wider than the box is cut
			n := len(word) - 1
			for n > 1 && textWidth(word[:n], size) > width {
				n--
			}
			out = append(out, word[:n:n])
			word = word[n:]
		}
		cur = word
	}
	if len(cur) > 0 {
		out = append(out, cur)
	}
	return out
}

// appearance returns the content stream of a box with the given lines. The text is set as large as fits, from 8 points
// down to 4; lines beyond the box are left out rather than drawn outside it.
func appearance(r Rect, lines []string) []byte {
	const pad, largest, smallest, step, leading = 4.0, 8.0, 4.0, 0.25, 1.2
	var set [][]byte
	size := largest
	for ; ; size -= step {
		set = set[:0]
		for _, l := range lines {
			set = append(set, wrap(l, r.width()-2*pad, size)...)
		}
		if float64(len(set))*size*leading <= r.height()-2*pad || size <= smallest {
			break
		}
	}
	if fit := int((r.height() - 2*pad) / (size * leading)); len(set) > fit {
		set = set[:max(fit, 0)]
	}
	var b []byte
	b = fmt.Appendf(b, "q 0.35 G 0.6 w 0.3 0.3 %.2f %.2f re S\nBT /F0 %.2f Tf %.2f TL 0 g %.2f %.2f Td\n",
		r.width()-0.6, r.height()-0.6, size, size*leading, pad, r.height()-pad-size)
	for i, l := range set {
		b = appendText(b, text{val: l})
		b = append(b, " Tj"...)
		if i < len(set)-1 {
			b = append(b, " T*"...)
		}
		b = append(b, '\n')
	}
	return append(b, "ET Q\n"...)
}

// appearanceDict describes the form XObject around that content stream.
func appearanceDict(r Rect, length int) dict {
	font := dict{{"Type", name("Font")}, {"Subtype", name("Type1")}, {"BaseFont", name("Helvetica")}, {"Encoding", name("WinAnsiEncoding")}}
	box := Rect{0, 0, r.width(), r.height()}
	return dict{
		{"Type", name("XObject")}, {"Subtype", name("Form")}, {"BBox", box.object()},
		{"Resources", dict{{"Font", dict{{"F0", font}}}}},
		{"Length", number(fmt.Sprint(length))},
	}
}
