package evidence

import (
	"strings"
	"testing"
)

// TestAnSVGHoldsLinesAndText: what a viewer could run, load or follow is refused.
func TestAnSVGHoldsLinesAndText(t *testing.T) {
	const good = `<?xml version="1.0"?>
<!-- drawn -->
<svg width="481.89pt" height="208.42pt" viewBox="0 0 481.89 208.42" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<g transform="scale(1, -1) translate(0, -208.42)">
<text x="2" y="-1" transform="scale(1, -1)" style="font-family:Liberation Sans;font-size:9.5px;fill:#222222">a &lt; b</text>
<path d="M2,183.42L20,1e-05Z" style="fill:#C5C5C5;fill-opacity:0.50196" />
</g></svg>`
	if err := safeSVG([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"a script":                {"<path", "<script>alert(1)</script><path"},
		"a handler":               {"<path ", `<path onclick="alert(1)" `},
		"a handler of the root":   {"<svg ", `<svg onload="alert(1)" `},
		"a link":                  {"<path", `<a xlink:href="https://example.test/"><path`},
		"a reference":             {"<path ", `<path href="#x" `},
		"foreign content":         {"<path", "<foreignObject><p/></foreignObject><path"},
		"an image":                {"<path", `<image href="x.png"/><path`},
		"a use":                   {"<path", `<use/><path`},
		"a style that loads":      {"fill:#222222", "fill:url(https://example.test/#x)"},
		"a property of its own":   {"fill:#222222", "behavior:x"},
		"a style sheet":           {"<g ", "<style>@import 'x'</style><g "},
		"an animation":            {"<path", `<animate attributeName="x"/><path`},
		"an entity":               {"<!-- drawn -->", `<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>`},
		"an instruction":          {"<!-- drawn -->", `<?xml-stylesheet href="x.css"?>`},
		"another name space":      {"<path ", `<path xmlns="http://www.w3.org/1999/xhtml" `},
		"another transformation":  {"scale(1, -1) translate", "matrix(1 0 0 1 0 0) translate"},
		"an end too early":        {"</g></svg>", "</g>"},
		"a comment inside":        {"</g>", "<!-- all is well --></g>"},
		"a second comment":        {"<svg ", "<!-- all is well --><svg "},
		"a long comment":          {"drawn", strings.Repeat("drawn", maxComment)},
		"many attributes":         {"<path ", "<path " + strings.Repeat(`d="M0" `, maxAttributes)},
		"many behind a >":         {"<path ", "<path " + strings.Repeat(`d=">" `, maxAttributes)},
		"many behind a quote":     {"a &lt; b</text>\n<path ", "it's</text>\n<path " + strings.Repeat(`d="M0" `, maxAttributes)},
		"many behind a comment":   {"drawn -->", "it's -->\n<g " + strings.Repeat(`id="M0" `, maxAttributes+1) + "/>"},
		"a second root":           {"</g></svg>", "</g></svg><path/>"},
		"nesting that never ends": {"</g></svg>", strings.Repeat("<g>", maxPictureDepth) + strings.Repeat("</g>", maxPictureDepth) + "</g></svg>"},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if safeSVG([]byte(bad)) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
