package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pattern is drawn over a filled area, so that areas can be told apart without colour.
type pattern int

const (
	solid    pattern = iota
	rising           // ///
	falling          // \\\
	level            // horizontal lines
	upright          // vertical lines
	crossed          // rising and falling
	chequer          // level and upright
	numLooks = 18
)

// look is how an area is filled.
type look struct {
	fill    color.NRGBA
	pattern pattern
	ink     color.NRGBA // of the pattern
}

var (
	white = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
	faint = color.NRGBA{R: 0x22, G: 0x22, B: 0x22, A: 0x40}

	// faultLooks are the fills of fault windows. They lie under everything and let what they overlap be seen.
	faultLooks = []look{
		{shade, solid, ink},
		{color.NRGBA{R: 0xe8, G: 0xd0, B: 0xa0, A: 0x60}, rising, faint},
		{color.NRGBA{R: 0xb8, G: 0xcc, B: 0xe4, A: 0x60}, falling, faint},
		{color.NRGBA{R: 0xd8, G: 0xb8, B: 0xd8, A: 0x60}, level, faint},
	}

	// looks are those of the layers of a stacked chart, by number: no two are alike in colour and pattern.
	looks = [numLooks]look{
		{color.NRGBA{0xf4, 0xf4, 0xf4, 0xff}, chequer, ink},
		{color.NRGBA{0xd3, 0xe4, 0xd6, 0xff}, solid, ink},
		{color.NRGBA{0x6b, 0x6b, 0x6b, 0xff}, solid, ink},
		{color.NRGBA{0xd9, 0x7a, 0x06, 0xff}, rising, white},
		{color.NRGBA{0xf2, 0xc0, 0x6b, 0xff}, falling, ink},
		{color.NRGBA{0x8a, 0x5a, 0xa8, 0xff}, level, white},
		{color.NRGBA{0xb5, 0x4a, 0x4a, 0xff}, upright, white},
		{color.NRGBA{0x9c, 0x12, 0x12, 0xff}, solid, ink},
		{color.NRGBA{0xd6, 0x6a, 0x8a, 0xff}, crossed, ink},
		{color.NRGBA{0xec, 0xa8, 0xa8, 0xff}, rising, ink},
		{color.NRGBA{0x0b, 0x3c, 0x78, 0xff}, falling, white},
		{color.NRGBA{0x6f, 0xa3, 0xd8, 0xff}, level, ink},
		{color.NRGBA{0x5c, 0x2d, 0x82, 0xff}, crossed, white},
		{color.NRGBA{0xe4, 0xe4, 0xe4, 0xff}, upright, ink},
		{color.NRGBA{0xb0, 0xa0, 0x60, 0xff}, chequer, ink},
		{color.NRGBA{0x14, 0x14, 0x14, 0xff}, rising, white},
		{color.NRGBA{0x00, 0x6d, 0x6d, 0xff}, chequer, white},
		{color.NRGBA{0x7f, 0xc8, 0xbf, 0xff}, upright, ink},
	}
)

func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

// patternEvery is the distance between two lines of a pattern.
const patternEvery = 4 * vg.Length(1)

// draw draws the pattern over areas, as if one sheet of it lay under all of them.
func (p pattern) draw(c *draw.Canvas, areas []vg.Rectangle, ink color.NRGBA) {
	var path vg.Path
	for _, r := range areas {
		switch p {
		case solid:
		case rising:
			path = diagonals(path, r, 1)
		case falling:
			path = diagonals(path, r, -1)
		case level:
			path = straight(path, r, true)
		case upright:
			path = straight(path, r, false)
		case crossed:
			path = diagonals(diagonals(path, r, 1), r, -1)
		case chequer:
			path = straight(straight(path, r, true), r, false)
		}
	}
	if len(path) == 0 {
		return
	}
	c.SetLineStyle(draw.LineStyle{Color: ink, Width: vg.Points(0.5)})
	c.Stroke(path)
}

// diagonals adds the parts of the lines y = slope·x + k·d that lie in r.
func diagonals(path vg.Path, r vg.Rectangle, slope vg.Length) vg.Path {
	d := patternEvery * 1.4
	low, high := r.Min.Y-slope*r.Min.X, r.Max.Y-slope*r.Max.X
	for _, v := range []vg.Length{r.Min.Y - slope*r.Max.X, r.Max.Y - slope*r.Min.X} {
		low, high = min(low, v), max(high, v)
	}
	for k := vg.Length(math.Ceil(float64(low/d))) * d; k <= high; k += d {
		from, to := (r.Min.Y-k)*slope, (r.Max.Y-k)*slope // slope is 1 or -1, its own inverse
		from, to = max(min(from, to), r.Min.X), min(max(from, to), r.Max.X)
		if from < to {
			path.Move(vg.Point{X: from, Y: slope*from + k})
			path.Line(vg.Point{X: to, Y: slope*to + k})
		}
	}
	return path
}

// straight adds the parts of horizontal or vertical lines that lie in r.
func straight(path vg.Path, r vg.Rectangle, horizontal bool) vg.Path {
	lo, hi := r.Min.X, r.Max.X
	if horizontal {
		lo, hi = r.Min.Y, r.Max.Y
	}
	for v := vg.Length(math.Ceil(float64(lo/patternEvery))) * patternEvery; v <= hi; v += patternEvery {
		a, b := vg.Point{X: v, Y: r.Min.Y}, vg.Point{X: v, Y: r.Max.Y}
		if horizontal {
			a, b = vg.Point{X: r.Min.X, Y: v}, vg.Point{X: r.Max.X, Y: v}
		}
		path.Move(a)
		path.Line(b)
	}
	return path
}
