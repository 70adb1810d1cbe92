package pades

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/phpdave11/gofpdf"
)

// TestASigningRevisionOnlySigns: the bytes before are untouched and a signature covers everything, yet another page is shown.
func TestASigningRevisionOnlySigns(t *testing.T) {
	page := func(u *update) (ref, dict) {
		r, _, err := u.file.page(1)
		if err != nil {
			t.Fatal(err)
		}
		return r, reread(t, u.objects[r])
	}
	catalog := func(change func(dict) dict) func(u *update) {
		return func(u *update) { u.objects[u.file.root] = appendObject(nil, change(reread(t, u.objects[u.file.root]))) }
	}
	field := func(change func(u *update, d dict) dict) func(u *update) {
		return func(u *update) {
			for r, b := range u.objects {
				if bytes.Contains(b, []byte("/Widget")) {
					u.objects[r] = appendObject(nil, change(u, reread(t, b)))
				}
			}
		}
	}
	signature := func(change func(dict) dict) func(u *update) {
		return func(u *update) {
			b := u.objects[u.sig]
			i := bytes.Index(b, []byte(" /ByteRange"))
			head := appendObject(nil, change(reread(t, append(bytes.Clone(b[:i]), " >>"...))))
			u.objects[u.sig] = append(bytes.TrimSuffix(head, []byte(" >>")), b[i:]...)
		}
	}
	script := dict{{"S", name("JavaScript")}, {"JS", text{val: []byte("app.alert('PASS')")}}}
	for name, tamper := range map[string]func(u *update){
		"another content": func(u *update) {
			r, d := page(u)
			_, data, err := newUnpacker(u.file).stream(d.get("Contents").(ref))
			if err != nil {
				t.Fatal(err)
			}
			data = bytes.Replace(data, []byte("verdict=fail"), []byte("verdict=pass"), 1)
			c := u.add(fmt.Appendf(nil, "<< /Length %d >>\nstream\n%s\nendstream", len(data), data))
			u.objects[r] = appendObject(nil, d.with("Contents", c))
		},
		"another catalog": func(u *update) {
			u.file.root = u.add(u.objects[u.file.root])
		},
		"another version":             catalog(func(d dict) dict { return d.with("Version", name("9.9")) }),
		"a link instead of a field":   field(func(_ *update, d dict) dict { return d.with("Subtype", name("Link")) }),
		"a field that looks pressed":  field(func(_ *update, d dict) dict { return d.with("AP", d.get("AP").(dict).with("D", ref{1, 0})) }),
		"a signature with properties": signature(func(d dict) dict { return d.with("Prop_Build", dict{}) }),
		"another page first":          func(u *update) { u.objects[ref{1, 0}] = []byte("<< /Type /Pages /Kids [5 0 R] /Count 1 >>") },
		"a font changed": func(u *update) {
			u.objects[fontRef(t, u.file)] = []byte("<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>")
		},
		"a note on the page": func(u *update) {
			r, d := page(u)
			n := u.add([]byte("<< /Type /Annot /Subtype /FreeText /Rect [40 600 400 700] /Contents (PASS) >>"))
			u.objects[r] = appendObject(nil, d.with("Annots", append(d.get("Annots").(array), n)))
		},
		"an action when it is opened": catalog(func(d dict) dict { return d.with("OpenAction", script) }),
		"additional actions":          catalog(func(d dict) dict { return d.with("AA", dict{{"WC", script}}) }),
		"a form of XFA": catalog(func(d dict) dict {
			return d.with("AcroForm", d.get("AcroForm").(dict).with("XFA", array{}))
		}),
		"a field for text": func(u *update) {
			f := u.add([]byte("<< /Type /Annot /Subtype /Widget /FT /Tx /T (PASS) /Rect [40 600 400 700] >>"))
			catalog(func(d dict) dict {
				form := d.get("AcroForm").(dict)
				return d.with("AcroForm", form.with("Fields", append(form.get("Fields").(array), f)))
			})(u)
		},
		"a permission more":    catalog(func(d dict) dict { return d.with("Perms", d.get("Perms").(dict).with("UR3", ref{1, 0})) }),
		"an action of a field": field(func(_ *update, d dict) dict { return d.with("A", script) }),
		"a field over the block": field(func(_ *update, d dict) dict {
			box, err := readRect(d.get("Rect"))
			if err != nil {
				t.Fatal(err)
			}
			return d.with("Rect", Rect{box.X1, box.Y1 - 60, box.X2, box.Y2 - 60}.object())
		}),
		"a field that draws beyond its box": field(func(u *update, d dict) dict {
			box, _ := readRect(d.get("Rect"))
			return d.with("AP", dict{{"N", u.addStream(Rect{0, 0, box.width() + 300, box.height() + 300}, []string{"PASS"})}})
		}),
		"a field that draws an image": field(func(u *update, d dict) dict {
			box, _ := readRect(d.get("Rect"))
			look := appendObject(nil, appearanceDict(box, 5))
			return d.with("AP", dict{{"N", u.add(append(look, "\nstream\n/I Do\nendstream"...))}})
		}),
	} {
		pdf := signedReport(t, report(t, nil), tamper)
		if lines, err := ReadBlock(pdf, "facts=facts/1 ", testFaces); !errors.Is(err, ErrShown) {
			t.Errorf("%s: accepted, %q", name, lines)
		} else if os.Getenv("SHOW") != "" {
			t.Log(name, err)
		}
	}
}

// TestWhatStandsOutsideTheObjects: the trailer, and what the layout library writes of names and information.
func TestWhatStandsOutsideTheObjects(t *testing.T) {
	plain := report(t, func(p *gofpdf.Fpdf) { image(p, 150) })
	if _, err := ReadBlock(signedReport(t, edited(t, plain, "/Type /Pages", "/Type  /Pages"), nil), "facts=facts/1 ", testFaces); err != nil {
		t.Fatalf("a file that was written anew: %v", err)
	}
	trailer := func(b []byte) []byte {
		i := bytes.LastIndex(b, []byte("trailer\n<<"))
		return append(append(bytes.Clone(b[:i]), "trailer\n<< /Extra 1 0 R"...), b[i+len("trailer\n<<"):]...)
	}
	if _, err := ReadBlock(signedReport(t, plain, nil, trailer), "facts=facts/1 ", testFaces); !errors.Is(err, ErrShown) {
		t.Error("a trailer that says more: accepted")
	}
	info := string(regexp.MustCompile(`/Info \d+ 0 R`).Find(plain))
	length := string(regexp.MustCompile(`/Length \d+`).Find(plain))
	content := string(regexp.MustCompile(`/Contents \d+ 0 R`).Find(plain))
	for name, c := range map[string][2]string{
		"files in a tree of names":       {"/EmbeddedFiles", "/EmbeddedFiles << /Kids [1 0 R] /Names [] >> /X"},
		"files in kids":                  {"/EmbeddedFiles <<", "/EmbeddedFiles << /Kids [1 0 R]"},
		"scripts by name":                {"/EmbeddedFiles <<", "/JavaScript 1 0 R /EmbeddedFiles <<"},
		"information that is no text":    {info, "/Info [1]"},
		"information that says more":     {"/Producer", "/Trapped 1 /Producer"},
		"pages that are turned":          {"/Type /Pages", "/Type /Pages /Rotate 90"},
		"a page that is turned":          {"/Type /Page\n", "/Type /Page /Rotate 90\n"},
		"a page with actions":            {"/Type /Page\n", "/Type /Page /AA 1 0 R\n"},
		"a content in parts":             {content, content[:9] + " [" + content[9:] + "]"},
		"colours of its own":             {"/ColorSpace <<", "/ColorSpace << /CS [/Separation]"},
		"properties of a page":           {"/Font <<", "/Properties 1 0 R /Font <<"},
		"a filter that nobody reads":     {"/FlateDecode", "/LZWDecode"},
		"a predictor":                    {"/FlateDecode", "/FlateDecode /DecodeParms << /Predictor 12 >>"},
		"a length that is too long":      {"/Length ", "/Length 9"},
		"a length that is too short":     {length, "/Length 10"},
		"codes of other characters":      {"<0000> <FFFF> <0000>", "<0000> <FFFF> <0001>"},
		"text that runs upwards":         {"/Identity-H", "/Identity-V"},
		"letters of negative width":      {"/DW 540", "/DW -540"},
		"letters without a width":        {"/DW 540", "/DW /X"},
		"another standard font":          {"/BaseFont /Courier", "/BaseFont /Symbol"},
		"another encoding":               {"/WinAnsiEncoding", "/MacRomanEncoding"},
		"differences of an encoding":     {"/WinAnsiEncoding", "<< /Differences [70 /P] >>"},
		"a font with procedures":         {"/Subtype /Type0", "/Subtype /Type3"},
		"a font of another kind":         {"/CIDFontType2", "/CIDFontType0"},
		"a font that embeds another too": {"/FontFile2", "/FontFile3 1 0 R /FontFile2"},
		"a standard font that embeds":    {"/BaseFont /Courier", "/FontDescriptor 1 0 R /BaseFont /Courier"},
		"a mask of an image":             {"/Subtype /Image", "/Subtype /Image /SMask 1 0 R"},
		"a form for an image":            {"/Subtype /Image", "/Subtype /Form"},
	} {
		pdf := signedReport(t, edited(t, plain, c[0], c[1]), nil)
		if _, err := ReadBlock(pdf, "facts=facts/1 ", testFaces); !errors.Is(err, ErrShown) {
			t.Errorf("%s: accepted", name)
		} else if os.Getenv("SHOW") != "" {
			t.Log(name, err)
		}
	}
}

// edited replaces words in the first object that has them, or in the trailer, and writes the cross-reference table anew.
func edited(t *testing.T, pdf []byte, old, with string) []byte {
	t.Helper()
	f, err := readFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	at, num := []int{}, map[int]int{}
	for n, offset := range f.sections[0].entries {
		if offset > 0 {
			at, num[offset] = append(at, offset), n
		}
	}
	slices.Sort(at)
	out, changed := bytes.Clone(pdf[:at[0]]), false
	replace := func(b []byte) []byte {
		if changed || !bytes.Contains(b, []byte(old)) {
			return b
		}
		changed = true
		return bytes.Replace(b, []byte(old), []byte(with), 1)
	}
	table := make([]string, len(at)+1)
	table[0] = "0000000000 65535 f \n"
	for i, from := range at {
		to := f.sections[0].at
		if i+1 < len(at) {
			to = at[i+1]
		}
		table[num[from]] = fmt.Sprintf("%010d 00000 n \n", len(out))
		out = append(out, replace(pdf[from:to])...)
	}
	begin := len(out)
	trailer := pdf[bytes.LastIndex(pdf, []byte("trailer")):bytes.LastIndex(pdf, []byte("startxref"))]
	out = fmt.Appendf(out, "xref\n0 %d\n%s%sstartxref\n%d\n%%%%EOF\n", len(table), strings.Join(table, ""), replace(trailer), begin)
	if !changed {
		t.Fatalf("the file has no %q", old)
	}
	return out
}

func reread(t *testing.T, b []byte) dict {
	t.Helper()
	l := lexer{b: b}
	o, err := l.object(0)
	if err != nil {
		t.Fatal(err)
	}
	return o.(dict)
}

func fontRef(t *testing.T, f *file) ref {
	t.Helper()
	for num := range f.sections[0].entries {
		if d, err := f.loadDict(ref{num, 0}); err == nil && d.get("Subtype") == name("Type0") {
			return ref{num, 0}
		}
	}
	t.Fatal("no font")
	return ref{}
}

// TestARevisionBetweenIsRefused: the report was changed after it was laid out and before it was signed.
func TestARevisionBetweenIsRefused(t *testing.T) {
	f, err := readFile(report(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	u := &update{file: f, next: f.size, objects: map[ref][]byte{}}
	u.sig = u.add([]byte("<< /Contents <00> >>")) // write looks for one
	pdf, _, err := u.write()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBlock(signedReport(t, pdf, nil), "facts=facts/1 ", testFaces); err == nil || !strings.Contains(err.Error(), "revisions") {
		t.Errorf("%v", err)
	}
}
