package evidence

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Limits of an SVG that is read.
const (
	maxPicture      = 8 << 20 // bytes
	maxPictureDepth = 16      // of elements
	maxAttributes   = 16      // of one element
	maxComment      = 100     // bytes of the one in which the drawing library names itself
)

// svgValue is what a value of an attribute may be: numbers, words, colours. No parentheses in styles: no url().
var (
	svgNumber    = regexp.MustCompile(`^-?[0-9.]+(e-?[0-9]+)?(pt)?$`)
	svgNumbers   = regexp.MustCompile(`^[0-9. eE+-]+$`)
	svgPath      = regexp.MustCompile(`^[MLQCAZ0-9., eE+-]*$`)
	svgTransform = regexp.MustCompile(`^((scale|translate|rotate)\([0-9., eE+-]+\) ?)+$`)
	svgStyle     = regexp.MustCompile(`^((font-family|font-variant|font-weight|font-style|font-size|fill|fill-opacity|stroke|stroke-opacity|stroke-width|` +
		`stroke-dasharray|stroke-dashoffset|stroke-linecap|stroke-linejoin|text-anchor):[A-Za-z0-9#., -]*;?)*$`)
)

// svgAllowed lists the elements a chart is made of, and what each attribute may hold.
var svgAllowed = map[string]map[string]*regexp.Regexp{
	"svg":  {"width": svgNumber, "height": svgNumber, "viewBox": svgNumbers},
	"g":    {"transform": svgTransform},
	"path": {"d": svgPath, "style": svgStyle},
	"text": {"x": svgNumber, "y": svgNumber, "transform": svgTransform, "style": svgStyle},
}

// svgSpaces are the two declarations of name spaces that the drawing library writes.
var svgSpaces = map[string]string{"xmlns": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}

// safeSVG refuses everything in an SVG but lines, areas and text: no script, no link, no foreign content, nothing to be loaded,
// no event to react to.
func safeSVG(data []byte) error {
	if len(data) > maxPicture {
		return fmt.Errorf("it is larger than %d bytes", maxPicture)
	}
	if err := fewAttributes(data); err != nil {
		return err
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	depth, comments, root := 0, 0, false
	for n := 0; ; n++ {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if depth != 0 || n == 0 {
				return errors.New("it ends too early")
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			root = true
			if depth++; depth > maxPictureDepth {
				return errors.New("its elements are nested too deep")
			}
			if err := svgElement(t, depth); err != nil {
				return err
			}
		case xml.EndElement:
			depth--
		case xml.ProcInst:
			if t.Target != "xml" || n != 0 {
				return fmt.Errorf("instruction <?%.40s is none that a chart has", t.Target)
			}
		case xml.Comment:
			if comments++; comments > 1 || root || len(t) > maxComment {
				return errors.New("it holds a comment, which nobody sees, beside the short one at its beginning")
			}
		case xml.Directive:
			return errors.New("it declares types or entities")
		}
	}
}

// fewAttributes refuses an element of many attributes before XML is parsed: the decoder holds all of one element at once. Every
// value stands in quotes, in which > ends nothing; comments and instructions are passed over, declarations refused.
func fewAttributes(data []byte) error {
	for {
		at := bytes.IndexByte(data, '<')
		if at < 0 {
			return nil
		}
		data = data[at:]
		var end string
		switch {
		case bytes.HasPrefix(data, []byte("<!--")):
			end = "-->"
		case bytes.HasPrefix(data, []byte("<?")):
			end = "?>"
		case bytes.HasPrefix(data, []byte("<!")):
			return errors.New("it declares types or entities")
		default:
			n, err := element(data)
			if err != nil {
				return err
			}
			data = data[n:]
			continue
		}
		if at = bytes.Index(data, []byte(end)); at < 0 {
			return nil // the decoder says what is wrong
		}
		data = data[at+len(end):]
	}
}

// element gives the length of an element's tag, and refuses one of many values.
func element(data []byte) (int, error) {
	values, open := 0, byte(0)
	for i, b := range data {
		switch {
		case open != 0:
			if b == open {
				open = 0
			}
		case b == '>':
			return i + 1, nil
		case b == '"' || b == '\'':
			open = b
			if values++; values > maxAttributes {
				return 0, fmt.Errorf("an element has more than %d attributes", maxAttributes)
			}
		}
	}
	return len(data), nil
}

func svgElement(e xml.StartElement, depth int) error {
	allowed, ok := svgAllowed[e.Name.Local]
	if !ok || e.Name.Space != svgSpaces["xmlns"] || (e.Name.Local == "svg") != (depth == 1) {
		return fmt.Errorf("element <%.40s> is none that a chart has", e.Name.Local)
	}
	for _, a := range e.Attr {
		if e.Name.Local == "svg" && (a.Name.Space == "" || a.Name.Space == "xmlns") && svgSpaces[a.Name.Local] == a.Value && a.Value != "" {
			continue
		}
		value := strings.Join(strings.Fields(a.Value), " ")
		if pattern := allowed[a.Name.Local]; pattern == nil || a.Name.Space != "" || !pattern.MatchString(value) {
			return fmt.Errorf("attribute %.40s of <%s> is none that a chart has, or holds %.60q", a.Name.Local, e.Name.Local, a.Value)
		}
	}
	return nil
}
