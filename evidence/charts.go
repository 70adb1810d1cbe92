package evidence

import (
	"fmt"
	"io/fs"
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
)

// chart is one finished plot with its file name, without ending.
type chart struct {
	name, caption string
	images        plots.Images
}

// charts draws what the raw data of a drill looks like. It computes nothing that is judged.
func charts(rec *harness.Record, events []harness.Event, fsys fs.FS) ([]chart, error) {
	d := &drawing{rec: rec, src: measure.Files(fsys, rec), zero: zeroOf(rec)}
	d.axis = plots.Axis{Zero: zeroWords(rec), Faults: d.windows(), Events: d.events(marksOf(rec))}
	d.late = d.events(lateMarks(events))
	order := []func() (chart, error){d.classes, d.latency, d.success, d.lag, d.timeline}
	if ofReplication(rec) {
		order = []func() (chart, error){d.lag, d.classes, d.latency, d.success, d.timeline}
	}
	var all []chart
	for _, draw := range order {
		c, err := draw()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
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
	due, ok   int
	latencies []float64 // ms
}

// buckets sorts samples by due time.
func (d *drawing) buckets(samples []loadgen.Sample) (map[int]*bucket, []int) {
	all := map[int]*bucket{}
	var keys []int
	for _, s := range samples {
		at := int64(d.rec.Anchor) + s.Due - int64(d.zero)
		key := int(math.Floor(float64(at) / bucketNS))
		b := all[key]
		if b == nil {
			b = &bucket{}
			all[key] = b
			keys = append(keys, key)
		}
		b.due++
		if s.Outcome == loadgen.OK {
			b.ok++
		}
		if s.Done != loadgen.Never {
			b.latencies = append(b.latencies, float64(s.Done-s.Due)/1e6)
		}
	}
	sort.Ints(keys)
	return all, keys
}

func middle(key int) float64 { return (float64(key) + 0.5) * bucketNS / 1e9 }

func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Ceil(q*float64(len(sorted))))-1]
}

// latency draws the load an RTO objective speaks of, or the first of its kind.
func (d *drawing) latency() (chart, error) {
	p50, p99 := plots.Series{Name: "p50"}, plots.Series{Name: "p99"}
	name := "no load"
	for _, s := range d.rec.Streams {
		if s.Kind != "samples" || s.Workload != "http.query" {
			continue
		}
		samples, err := d.src.Samples(s.ID)
		if err != nil {
			break // a torn file: the report says so, the chart shows no data
		}
		name = s.Load
		all, keys := d.buckets(samples)
		for _, k := range keys {
			l := all[k].latencies
			sort.Float64s(l)
			p50.T, p50.V = append(p50.T, middle(k)), append(p50.V, quantile(l, 0.5))
			p99.T, p99.V = append(p99.T, middle(k)), append(p99.V, quantile(l, 0.99))
		}
		break
	}
	c := plots.Latency(p50, p99, nil, d.axis)
	c.Title = "Latency from due time, load " + name
	images, err := c.Render()
	return chart{"latency", "Latency of the requests due in each half second, counted from when they were due.", images}, err
}

// success draws every load.
func (d *drawing) success() (chart, error) {
	var series []plots.Series
	for _, s := range d.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		samples, err := d.src.Samples(s.ID)
		if err != nil {
			continue // a torn file: the report says so
		}
		line := plots.Series{Name: s.Load}
		all, keys := d.buckets(samples)
		for _, k := range keys {
			line.T, line.V = append(line.T, middle(k)), append(line.V, 100*float64(all[k].ok)/float64(all[k].due))
		}
		series = append(series, line)
	}
	images, err := plots.Success(series, nil, d.axis).Render()
	return chart{"success", "Share of the requests due in each half second that were answered well, by load.", images}, err
}

func (d *drawing) timeline() (chart, error) {
	t := plots.Timeline{Axis: d.axis, Title: "Timeline"}
	t.Events = append(slices.Clone(t.Events), d.late...)
	for _, p := range d.rec.Phases {
		t.Bars = append(t.Bars, plots.Bar{Name: p.Name, From: d.at(p.At.Lo), To: d.at(p.At.Hi)})
	}
	images, err := t.Render()
	return chart{"timeline", "Phases of the drill and what happened in them.", images}, err
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
