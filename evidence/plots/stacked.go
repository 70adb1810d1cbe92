package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Layer is one class of a stacked chart: V[i] is its count in bucket i. Look, 0 to 17, chooses colour and pattern, so that a
// class looks the same in every chart.
type Layer struct {
	Name string
	Look int
	V    []float64
}

// Stacked is a chart of counts over time, one class upon the other.
type Stacked struct {
	Axis
	Title  string
	YLabel string  // with the unit
	From   float64 // begin of bucket 0, in seconds since moment 0
	Width  float64 // of a bucket, in seconds
	Layers []Layer // from the bottom up; all with as many buckets
}

// Render draws the chart.
func (s Stacked) Render() (Images, error) {
	if err := s.check(); err != nil {
		return Images{}, fmt.Errorf("draw chart %q: %w", s.Title, err)
	}
	p := newFrame(s.Title, s.Zero)
	top, n := s.tallest()
	if top <= 0 {
		return finish(p, height, s.CSV(), "no data")
	}
	lo, hi := s.From, s.From+s.Width*float64(n)
	addWindows(p, s.Faults, lo, hi)
	p.Add(grid())
	base := make([]float64, n)
	for _, l := range s.Layers {
		some := false
		layer := stack{from: s.From, width: s.Width, look: looks[l.Look], base: append([]float64{}, base...), height: l.V}
		for i, v := range l.V {
			some = some || v > 0
			base[i] += v
		}
		if some {
			p.Add(layer)
			p.explain(printable(l.Name), layer)
		}
	}
	const headroom = 1.05
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = lo, hi, 0, top*headroom
	p.Y.Label.Text = s.YLabel
	rows := addEvents(p, s.Events, lo, hi)
	return finish(p, height+keyHeight(rows), s.CSV(), "")
}

func (s Stacked) check() error {
	if err := s.Axis.check(); err != nil {
		return err
	}
	for _, l := range s.Layers {
		if len(l.V) != len(s.Layers[0].V) || len(l.V) > maxPoints || l.Look < 0 || l.Look >= numLooks {
			return fmt.Errorf("layer %q has %d buckets and look %d; all have as many, at most %d, and a look below %d", l.Name, len(l.V), l.Look, maxPoints, numLooks)
		}
		for i, v := range l.V {
			if !finite(v) || v < 0 {
				return fmt.Errorf("layer %q: bucket %d holds no count", l.Name, i)
			}
		}
	}
	if len(s.Layers) > 0 && (!finite(s.From) || !finite(s.Width) || s.Width <= 0) {
		return fmt.Errorf("buckets of %v s from %v are no time axis", s.Width, s.From)
	}
	return nil
}

// tallest is the greatest sum of a bucket, and how many buckets there are.
func (s Stacked) tallest() (top float64, buckets int) {
	if len(s.Layers) == 0 {
		return 0, 0
	}
	for i := range s.Layers[0].V {
		sum := 0.0
		for _, l := range s.Layers {
			sum += l.V[i]
		}
		top = math.Max(top, sum)
	}
	return top, len(s.Layers[0].V)
}

// CSV gives the numbers that are drawn, without drawing them.
func (s Stacked) CSV() []byte {
	return table(s.Axis, func(r recorder) {
		for _, l := range s.Layers {
			for i, v := range l.V {
				from := s.From + s.Width*float64(i)
				r.row("count", l.Name, from, from+s.Width, v)
			}
		}
	})
}

// stack draws one layer upon those below it.
type stack struct {
	from, width  float64
	look         look
	base, height []float64
}

// Plot implements plot.Plotter.
func (s stack) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var areas []vg.Rectangle
	for i, h := range s.height {
		if h <= 0 {
			continue
		}
		r := vg.Rectangle{Min: vg.Point{X: x(s.from + s.width*float64(i)), Y: y(s.base[i])},
			Max: vg.Point{X: x(s.from + s.width*float64(i+1)), Y: y(s.base[i] + h)}}
		if k := len(areas) - 1; k >= 0 && s.height[i-1] > 0 && areas[k].Min.Y == r.Min.Y && areas[k].Max.Y == r.Max.Y {
			areas[k].Max.X = r.Max.X // as tall as the one before it: one area without a seam
			continue
		}
		areas = append(areas, r)
	}
	for _, r := range areas {
		c.FillPolygon(s.look.fill, corners(r))
	}
	s.look.pattern.draw(&c, areas, s.look.ink)
}

// Thumbnail implements plot.Thumbnailer.
func (s stack) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(s.look.fill, corners(c.Rectangle))
	s.look.pattern.draw(c, []vg.Rectangle{c.Rectangle}, s.look.ink)
	c.StrokeLines(draw.LineStyle{Color: ink, Width: vg.Points(0.4)}, append(corners(c.Rectangle), c.Min))
}
