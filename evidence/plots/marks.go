package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Numbers of events stand above the plot, on several levels when they would touch.
const (
	levels      = 4
	near        = 0.022 // of the axis: closer numbers would touch
	levelHeight = 6.5 * vg.Length(1)
)

// marker draws the vertical lines of the events and their numbers above the plot.
type marker struct {
	at    []float64
	level []int // numbers that would touch stand on different levels
}

// Plot implements plot.Plotter.
func (m marker) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	style := text.Style{Color: ink, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(6.5)},
		XAlign: draw.XCenter, YAlign: draw.YBottom, Handler: p.Title.TextStyle.Handler}
	line := draw.LineStyle{Color: ink, Width: vg.Points(0.6), Dashes: []vg.Length{vg.Points(2), vg.Points(1.5)}}
	for i, t := range m.at {
		c.StrokeLine2(line, x(t), c.Min.Y, x(t), c.Max.Y+levelHeight*vg.Length(m.level[i])+vg.Points(1))
	}
	for i, t := range m.at {
		at := vg.Point{X: x(t), Y: c.Max.Y + levelHeight*vg.Length(m.level[i]) + vg.Points(1)}
		half := vg.Points(2.2)
		if i >= 9 {
			half = vg.Points(3.8)
		}
		c.FillPolygon(color.White, []vg.Point{{X: at.X - half, Y: at.Y}, {X: at.X + half, Y: at.Y},
			{X: at.X + half, Y: at.Y + levelHeight}, {X: at.X - half, Y: at.Y + levelHeight}})
		c.FillText(style, at, fmt.Sprint(i+1))
	}
}

// band shades a span over the whole height of the plot; on the shade of the second fault and of those after it lies a pattern.
type band struct {
	from, to float64
	number   int
}

// Plot implements plot.Plotter.
func (b band) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	b.fill(&c, vg.Rectangle{Min: vg.Point{X: x(b.from), Y: c.Min.Y}, Max: vg.Point{X: x(b.to), Y: c.Max.Y}})
}

// Thumbnail implements plot.Thumbnailer.
func (b band) Thumbnail(c *draw.Canvas) { b.fill(c, c.Rectangle) }

func (b band) fill(c *draw.Canvas, r vg.Rectangle) {
	look := faultLooks[b.number%len(faultLooks)]
	c.FillPolygon(look.fill, corners(r))
	look.pattern.draw(c, []vg.Rectangle{r}, look.ink)
}

// addWindows shades the faults as far as they lie in the chart.
func addWindows(p *frame, faults []Window, lo, hi float64) {
	for i, w := range faults {
		from, to := math.Max(w.From, lo), hi
		if finite(w.To) {
			to = math.Min(w.To, hi)
		}
		if !finite(w.From) || from >= to {
			continue
		}
		b := band{from, to, i}
		p.Add(b)
		label := w.Label
		if label == "" {
			label = "fault in force"
		}
		p.explain(printable(label), b)
	}
}

func addObjective(p *frame, v, lo, hi float64) {
	if !finite(v) {
		return
	}
	l, err := plotter.NewLine(plotter.XYs{{X: lo, Y: v}, {X: hi, Y: v}})
	if err != nil {
		return // unreachable: two finite points are given
	}
	l.Color, l.Width, l.Dashes = bound, vg.Points(0.9), []vg.Length{vg.Points(7), vg.Points(3)}
	p.Add(l)
	p.explain("objective", l)
}

// addEvents numbers the events that lie in the chart, writes the key below the axis, and returns its lines.
func addEvents(p *frame, events []Event, lo, hi float64) int {
	var m marker
	var key []string
	for _, e := range events {
		if !finite(e.T) || e.T < lo || e.T > hi {
			key = append(key, fmt.Sprintf("(outside the chart: %s)", printable(e.Label)))
			continue
		}
		level := m.free(e.T, (hi-lo)*near)
		p.rows = max(p.rows, level+1)
		m.at, m.level = append(m.at, e.T), append(m.level, level)
		key = append(key, fmt.Sprintf("%d %s (%.3f s)", len(m.at), printable(e.Label), e.T))
	}
	if len(m.at) > 0 {
		p.Add(m)
	}
	rows := pack(key, keyColumns)
	for _, r := range rows {
		p.X.Label.Text += "\n" + r
	}
	return len(rows)
}

// pack fills lines with entries, two spaces between them.
func pack(entries []string, columns int) []string {
	var out []string
	for _, e := range entries {
		if n := len(out); n > 0 && len(out[n-1])+len(e)+3 <= columns {
			out[n-1] += "   " + e
			continue
		}
		out = append(out, e)
	}
	return out
}

// free returns the lowest level on which a number at t touches none of those before it; the highest when there is none.
func (m marker) free(t, distance float64) int {
	for level := range levels {
		touches := false
		for i, at := range m.at {
			touches = touches || m.level[i] == level && math.Abs(at-t) < distance
		}
		if !touches {
			return level
		}
	}
	return levels - 1
}

func keyHeight(rows int) vg.Length { return vg.Length(rows) * vg.Points(9) }

// notice is a message in the middle of the plot, in a frame.
type notice string

// Plot implements plot.Plotter.
func (n notice) Plot(c draw.Canvas, p *plot.Plot) {
	frame := draw.LineStyle{Color: gridInk, Width: vg.Points(1)}
	c.StrokeLines(frame, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}, c.Min})
	c.FillText(text.Style{Color: ink, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(16)},
		XAlign: draw.XCenter, YAlign: draw.YCenter, Handler: p.Title.TextStyle.Handler},
		vg.Point{X: (c.Min.X + c.Max.X) / 2, Y: (c.Min.Y + c.Max.Y) / 2}, strings.TrimSpace(string(n)))
}
