package evidence

import (
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"

	"blackstart/evidence/plots"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// Limits of what is drawn.
const (
	bucketNS  = 500_000_000 // width of a point of latency and success
	maxMarks  = 18          // events marked in a chart
	maxPoints = 20_000      // of one series of observations

	maxHalves   = 200_000             // half seconds of one load: more than a day
	maxInBucket = loadgen.MaxRate / 2 // requests that may be due in half a second
)

// chart is one plot with its file name, without ending. Its images are drawn by charts; its numbers need no drawing.
type chart struct {
	name, caption string
	plot          interface {
		Render() (plots.Images, error)
		CSV() []byte
	}
	images plots.Images
}

// charts draws what the raw data of a drill looks like. It computes nothing that is judged.
func charts(rec *harness.Record, events []harness.Event, fsys fs.FS) ([]chart, error) {
	all := plotted(rec, events, fsys)
	for i, c := range all {
		var err error
		if all[i].images, err = c.plot.Render(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// chartNumbers gives the CSV of every chart, by its name: what is drawn, without drawing it.
func chartNumbers(rec *harness.Record, events []harness.Event, fsys fs.FS) map[string][]byte {
	all := map[string][]byte{}
	for _, c := range plotted(rec, events, fsys) {
		all[c.name] = c.plot.CSV()
	}
	return all
}

// plotted collects what the charts of a drill show.
func plotted(rec *harness.Record, events []harness.Event, fsys fs.FS) []chart {
	d := &drawing{rec: rec, src: measure.Files(fsys, rec), zero: zeroOf(rec)}
	d.axis = plots.Axis{Zero: zeroWords(rec), Faults: d.windows(), Events: d.events(marksOf(rec))}
	d.late = d.events(lateMarks(events))
	order := []func() chart{d.classes, d.latency, d.success, d.lag, d.timeline}
	if ofReplication(rec) {
		order = []func() chart{d.lag, d.classes, d.latency, d.success, d.timeline}
	}
	var all []chart
	for _, draw := range order {
		all = append(all, draw())
	}
	return all
}

// drawing is what all charts of one drill share.
type drawing struct {
	rec  *harness.Record
	src  measure.Source
	zero harness.Stamp // moment 0 of every chart: the fault, else the start of the observation
	axis plots.Axis
	late []plots.Event // of the end of the drill
}

func zeroOf(rec *harness.Record) harness.Stamp {
	for _, f := range rec.Faults {
		if f.Plan.Fault.StartsClock && f.InForce.Lo != 0 {
			return f.InForce.Lo
		}
	}
	if rec.Observation.Lo != 0 {
		return rec.Observation.Lo
	}
	return rec.Started
}

func (d *drawing) at(s harness.Stamp) float64 { return s.Sub(d.zero).Seconds() }

// bucket is what was due in one half second.
type bucket struct {
	key       int
	due, ok   int
	latencies []float64 // ms
}

// buckets sorts samples into half seconds by when they were due and shows each one when it is whole: samples come in order of
// due, so that no more than one is in memory. It stops at the first error.
func (d *drawing) buckets(samples iter.Seq2[loadgen.Sample, error], latencies bool, show func(bucket)) error {
	b, shown := bucket{}, 0
	for s, err := range samples {
		if err != nil {
			return err
		}
		at := int64(d.rec.Anchor) + s.Due - int64(d.zero)
		if key := int(math.Floor(float64(at) / bucketNS)); key != b.key || b.due == 0 {
			if b.due > 0 {
				show(b)
			}
			if shown++; shown > maxHalves {
				return fmt.Errorf("requests are due in more than %d half seconds", maxHalves)
			}
			b = bucket{key: key, latencies: b.latencies[:0]}
		}
		if b.due++; b.due > maxInBucket {
			return fmt.Errorf("more than %d requests are due in half a second", maxInBucket)
		}
		if s.Outcome == loadgen.OK {
			b.ok++
		}
		if s.Done != loadgen.Never && latencies {
			b.latencies = append(b.latencies, float64(s.Done-s.Due)/1e6)
		}
	}
	if b.due > 0 {
		show(b)
	}
	return nil
}

func middle(key int) float64 { return (float64(key) + 0.5) * bucketNS / 1e9 }

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

// latency draws the load an RTO objective speaks of, or the first of its kind.
func (d *drawing) latency() chart {
	p50, p99 := plots.Series{Name: "p50"}, plots.Series{Name: "p99"}
	name := "no load"
	for _, s := range d.rec.Streams {
		if s.Kind != "samples" || !s.Traits().Questions {
			continue
		}
		median, high := plots.Series{Name: "p50"}, plots.Series{Name: "p99"}
		err := d.buckets(d.src.Samples(s.ID, 0), true, func(b bucket) {
			sort.Float64s(b.latencies)
			median.T, median.V = append(median.T, middle(b.key)), append(median.V, quantile(b.latencies, 0.5))
			high.T, high.V = append(high.T, middle(b.key)), append(high.V, quantile(b.latencies, 0.99))
		})
		if err == nil { // of a torn file the report says so, the chart shows no data
			name, p50, p99 = s.Load, median, high
		}
		break
	}
	c := plots.Latency(p50, p99, nil, d.axis)
	c.Title = "Latency from due time, load " + name
	return chart{name: "latency", caption: "Latency of the requests due in each half second, counted from when they were due.", plot: c}
}

// success draws every load.
func (d *drawing) success() chart {
	var series []plots.Series
	for _, s := range d.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		line := plots.Series{Name: s.Load}
		err := d.buckets(d.src.Samples(s.ID, 0), false, func(b bucket) {
			line.T, line.V = append(line.T, middle(b.key)), append(line.V, 100*float64(b.ok)/float64(b.due))
		})
		if err == nil { // of a torn file the report says so
			series = append(series, line)
		}
	}
	return chart{name: "success", caption: "Share of the requests due in each half second that were answered well, by load.", plot: plots.Success(series, nil, d.axis)}
}

func (d *drawing) timeline() chart {
	t := plots.Timeline{Axis: d.axis, Title: "Timeline"}
	t.Events = append(slices.Clone(t.Events), d.late...)
	for _, a := range drawnActs(d.rec.Acts) {
		t.Bars = append(t.Bars, plots.Bar{Name: a.Kind, From: d.at(a.At.Lo), To: d.at(a.At.Hi)})
	}
	return chart{name: "timeline", caption: "Acts of the drill and what happened in them.", plot: t}
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
			if err := writeFile(dir, fmt.Sprintf("data/plots/%s.%s", strings.ToLower(c.name), ending), data); err != nil {
				return err
			}
		}
	}
	return nil
}
