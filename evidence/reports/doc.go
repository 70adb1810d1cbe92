// Package reports lays out the report of a drill for one framework as PDF. It decides which words stand where, and is the only
// package that knows of pages.
//
// It prints what package words says. It measures nothing, judges nothing, and never fills a gap: what is missing is printed as
// "not recorded" or "not measured". On every page it says what kind of environment was drilled. The same input gives the same
// bytes.
package reports

import (
	"blackstart/evidence/words"
	"bytes"
	"fmt"
	goimage "image"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedbold"
	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"github.com/google/uuid"
	"github.com/johnfercher/maroto/v2"
	"github.com/johnfercher/maroto/v2/pkg/components/col"
	"github.com/johnfercher/maroto/v2/pkg/components/image"
	"github.com/johnfercher/maroto/v2/pkg/components/page"
	"github.com/johnfercher/maroto/v2/pkg/components/row"
	"github.com/johnfercher/maroto/v2/pkg/components/text"
	"github.com/johnfercher/maroto/v2/pkg/config"
	"github.com/johnfercher/maroto/v2/pkg/consts/align"
	"github.com/johnfercher/maroto/v2/pkg/consts/border"
	"github.com/johnfercher/maroto/v2/pkg/consts/extension"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontfamily"
	"github.com/johnfercher/maroto/v2/pkg/consts/fontstyle"
	"github.com/johnfercher/maroto/v2/pkg/consts/pagesize"
	"github.com/johnfercher/maroto/v2/pkg/core"
	"github.com/johnfercher/maroto/v2/pkg/core/entity"
	"github.com/johnfercher/maroto/v2/pkg/props"
	"github.com/phpdave11/gofpdf"
)

// The page, in millimetres.
const (
	pageWidth, pageHeight = 210.0, 297.0
	side, top, bottom     = 15.0, 9.0, 12.0
	bodyWidth             = pageWidth - 2*side
	columns               = 60 // of the grid; 3 mm each
	headHeight            = 16.0
	signHeight, signGap   = 20.0, 3.0
	pointsPerMM           = 72 / 25.4

	sans, mono  = "dejavu", "dejavumono"
	small, body = 7.0, 8.0 // points
	cellPad     = 0.9

	maxPlots    = 12
	maxRows     = 2_000 // of one table
	maxTextRune = 4_000 // of one cell
)

var (
	black   = &props.Color{Red: 25, Green: 25, Blue: 25}
	grey    = &props.Color{Red: 95, Green: 95, Blue: 95}
	rule    = &props.Color{Red: 190, Green: 190, Blue: 190}
	shading = &props.Color{Red: 232, Green: 236, Blue: 241}
	good    = &props.Color{Red: 18, Green: 96, Blue: 48}
	bad     = &props.Color{Red: 160, Green: 20, Blue: 20}
	unsure  = &props.Color{Red: 150, Green: 84, Blue: 0}
)

// Layout is the version of the layout: of which charts there are, what their numbers are called, and where things stand. Another
// build with the same version may still word things differently.
const Layout = "layout/2"

// one keeps renderings apart: the PDF library and its identifiers have settings for the whole process.
var one sync.Mutex

// ruler measures text with the fonts of the reports. It is made once, because reading the fonts takes longer than the
// layout; one guards its use.
var ruler = sync.OnceValue(func() *gofpdf.Fpdf {
	r := gofpdf.New("P", "mm", "A4", "")
	for _, f := range fonts() {
		r.AddUTF8FontFromBytes(f.Family, string(f.Style), f.Bytes)
	}
	return r
})

// Faces are the fonts that a report embeds, by the name they have in it.
func Faces() map[string][]byte {
	all := map[string][]byte{}
	for _, f := range fonts() {
		all["utf8"+f.Family+string(f.Style)] = f.Bytes
	}
	return all
}

// fonts returns copies: the PDF library writes into a font while it takes a subset of it.
func fonts() []*entity.CustomFont {
	return []*entity.CustomFont{
		{Family: sans, Style: fontstyle.Normal, Bytes: bytes.Clone(dejavusanscondensed.TTF)},
		{Family: sans, Style: fontstyle.Bold, Bytes: bytes.Clone(dejavusanscondensedbold.TTF)},
		{Family: mono, Style: fontstyle.Normal, Bytes: bytes.Clone(dejavusansmono.TTF)},
	}
}

// sheet is one report being laid out.
type sheet struct {
	m     core.Maroto
	ruler *gofpdf.Fpdf // measures text with the same fonts
	wide  map[int]bool // widths of the plots so far, in pixels

	arranged arrangement
	err      error // why something could not be placed
}

// render lays a report out. fill adds everything below the page header.
func render(r Report, title string, fill func(*sheet) error) (Document, error) {
	if r.Sealed.IsZero() {
		return Document{}, fmt.Errorf("render report: the sealing date is needed")
	}
	one.Lock()
	defer one.Unlock()
	defer fixProcess(r.Sealed)()
	cfg := config.NewBuilder().WithPageSize(pagesize.A4).WithSequentialMode().WithMaxGridSize(columns).
		WithLeftMargin(side).WithRightMargin(side).WithTopMargin(top).WithBottomMargin(bottom).
		WithCustomFonts(fonts()).WithDefaultFont(&props.Font{Family: sans, Size: body, Color: black}).
		WithPageNumber(props.PageNumber{Pattern: "page {current} of {total}", Place: props.RightBottom, Family: sans, Size: small, Color: grey}).
		WithCompression(true).WithTitle(title, true).WithCreationDate(r.Sealed.UTC()).
		WithSubject("run "+r.Identity.RunID+", record "+r.RecordDigest, true).WithCreator("blackstart", true).Build()
	s := &sheet{m: maroto.New(cfg), ruler: ruler(), wide: map[int]bool{}}
	if err := s.m.RegisterHeader(s.head(r, title)...); err != nil {
		return Document{}, fmt.Errorf("render report: %w", err)
	}
	if err := fill(s); err != nil {
		return Document{}, fmt.Errorf("render report: %w", err)
	}
	pdf, err := s.m.Generate()
	if err != nil {
		return Document{}, fmt.Errorf("render report: %w", err)
	}
	up := (pageHeight - top - headHeight - 1) * pointsPerMM
	low := up - (signHeight-2)*pointsPerMM
	left, middle, right := side*pointsPerMM, pageWidth/2*pointsPerMM, (pageWidth-side)*pointsPerMM
	gap := signGap / 2 * pointsPerMM
	return Document{PDF: pdf.GetBytes(), SignPage: 1, SignBox: [4]float64{left, low, middle - gap, up}, Review: [4]float64{middle + gap, low, right, up}}, nil
}

// fixProcess sets what the libraries otherwise take from the clock and from chance, and returns how to undo it.
func fixProcess(at time.Time) (undo func()) {
	gofpdf.SetDefaultCatalogSort(true)
	gofpdf.SetDefaultCreationDate(at.UTC())
	gofpdf.SetDefaultModificationDate(at.UTC())
	uuid.SetRand(rand.NewChaCha8([32]byte{}))
	return func() {
		uuid.SetRand(nil)
		gofpdf.SetDefaultCreationDate(time.Time{})
		gofpdf.SetDefaultModificationDate(time.Time{})
		gofpdf.SetDefaultCatalogSort(false)
	}
}

// environmentLine is printed on every page.
func environmentLine(environment string) string {
	switch strings.ToLower(environment) {
	case "rehearsal":
		return "REHEARSAL: shows nothing about production"
	case "staging":
		return "STAGING: shows nothing about production"
	case "production":
		return "PRODUCTION"
	}
	return "ENVIRONMENT NOT RECORDED: shows nothing about production"
}

// head is the top of every page. Its rows have fixed heights, which add up to headHeight.
func (s *sheet) head(r Report, title string) []core.Row {
	line := func(h float64, left, right core.Component) core.Row {
		return row.New(h).Add(col.New(36).Add(left), col.New(24).Add(right))
	}
	short := r.RecordDigest
	if len(short) > 16 {
		short = short[:16] + "…"
	}
	return []core.Row{
		line(6, text.New(printable(title), props.Text{Size: 9.5, Style: fontstyle.Bold}),
			text.New(environmentLine(r.Identity.Environment), props.Text{Size: small, Style: fontstyle.Bold, Align: align.Right, Color: bad, Top: 0.8})),
		line(5, text.New("run "+printable(orElse(r.Identity.RunID, words.NotRecorded)), props.Text{Size: small, Color: grey}),
			text.New("record.json sha256 "+printable(orElse(short, words.NotRecorded)), props.Text{Size: small, Color: grey, Align: align.Right})).
			WithStyle(&props.Cell{BorderType: border.Bottom, BorderColor: rule}),
		row.New(headHeight - 11).Add(col.New(columns)),
	}
}

// signatures leaves the two places for signatures free and says whose they are.
func (s *sheet) signatures() {
	s.m.AddRows(row.New(signHeight).Add(col.New(columns)))
	s.note("Left: the executor's signature, which certifies this document. Right: the reviewer's, empty until a review is signed. A box without a signature that verifies means nothing.")
}

// block prints the facts that every build of the tool reads again. They are set in a standard font that no file embeds, so that
// no file can change what its letters look like; nothing else may stand beside them.
func (s *sheet) block(lines []string) {
	const size, step = 6.0, 2.4 // points, mm
	if len(lines) == 0 {
		return
	}
	s.note("Facts. Every build of the tool compares these lines with the record; what stands elsewhere explains them.")
	s.m.AddRows(row.New(0.8).Add(col.New(columns)))
	for _, l := range lines {
		s.m.AddRows(row.New(step).Add(text.NewCol(columns, l, props.Text{Family: fontfamily.Courier, Size: size, Color: &props.BlackColor})))
	}
	s.m.AddRows(row.New(1.2).Add(col.New(columns)))
}

// section starts a part of the report; it is moved to the next page when too little room is left below it.
func (s *sheet) section(title string) {
	const keep = 38 // mm: the title and the beginning of what follows
	s.room(keep)
	s.m.AddRows(row.New(2.5).Add(col.New(columns)),
		row.New(6).Add(text.NewCol(columns, printable(title), props.Text{Size: 9.5, Style: fontstyle.Bold, Top: 0.6})).
			WithStyle(&props.Cell{BorderType: border.Bottom, BorderColor: black}),
		row.New(1).Add(col.New(columns)))
}

// room starts a new page unless h millimetres are left; it reports whether it did.
func (s *sheet) room(h float64) bool {
	if s.fits(h) {
		return false
	}
	s.m.AddPages(page.New())
	return true
}

// fits tells whether h millimetres are left on the page.
func (s *sheet) fits(h float64) bool {
	return s.m.FitlnCurrentPage(h - headHeight) // it counts the page header twice
}

// note is a paragraph in small grey type.
func (s *sheet) note(t string) { s.paragraph(t, props.Text{Size: small, Color: grey}) }

// say is a paragraph in the type of the body.
func (s *sheet) say(t string) { s.paragraph(t, props.Text{Size: body}) }

// alarming is the type of what must not be overlooked; the words say so without colour too.
var alarming = props.Text{Size: body, Style: fontstyle.Bold, Color: bad}

// heading is the type of a title within a section.
var heading = props.Text{Size: body, Style: fontstyle.Bold}

// gap leaves a little room.
func (s *sheet) gap() { s.m.AddRows(row.New(1.5).Add(col.New(columns))) }

func (s *sheet) paragraph(t string, p props.Text) {
	p.Top, p.Bottom = cellPad, cellPad
	t, h := s.set(t, columns, p)
	s.room(h)
	s.m.AddAutoRow(text.NewCol(columns, t, p))
}

// plot adds an image over the whole width. What is not a PNG is an error: the library would print a text instead.
func (s *sheet) plot(p Plot) error {
	img, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil || img.Bounds().Empty() {
		return fmt.Errorf("place plot %q: not a PNG: %w", p.Title, err)
	}
	data, err := s.distinct(p.PNG, img)
	if err != nil {
		return fmt.Errorf("place plot %q: %w", p.Title, err)
	}
	h := plotHeight(p)
	s.room(h + 9)
	s.m.AddRows(row.New(h).Add(col.New(columns).Add(image.NewFromBytes(data, extension.Png, props.Rect{Percent: 100, Center: true}))))
	if p.Caption != "" {
		s.note(p.Caption)
	}
	s.m.AddRows(row.New(3).Add(col.New(columns)))
	return nil
}

// plotHeight is the height of a plot on the page in millimetres, 0 for what is no image.
func plotHeight(p Plot) float64 {
	const most = 120
	img, err := png.DecodeConfig(bytes.NewReader(p.PNG))
	if err != nil || img.Width == 0 {
		return 0
	}
	return min(most, bodyWidth*float64(img.Height)/float64(img.Width))
}

// distinct gives every plot a width of its own by adding white columns: the PDF library orders images by width, and
// those of one width by chance.
func (s *sheet) distinct(data []byte, img goimage.Image) ([]byte, error) {
	b := img.Bounds()
	w := b.Dx()
	for s.wide[w] {
		w++
	}
	s.wide[w] = true
	if w == b.Dx() {
		return data, nil
	}
	out := goimage.NewNRGBA(goimage.Rect(0, 0, w, b.Dy()))
	draw.Draw(out, out.Bounds(), goimage.White, goimage.Point{}, draw.Src)
	draw.Draw(out, b.Sub(b.Min), img, b.Min, draw.Src)
	var buf bytes.Buffer
	fast := png.Encoder{CompressionLevel: png.BestSpeed} // it is compressed for seconds otherwise, to save a few kilobytes
	if err := fast.Encode(&buf, out); err != nil {
		return nil, fmt.Errorf("widen image: %w", err)
	}
	return buf.Bytes(), nil
}
