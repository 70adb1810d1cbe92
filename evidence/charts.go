package evidence

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	"blackstart/evidence/facts"
	"blackstart/evidence/plots"
	"blackstart/evidence/words"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// chart is one plot with its file name, without ending. Its images are drawn by draw; its numbers need no drawing.
type chart struct {
	name, caption string
	plot          interface {
		Render() (plots.Images, error)
		CSV() []byte
	}
	images plots.Images
}

// draw draws every chart.
func draw(all []chart) error {
	for i := range all {
		var err error
		if all[i].images, err = all[i].plot.Render(); err != nil {
			return err
		}
	}
	return nil
}

// chartNumbers gives the CSV of every chart, by its name: what is drawn, without drawing it.
func chartNumbers(rec *harness.Record, events []harness.Event, fsys fs.FS) map[string][]byte {
	all := map[string][]byte{}
	for _, c := range charts(rec, facts.Loads(rec, measure.Files(fsys, rec)), events, fsys) {
		all[c.name] = c.plot.CSV()
	}
	return all
}

// charts lays out the charts of a drill, in the order of its reports. It computes nothing that is judged.
func charts(rec *harness.Record, loads []facts.Load, events []harness.Event, fsys fs.FS) []chart {
	curves := facts.CurvesOf(rec, loads, fsys)
	texts := words.ChartTexts(curves)
	zero := facts.Zero(rec)
	axis := plots.Axis{Zero: words.ZeroWords(rec), Faults: faultWindows(rec, zero), Events: marked(words.Marks(rec), zero)}
	lowest, highest := 0.0, 104.0 // room above the line of 100 %
	lines := func(name string, most *float64, all ...plots.Series) chart {
		return chart{name: name, plot: plots.Chart{Axis: axis, Title: texts[name].Title, YLabel: texts[name].Axis, Series: all, YMin: &lowest, YMax: most}}
	}
	classes := plots.Stacked{Axis: axis, Title: texts["classes"].Title, YLabel: texts["classes"].Axis}
	if s := curves.Outcomes; s.Known {
		classes.From, classes.Width, classes.Layers = float64(s.FromNS)/1e9, float64(s.WidthNS)/1e9, layers(rec, s)
	}
	timeline := plots.Timeline{Axis: axis, Title: texts["timeline"].Title}
	timeline.Events = append(marked(words.Marks(rec), zero), marked(words.LateMarks(events), zero)...)
	for _, p := range drawnActs(rec.Acts) {
		timeline.Bars = append(timeline.Bars, plots.Bar{Name: p.Kind, From: p.At.Lo.Sub(zero).Seconds(), To: p.At.Hi.Sub(zero).Seconds()})
	}
	age := lines("replication", nil, series(curves.Age, "heartbeat age on ")...)
	all := []chart{{name: "classes", plot: classes}, lines("latency", nil, line(curves.P50, "p50"), line(curves.P99, "p99")),
		lines("success", &highest, series(curves.Success, "")...), age, {name: "timeline", plot: timeline}}
	if facts.OfReplication(rec) {
		all = slices.Insert(slices.Delete(all, 3, 4), 0, age)
	}
	for i := range all {
		all[i].caption = texts[all[i].name].Caption
	}
	return all
}

func line(c facts.Curve, name string) plots.Series { return plots.Series{Name: name, T: c.T, V: c.V} }

func series(list []facts.Curve, prefix string) []plots.Series {
	var all []plots.Series
	for _, c := range list {
		all = append(all, line(c, prefix+c.Of))
	}
	return all
}

func layers(rec *harness.Record, s facts.Stacks) []plots.Layer {
	var all []plots.Layer
	for o, v := range s.Counts {
		if v != nil {
			// Outcomes that a single workload knows look like other errors, and are told by their names.
			look := o
			if o >= int(loadgen.FirstReserved) {
				look = int(loadgen.Other)
			}
			all = append(all, plots.Layer{Name: words.ClassWords(rec, loadgen.Outcome(o)), Look: look, V: v})
		}
	}
	return all
}

// faultWindows gives the span of every fault.
func faultWindows(rec *harness.Record, zero harness.Stamp) []plots.Window {
	var all []plots.Window
	for _, f := range rec.Faults {
		if f.InForce.Lo == 0 {
			continue
		}
		w := plots.Window{From: f.InForce.Lo.Sub(zero).Seconds(), To: math.Inf(1), Label: f.Plan.Label}
		if f.Undone.Hi != 0 {
			w.To = f.Undone.Hi.Sub(zero).Seconds()
		}
		all = append(all, w)
	}
	return all
}

func marked(list []words.Mark, zero harness.Stamp) []plots.Event {
	var all []plots.Event
	for _, m := range list {
		all = append(all, plots.Event{T: m.At.Hi.Sub(zero).Seconds(), Label: m.Label})
	}
	return all
}

// drawnActs gives each act a bar of its own, or where those are too many for a chart each kind one, from its first to its last.
func drawnActs(acts []harness.Act) []harness.Act {
	if len(acts) <= plots.MaxBars {
		return acts
	}
	var kinds []harness.Act
	for _, a := range acts {
		i := slices.IndexFunc(kinds, func(k harness.Act) bool { return k.Kind == a.Kind })
		if i < 0 {
			i, kinds = len(kinds), append(kinds, a)
		}
		kinds[i].At.Hi = max(kinds[i].At.Hi, a.At.Hi)
	}
	return kinds[:min(len(kinds), plots.MaxBars)]
}

// writeCharts puts every chart into the bag in three formats.
func writeCharts(dir string, all []chart) error {
	for _, c := range all {
		for ending, data := range map[string][]byte{"png": c.images.PNG, "svg": c.images.SVG, "csv": c.images.CSV} {
			if err := writeFile(dir, fmt.Sprintf("data/plots/%s.%s", c.name, ending), data); err != nil {
				return err
			}
		}
	}
	return nil
}
