package pades

import (
	"strings"
	"testing"
)

// TestPaintRefuses: what a page may not draw, operator by operator.
func TestPaintRefuses(t *testing.T) {
	fonts, images := map[name]*typeface{"F": {base: courier, wide: 0.6}}, map[name]bool{"I": true}
	good := "q 0.1 g BT 10 20 Td /F 6 Tf (x) Tj ET Q 1 w 1 2 m 3 4 l S 0.9 g 1 2 3 4 re f q 1 0 0 1 2 3 cm /I Do Q"
	if marks, err := paint([]byte(good), fonts, images); err != nil || len(marks) != 4 {
		t.Fatalf("%v, %v", marks, err)
	}
	for name, content := range map[string]string{
		"a text without an end":            "BT /F 6 Tf",
		"a state that is not brought back": "q",
		"a path that is not drawn":         "1 2 m",
		"an operand without an operator":   "1 2",
		"a state that was not saved":       "Q",
		"states without end":               strings.Repeat("q ", maxNesting+1) + strings.Repeat("Q ", maxNesting+1),
		"operands without end":             "1 1 1 1 1 1 1 1 w",
		"too many operands":                "1 1 w",
		"an operand that is no number":     "/X w",
		"a number of no page":              "9999999 w",
		"an end of no text":                "ET",
		"a text in a text":                 "BT BT ET ET",
		"a text in a path":                 "1 1 m BT ET 2 2 l S",
		"a move without a text":            "1 1 Td",
		"a colour inside a text":           "BT 1 g ET",
		"a state inside a text":            "BT q ET Q",
		"text without a font":              "BT 1 1 Td (x) Tj ET",
		"text outside a text":              "BT /F 6 Tf ET (x) Tj",
		"a font outside a text":            "/F 6 Tf",
		"a font that is not there":         "BT /G 6 Tf ET",
		"text that is a number":            "BT /F 6 Tf 1 Tj ET",
		"a letter that is none of ASCII":   "BT /F 6 Tf (\\351) Tj ET",
		"an image that is not there":       "q 1 0 0 1 2 3 cm /J Do Q",
		"an image without a place":         "/I Do",
		"an image in a text":               "BT /I Do ET",
		"a rotated image":                  "q 1 1 0 1 2 3 cm /I Do Q",
		"a mirrored image":                 "q -1 0 0 1 2 3 cm /I Do Q",
		"a line somewhere else":            "q 1 0 0 1 2 3 cm 1 1 m 2 2 l S Q",
		"text somewhere else":              "q 1 0 0 1 2 3 cm BT /F 6 Tf (x) Tj ET Q",
		"a line with corners":              "1 1 m 2 2 l 3 3 l S",
		"a rectangle of lines":             "1 1 2 2 re S",
		"a path of nothing":                "S",
		"an area of nothing":               "0.9 g f",
		"an area of lines":                 "0.9 g 1 1 m 2 2 l f",
		"a dark area":                      "0.1 g 1 1 2 2 re f",
		"a path over a state":              "q 1 1 m Q 2 2 l S",
		"an inline image":                  "BI ID EI",
		"marked content":                   "/OC /MC0 BDC EMC",
		"a clip":                           "1 1 2 2 re W n",
		"a rendering mode":                 "BT 3 Tr ET",
		"a scale of text":                  "BT 0 Tz ET",
		"a matrix of text":                 "BT 1 0 0 1 1 1 Tm ET",
		"a graphics state of its own":      "/GS gs",
		"a shading":                        "/Sh sh",
		"a word that is none":              "pass",
	} {
		if marks, err := paint([]byte(content), fonts, images); err == nil {
			t.Errorf("%s: drawn as %v", name, marks)
		}
	}
	// A second run of text begins where the first ended, which nobody computes: it lies nowhere on the page.
	marks, err := paint([]byte("BT /F 6 Tf (x) Tj (y) Tj ET"), fonts, images)
	if err != nil || len(marks) != 2 || marks[1].box.within(Rect{0, 0, 1e6, 1e6}) {
		t.Errorf("%v, %v", marks, err)
	}
}
