package pades

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedbold"
	"github.com/phpdave11/gofpdf"
)

var testFaces = Faces{"utf8dejavu": dejavusanscondensed.TTF}

var blockLines = []string{"facts=facts/1 run=1 verdict=fail", "objective=rto verdict=fail", `executor="Zo\u00eb \\ (x)"`}

// blockTop is the baseline of the first line of the block, in mm from the top.
const blockTop, blockStep = 60.0, 2.4

// report makes a document as reports are made, with a block of facts; draw adds to page 1 after it.
func report(t testing.TB, draw func(p *gofpdf.Fpdf)) []byte {
	t.Helper()
	p := gofpdf.New("P", "mm", "A4", "")
	p.SetDisplayMode("default", "")
	p.SetCatalogSort(true)
	p.SetCreationDate(signedAt)
	p.SetModificationDate(signedAt)
	p.AddUTF8FontFromBytes("dejavu", "", bytes.Clone(dejavusanscondensed.TTF))
	for page := range 2 {
		p.AddPage()
		p.SetFont("dejavu", "", 9)
		p.Text(15, 20, "Verdict: FAIL, Zoë Łęcka")
		if page > 0 {
			continue
		}
		p.SetFont("courier", "", 6)
		for i, l := range blockLines {
			p.Text(15, blockTop+float64(i)*blockStep, l)
		}
		p.SetFont("dejavu", "", 9)
		if draw != nil {
			draw(p)
		}
	}
	var b bytes.Buffer
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// signedReport signs as the executor does; tamper may change what the signing revision holds, after its bytes before they are
// signed.
func signedReport(t testing.TB, pdf []byte, tamper func(u *update), after ...func([]byte) []byte) []byte {
	t.Helper()
	a := newAuthority(t)
	o := a.options(t, "Eve Executor", newKey(t))
	o.Certify, o.ReviewerField, o.ReviewerBox = true, true, Rect{300, 700, 540, 770}
	if err := o.complete(); err != nil {
		t.Fatal(err)
	}
	f, err := readFile(pdf)
	if err != nil {
		t.Fatal(err)
	}
	u := &update{file: f, next: f.size, objects: map[ref][]byte{}}
	if err := u.compose(o); err != nil {
		t.Fatal(err)
	}
	if tamper != nil {
		tamper(u)
	}
	out, contents, err := u.write()
	for _, change := range after {
		out = change(out)
	}
	if err == nil {
		err = fillContents(out, contents, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(out, a.pool(), signedAt); err != nil {
		t.Fatalf("the signature of the forged file does not hold: %v", err)
	}
	return out
}

func TestReadBlock(t *testing.T) {
	pdf := signedReport(t, report(t, nil), nil)
	got, err := ReadBlock(pdf, "facts=facts/1 ", testFaces)
	if err != nil || strings.Join(got, "\n") != strings.Join(blockLines, "\n") {
		t.Errorf("read %q, %v", got, err)
	}
}

// TestWhatHidesOrContradictsIsRefused: each file is signed with a valid key, and shows something else than it says.
func TestWhatHidesOrContradictsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		draw func(p *gofpdf.Fpdf)
		want string
	}{
		"text over the block":          {func(p *gofpdf.Fpdf) { p.Text(40, blockTop, "PASS") }, "over the block"},
		"text beside the block":        {func(p *gofpdf.Fpdf) { p.Text(150, blockTop+blockStep, "overruled: PASS") }, "over the block"},
		"a white area over the block":  {func(p *gofpdf.Fpdf) { p.SetFillColor(255, 255, 255); p.Rect(10, 58, 100, 6, "F") }, "over the block"},
		"a line through the block":     {func(p *gofpdf.Fpdf) { p.Line(10, blockTop, 100, blockTop) }, "over the block"},
		"an image over the block":      {func(p *gofpdf.Fpdf) { image(p, blockTop) }, "over the block"},
		"another line under the block": {func(p *gofpdf.Fpdf) { p.SetFont("courier", "", 6); p.Text(80, 200, "verdict=pass") }, "line 4"},
		"a grey line of the block":     {func(p *gofpdf.Fpdf) { grey(p); p.Text(15, blockTop+3*blockStep, "verdict=pass") }, "line 4"},
		"a line far from the block":    {func(p *gofpdf.Fpdf) { p.SetFont("courier", "", 6); p.Text(15, blockTop+9*blockStep, "verdict=pass") }, "line 4"},
		"a line upon the block":        {func(p *gofpdf.Fpdf) { p.SetFont("courier", "", 6); p.Text(15, blockTop+blockStep, "verdict=pass") }, "line 4"},
		"white text":                   {func(p *gofpdf.Fpdf) { p.SetTextColor(255, 255, 255); p.Text(15, 100, "PASS") }, "hidden text"},
		"text too small to be seen":    {func(p *gofpdf.Fpdf) { p.SetFont("dejavu", "", 0.5); p.Text(15, 100, "PASS") }, "hidden text"},
		"text beside the page":         {func(p *gofpdf.Fpdf) { p.Text(15, 310, "PASS") }, "beside the page"},
		"text that leaves the page":    {func(p *gofpdf.Fpdf) { p.Text(205, 100, "a long way over the edge") }, "beside the page"},
		"text that is not rendered":    {func(p *gofpdf.Fpdf) { p.SetTextRenderingMode(3); p.Text(15, 100, "PASS") }, `operator "Tr"`},
		"text that is only a clip":     {func(p *gofpdf.Fpdf) { p.ClipText(15, 100, "PASS", false); p.ClipEnd() }, "operator"},
		"a clip":                       {func(p *gofpdf.Fpdf) { p.ClipRect(0, 0, 1, 1, false); p.Text(15, 100, "PASS"); p.ClipEnd() }, "operator"},
		"a dark area":                  {func(p *gofpdf.Fpdf) { p.SetFillColor(0, 0, 0); p.Rect(10, 100, 10, 10, "F") }, "dark area"},
		"transparent text":             {func(p *gofpdf.Fpdf) { p.SetAlpha(0, "Normal"); p.Text(15, 100, "PASS") }, "Group"},
		"a changed coordinate system": {func(p *gofpdf.Fpdf) {
			p.TransformBegin()
			p.TransformScale(1, 1, 0, 0)
			p.Text(15, 9, "x")
			p.TransformEnd()
		}, "coordinate system"},
		"a curve":   {func(p *gofpdf.Fpdf) { p.Circle(100, 100, 10, "D") }, "operator"},
		"a shading": {func(p *gofpdf.Fpdf) { p.LinearGradient(10, 100, 10, 10, 1, 1, 1, 255, 255, 255, 0, 0, 1, 0) }, ""},
		"a form": {func(p *gofpdf.Fpdf) {
			p.UseTemplate(p.CreateTemplate(func(tpl *gofpdf.Tpl) { tpl.Text(15, 60, "PASS") }))
		}, ""},
		"optional content": {func(p *gofpdf.Fpdf) {
			l := p.AddLayer("PASS", true)
			p.BeginLayer(l)
			p.Text(15, 100, "PASS")
			p.EndLayer()
		}, "OCProperties"},
		"a link":                      {func(p *gofpdf.Fpdf) { p.LinkString(20, 100, 30, 10, "https://example.test/") }, "annotation"},
		"a script":                    {func(p *gofpdf.Fpdf) { p.SetJavascript("app.alert('PASS')") }, ""},
		"an action when it is opened": {func(p *gofpdf.Fpdf) { p.SetDisplayMode("fullpage", "") }, "OpenAction"},
		"an outline":                  {func(p *gofpdf.Fpdf) { p.Bookmark("PASS", 0, 0) }, "Outlines"},
		"an embedded file":            {func(p *gofpdf.Fpdf) { p.SetAttachments([]gofpdf.Attachment{{Content: []byte("x"), Filename: "x"}}) }, "embeds"},
		"a font that nobody knows": {func(p *gofpdf.Fpdf) {
			p.AddUTF8FontFromBytes("odd", "", bytes.Clone(dejavusanscondensed.TTF))
			p.SetFont("odd", "", 9)
			p.Text(15, 100, "x")
		}, "none that a report uses"},
		"another standard font": {func(p *gofpdf.Fpdf) { p.SetFont("Times", "", 9); p.Text(15, 100, "x") }, "none that a report uses"},
		"a block on the second page": {func(p *gofpdf.Fpdf) {
			p.AddPage()
			p.SetFont("courier", "", 6)
			p.Text(15, 60, "facts=facts/1 verdict=pass")
		}, "page 1 alone"},
		"a page of another size":          {func(p *gofpdf.Fpdf) { p.AddPageFormat("P", gofpdf.SizeType{Wd: 400, Ht: 400}) }, "MediaBox"},
		"a page with a box of its own":    {func(p *gofpdf.Fpdf) { p.SetPageBox("crop", 0, 0, 10, 10) }, "CropBox"},
		"text between dark and invisible": {func(p *gofpdf.Fpdf) { p.SetTextColor(200, 200, 200); p.Text(15, 100, "PASS") }, "hidden text"},
	} {
		pdf := signedReport(t, report(t, c.draw), nil)
		if _, err := ReadBlock(pdf, "facts=facts/1 ", testFaces); !errors.Is(err, ErrShown) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// image draws a pixel over a strip of the page.
func image(p *gofpdf.Fpdf, y float64) {
	const onePixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x0cIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\r\xefF\xb8\x00\x00\x00\x00IEND\xaeB`\x82"
	p.RegisterImageOptionsReader("i", gofpdf.ImageOptions{ImageType: "PNG"}, strings.NewReader(onePixel))
	p.ImageOptions("i", 15, y, 60, 4, false, gofpdf.ImageOptions{ImageType: "PNG"}, 0, "")
}

func grey(p *gofpdf.Fpdf) { p.SetTextColor(90, 90, 90); p.SetFont("courier", "", 6) }

// TestLettersLookLikeThemselves: the embedded font draws other shapes than the one it says it is.
func TestLettersLookLikeThemselves(t *testing.T) {
	pdf := signedReport(t, report(t, nil), nil)
	if _, err := ReadBlock(pdf, "facts=facts/1 ", Faces{"utf8dejavu": dejavusanscondensedbold.TTF}); err == nil || !strings.Contains(err.Error(), "looks like another") {
		t.Errorf("%v", err)
	}
}

// TestReadBlockIsBounded: what unpacks to too much is refused.
func TestReadBlockIsBounded(t *testing.T) {
	if _, err := ReadBlock(make([]byte, MaxReport+1), "facts", nil); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Error(err)
	}
	pdf := signedReport(t, report(t, func(p *gofpdf.Fpdf) {
		p.SetAutoPageBreak(false, 0)
		for range 1_000_000 {
			p.Text(15, 100, "          ")
		}
	}), nil)
	if _, err := ReadBlock(pdf, "facts=facts/1 ", testFaces); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("%d bytes: %v", len(pdf), err)
	}
}

// TestHostileFilesAreBounded: what would cost more than any report is refused before it does.
func TestHostileFilesAreBounded(t *testing.T) {
	wrap := func(body, xref string) []byte {
		at := len("%PDF-1.7\n" + body)
		return fmt.Appendf(nil, "%%PDF-1.7\n%sxref\n%strailer\n<< /Root 1 0 R /Size 9 >>\nstartxref\n%d\n%%%%EOF\n", body, xref, at)
	}
	if _, err := ReadBlock(signedReport(t, report(t, nil), nil), "facts=facts/2 ", testFaces); err == nil || !strings.Contains(err.Error(), "no block of facts") {
		t.Errorf("a block of another version: %v", err)
	}
	if _, err := paint(bytes.Repeat([]byte("q Q "), maxOperators), nil, nil); err == nil || !strings.Contains(err.Error(), "operators") {
		t.Errorf("operators without end: %v", err)
	}
	for name, pdf := range map[string][]byte{
		"a catalog of nested lists": wrap("1 0 obj\n<< /A ["+strings.Repeat("["+strings.Repeat("0 ", 1<<17)+"]", 8)+"] >>\nendobj\n", "1 1\n0000000009 00000 n \n"),
		"a million objects":         wrap("", "0 1000000\n"+strings.Repeat("0 0 f ", 1_000_000)+"\n"),
	} {
		if _, err := ReadBlock(pdf, "facts", testFaces); err == nil || !strings.Contains(err.Error(), "more than") && !strings.Contains(err.Error(), "beyond") {
			t.Errorf("%s: %v", name, err)
		}
	}
	face := &typeface{}
	if face.measure(number("1"), array{number("0"), number("65535"), number("1"), number("0"), number("65535"), number("1")}) == nil {
		t.Error("widths that are written over and over are read")
	}
}

// Foreign bytes may be anything: reading them returns lines or an error, never more.
func FuzzReadBlock(f *testing.F) {
	pdf := signedReport(f, report(f, nil), nil)
	open := signedReport(f, report(f, func(p *gofpdf.Fpdf) { p.SetCompression(false) }), nil)
	for _, word := range []string{"/Contents", "/Font", "/Annots", "Tj", "/W [", "/Kids", "/Length", "xref", "/CIDToGIDMap"} {
		for plain, seed := range map[bool][]byte{true: open, false: pdf} {
			f.Add(uint(max(0, bytes.Index(seed, []byte(word)))), []byte("/X 9 0 R"), plain)
		}
	}
	f.Add(uint(0), pdf[:100], false)
	f.Fuzz(func(t *testing.T, at uint, patch []byte, plain bool) {
		seed := pdf
		if plain {
			seed = open
		}
		i := int(at % uint(len(seed)+1))
		b := append(bytes.Clone(seed[:i]), patch...)
		if i+len(patch) < len(seed) {
			b = append(b, seed[i+len(patch):]...)
		}
		if _, err := ReadBlock(b, "facts=facts/1 ", testFaces); err != nil && !errors.Is(err, ErrShown) {
			t.Fatal(err)
		}
	})
}

// The content of a page may be anything too.
func FuzzPaint(f *testing.F) {
	font := &typeface{base: courier, wide: 0.6}
	f.Add([]byte("q 0.1 g BT 10 20 Td /F 6 Tf (x) Tj ET Q 1 w 1 2 m 3 4 l S 1 2 3 4 re f q 1 0 0 1 2 3 cm /I Do Q"))
	f.Add([]byte("BT /F 6 Tf 1 1 Td (a) Tj (b) Tj ET"))
	f.Fuzz(func(t *testing.T, b []byte) {
		marks, err := paint(b, map[name]*typeface{"F": font}, map[name]bool{"I": true})
		if err == nil {
			_, _ = blockOf(marks, nil, "x")
		}
	})
}
