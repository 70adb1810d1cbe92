// Package plots draws the charts of a drill: latency, success, outcomes by class and replication lag over time, and the
// timeline.
//
// Every chart has one time axis, in seconds since a moment that it names, every fault shaded in its own way and the events
// numbered. It comes as PNG for the report, SVG for the pack and CSV with the very numbers that were drawn. The same input gives the same
// bytes. The package computes nothing: it draws what it is given, leaves a gap where a value is missing, and says "no
// data" where there is none, instead of showing an empty frame.
package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Size and resolution of a chart.
const (
	width  = 17 * vg.Centimeter
	height = 6.4 * vg.Centimeter
	// dpi is the resolution of the PNG; print wants 200 at least.
	dpi = 220

	barHeight  = 0.55 * vg.Centimeter // of one row of a timeline
	maxPoints  = 200_000              // of one series; more is refused
	maxEvents  = 64
	maxFaults  = 32 // as many as a scenario can have
	MaxBars    = 64
	keyColumns = 118 // characters in one line of the key below a chart
)

// Colours differ in lightness as well as in hue, and each of four lines has a dash pattern of its own: a grey print can be read. Sixteen,
// as many as a scenario can have loads, differ in one or the other.
var (
	shade   = color.NRGBA{R: 0xc6, G: 0xc6, B: 0xc6, A: 0x80}
	gridInk = color.NRGBA{R: 0xe2, G: 0xe2, B: 0xe2, A: 0xff}
	ink     = color.NRGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff}
	bound   = color.NRGBA{R: 0x8c, G: 0x1a, B: 0x1a, A: 0xff}
	lines   = []color.NRGBA{{0x0b, 0x3c, 0x78, 0xff}, {0xd9, 0x7a, 0x06, 0xff}, {0x2f, 0x7d, 0x4f, 0xff}, {0x8a, 0x5a, 0xa8, 0xff}}
	dashes  = [][]vg.Length{nil, {vg.Points(4), vg.Points(2)}, {vg.Points(1), vg.Points(1.5)}, {vg.Points(6), vg.Points(2), vg.Points(1), vg.Points(2)}}
)

// Series is one line. T holds seconds since moment 0, ascending; V the values, NaN where there is none.
type Series struct {
	Name string
	T, V []float64
}

// Event is one moment, in seconds since moment 0.
type Event struct {
	T     float64
	Label string
}

// Window is a span of time in seconds since moment 0. An infinite or NaN To means: to the end of the chart.
type Window struct {
	From, To float64
	Label    string
}

// Axis is what the time axis of a chart shows besides the values.
type Axis struct {
	Zero   string   // what happened at moment 0, in words
	Faults []Window // shaded, each in its own way
	Events []Event
}

func (a Axis) check() error {
	if len(a.Events) > maxEvents || len(a.Faults) > maxFaults {
		return fmt.Errorf("more than %d events or %d faults", maxEvents, maxFaults)
	}
	return nil
}

// Chart is a set of lines over time.
type Chart struct {
	Axis
	Title     string
	YLabel    string // with the unit
	Series    []Series
	Objective *float64 // a horizontal line, in the unit of the values
	YMin      *float64 // fixed ends of the axis; nil: from the data
	YMax      *float64
}

// Images is one chart in three formats.
type Images struct{ PNG, SVG, CSV []byte }

// Render draws the chart.
func (c Chart) Render() (Images, error) {
	if err := c.check(); err != nil {
		return Images{}, fmt.Errorf("draw chart %q: %w", c.Title, err)
	}
	p := newFrame(c.Title, c.Zero)
	lo, hi := c.span()
	if lo > hi {
		return finish(p, height, c.CSV(), "no data")
	}
	addWindows(p, c.Faults, lo, hi)
	p.Add(grid())
	for i, s := range c.Series {
		if err := addLine(p, s, i); err != nil {
			return Images{}, fmt.Errorf("draw chart %q: %w", c.Title, err)
		}
	}
	if c.Objective != nil {
		addObjective(p, *c.Objective, lo, hi)
	}
	p.X.Min, p.X.Max = lo, hi
	p.Y.Label.Text = c.YLabel
	if c.YMin != nil {
		p.Y.Min = *c.YMin
	}
	if c.YMax != nil {
		p.Y.Max = *c.YMax
	}
	if c.YMax == nil {
		const headroom = 0.04
		p.Y.Max += headroom * (p.Y.Max - p.Y.Min)
	}
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	n := addEvents(p, c.Events, lo, hi)
	return finish(p, height+keyHeight(n), c.CSV(), "")
}

func (c Chart) check() error {
	if err := c.Axis.check(); err != nil {
		return err
	}
	for _, s := range c.Series {
		if len(s.T) != len(s.V) || len(s.T) > maxPoints {
			return fmt.Errorf("series %q has %d times and %d values; they must be as many, at most %d", s.Name, len(s.T), len(s.V), maxPoints)
		}
		for i, t := range s.T {
			if !finite(t) || i > 0 && t < s.T[i-1] {
				return fmt.Errorf("series %q: time %d is not finite or not ascending", s.Name, i)
			}
		}
	}
	return nil
}

// span returns the range of times with a value; lo > hi when there is none.
func (c Chart) span() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, s := range c.Series {
		for i, t := range s.T {
			if finite(s.V[i]) {
				lo, hi = math.Min(lo, t), math.Max(hi, t)
			}
		}
	}
	if lo == hi {
		hi = lo + 1
	}
	return lo, hi
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = gridInk, gridInk
	g.Horizontal.Width, g.Vertical.Width = vg.Points(0.4), vg.Points(0.4)
	return g
}

// addLine draws one series; a missing value breaks the line, a value alone becomes a dot.
func addLine(p *frame, s Series, i int) error {
	var run plotter.XYs
	named := false
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		if len(run) == 1 {
			dot, err := plotter.NewScatter(run)
			if err != nil {
				return fmt.Errorf("draw series %q: %w", s.Name, err)
			}
			dot.Color, dot.Radius = lines[i%len(lines)], vg.Points(1.2)
			p.Add(dot)
		}
		l, err := plotter.NewLine(run)
		if err != nil {
			return fmt.Errorf("draw series %q: %w", s.Name, err)
		}
		l.Color, l.Dashes, l.Width = lines[i%len(lines)], dashes[(i+i/len(lines))%len(dashes)], vg.Points(1.1)
		p.Add(l)
		if !named {
			p.explain(printable(s.Name), l)
			named = true
		}
		run = nil
		return nil
	}
	for k, t := range s.T {
		if finite(s.V[k]) {
			run = append(run, plotter.XY{X: t, Y: s.V[k]})
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// printable replaces what the font cannot show: anything outside Latin-1 becomes '?', ends of line a space.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == '→' || r == '–' || r == '—' || r == '≤' || r == '≥':
			return r
		case r < ' ' || r > 0xff:
			return '?'
		}
		return r
	}, s)
}
