package plots

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// frame is a plot with its title and legend above it, where they hide nothing.
type frame struct {
	*plot.Plot
	title  string
	legend []explained
	rows   int // levels of event numbers above the plot
}

type explained struct {
	name  string
	thumb plot.Thumbnailer
}

// explain adds an entry to the legend.
func (f *frame) explain(name string, thumb plot.Thumbnailer) {
	f.legend = append(f.legend, explained{name, thumb})
}

// sans is the font of everything in a chart. It is embedded: no machine's fonts are used.
func sans(points float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(points)}
}

// newFrame starts a chart; zero says in words what happened at moment 0 of its time axis.
func newFrame(title, zero string) *frame {
	p := plot.New()
	p.BackgroundColor = color.White
	if zero == "" {
		zero = "the fault was put in force"
	}
	p.X.Label.Text = "seconds since " + printable(zero)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font, a.Tick.Label.Font = sans(7.5), sans(7)
		a.LineStyle.Width, a.Tick.LineStyle.Width = vg.Points(0.5), vg.Points(0.5)
	}
	return &frame{Plot: p, title: printable(title)}
}

// Heights of what stands above the plot, in points.
const titleRow, legendRow, headGap = 13, 10, 3

// draw puts title, legend and plot on a canvas, from the top down.
func (f *frame) draw(c draw.Canvas) {
	c = draw.Crop(c, vg.Points(2), -vg.Points(9), vg.Points(2), -vg.Points(2))
	style := text.Style{Color: ink, Font: sans(9.5), YAlign: draw.YTop, Handler: f.Title.TextStyle.Handler}
	style.Font.Weight = 3 // bold
	c.FillText(style, vg.Point{X: c.Min.X, Y: c.Max.Y}, f.title)
	rows := f.legendRows()
	for i, row := range rows {
		f.drawLegend(c, row, c.Max.Y-vg.Points(titleRow)-vg.Points(legendRow)*vg.Length(i+1))
	}
	head := vg.Points(titleRow+headGap) + vg.Points(legendRow)*vg.Length(max(1, len(rows))) + vg.Length(f.rows)*levelHeight
	f.Draw(draw.Crop(c, 0, 0, 0, -head))
}

const thumb, thumbGap, legendSpace = 18, 3, 12 // points

func (f *frame) legendStyle() text.Style {
	return text.Style{Color: ink, Font: sans(7), YAlign: draw.YBottom, Handler: f.Title.TextStyle.Handler}
}

// legendRows breaks the legend into rows that fit the chart.
func (f *frame) legendRows() [][]explained {
	const room = width - 11*vg.Length(1)
	var rows [][]explained
	used := room + 1
	for _, e := range f.legend {
		w := vg.Points(thumb+thumbGap+legendSpace) + f.legendStyle().Width(e.name)
		if used+w > room {
			rows, used = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], e)
		used += w
	}
	return rows
}

// drawLegend writes the entries of one row from the left.
func (f *frame) drawLegend(c draw.Canvas, row []explained, y vg.Length) {
	style := f.legendStyle()
	x := c.Min.X
	for _, e := range row {
		icon := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: x, Y: y}, Max: vg.Point{X: x + vg.Points(thumb), Y: y + vg.Points(7)}}}
		e.thumb.Thumbnail(&icon)
		x += vg.Points(thumb + thumbGap)
		c.FillText(style, vg.Point{X: x, Y: y}, e.name)
		x += style.Width(e.name) + vg.Points(legendSpace)
	}
}

// finish writes a plot in all formats. A message, when there is one, takes the place of the plot.
func finish(f *frame, h vg.Length, csv []byte, message string) (Images, error) {
	if message != "" {
		f.HideAxes()
		f.X.Label.Text, f.Y.Label.Text = "", ""
		f.X.Min, f.X.Max, f.Y.Min, f.Y.Max = 0, 1, 0, 1
		f.Add(notice(message))
	}
	h += vg.Points(legendRow) * vg.Length(max(0, len(f.legendRows())-1))
	out := Images{CSV: csv}
	img := vgimg.NewWith(vgimg.UseWH(width, h), vgimg.UseDPI(dpi), vgimg.UseBackgroundColor(color.White))
	f.draw(draw.New(img))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&b); err != nil {
		return Images{}, fmt.Errorf("write PNG: %w", err)
	}
	out.PNG = bytes.Clone(b.Bytes())
	b.Reset()
	svg := vgsvg.New(width, h)
	f.draw(draw.New(svg))
	if _, err := svg.WriteTo(&b); err != nil {
		return Images{}, fmt.Errorf("write SVG: %w", err)
	}
	out.SVG = bytes.Clone(b.Bytes())
	return out, nil
}
