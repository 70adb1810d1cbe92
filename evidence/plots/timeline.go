package plots

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bar is one phase, in seconds since moment 0. An infinite or NaN To means that its end was not seen.
type Bar struct {
	Name     string
	From, To float64
}

// Timeline is a chart of phases, one row each, with the events numbered.
type Timeline struct {
	Axis
	Title string
	Bars  []Bar
}

// Render draws the timeline.
func (t Timeline) Render() (Images, error) {
	err := t.check()
	if err == nil && len(t.Bars) > MaxBars {
		err = fmt.Errorf("more than %d phases", MaxBars)
	}
	if err != nil {
		return Images{}, fmt.Errorf("draw timeline %q: %w", t.Title, err)
	}
	p := newFrame(t.Title, t.Zero)
	lo, hi := t.span()
	if lo > hi {
		return finish(p, height, t.CSV(), "no data")
	}
	addWindows(p, t.Faults, lo, hi)
	g := grid()
	g.Horizontal.Width = 0
	p.Add(g)
	ticks := make([]plot.Tick, 0, len(t.Bars))
	for i, b := range t.Bars {
		y := float64(len(t.Bars) - i)
		if finite(b.From) {
			p.Add(phase{b, y, hi})
		}
		ticks = append(ticks, plot.Tick{Value: y, Label: printable(b.Name)})
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Tick.Length = 0
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, 0.4, float64(len(t.Bars))+0.6
	n := addEvents(p, t.Events, lo, hi)
	return finish(p, vg.Length(len(t.Bars))*barHeight+2.6*vg.Centimeter+keyHeight(n), t.CSV(), "")
}

func (t Timeline) span() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	add := func(v float64) {
		if finite(v) {
			lo, hi = math.Min(lo, v), math.Max(hi, v)
		}
	}
	for _, b := range t.Bars {
		add(b.From)
		add(b.To)
	}
	for _, e := range t.Events {
		add(e.T)
	}
	if lo == hi {
		hi = lo + 1
	}
	return lo, hi
}

// phase draws one bar; one without an end runs to the edge and is drawn lighter.
type phase struct {
	Bar
	y, end float64
}

// Plot implements plot.Plotter.
func (b phase) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	const half = 0.3
	to, fill := b.To, color.NRGBA{R: 0x3b, G: 0x62, B: 0x91, A: 0xff}
	if !finite(to) {
		to, fill = b.end, color.NRGBA{R: 0xa9, G: 0xbd, B: 0xd6, A: 0xff}
	}
	left, right := x(b.From), x(to)
	right = max(right, left+vg.Points(1)) // a moment can be seen too
	box := []vg.Point{{X: left, Y: y(b.y - half)}, {X: right, Y: y(b.y - half)}, {X: right, Y: y(b.y + half)}, {X: left, Y: y(b.y + half)}}
	c.FillPolygon(fill, c.ClipPolygonXY(box))
}

// record writes one row of the CSV.
type recorder struct{ w *csv.Writer }

func (r recorder) row(kind, name string, from, to, value float64) {
	_ = r.w.Write([]string{kind, name, decimal(from), decimal(to), decimal(value)}) // a bytes.Buffer cannot fail
}

// decimal writes a number; a missing one is an empty cell.
func decimal(v float64) string {
	if !finite(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// table builds a CSV with the columns kind, name, from_s, to_s, value.
func table(a Axis, fill func(recorder)) []byte {
	var b bytes.Buffer
	r := recorder{csv.NewWriter(&b)}
	_ = r.w.Write([]string{"kind", "name", "from_s", "to_s", "value"})
	nan := math.NaN()
	for _, f := range a.Faults {
		r.row("fault", f.Label, f.From, f.To, nan)
	}
	for _, e := range a.Events {
		r.row("event", e.Label, e.T, nan, nan)
	}
	fill(r)
	r.w.Flush()
	return b.Bytes()
}

// CSV gives the numbers that are drawn, without drawing them.
func (c Chart) CSV() []byte {
	return table(c.Axis, func(r recorder) {
		if c.Objective != nil {
			r.row("objective", c.YLabel, math.NaN(), math.NaN(), *c.Objective)
		}
		for _, s := range c.Series {
			for i, t := range s.T {
				r.row("sample", s.Name, t, math.NaN(), s.V[i])
			}
		}
	})
}

// CSV gives the numbers that are drawn, without drawing them.
func (t Timeline) CSV() []byte {
	return table(t.Axis, func(r recorder) {
		for _, b := range t.Bars {
			r.row("phase", b.Name, b.From, b.To, math.NaN())
		}
	})
}
