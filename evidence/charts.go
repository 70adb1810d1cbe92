package evidence

import (
	"fmt"
	"io/fs"
	"math"
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
	maxMarks  = 12          // events marked in a chart
	maxPoints = 20_000      // of one series of observations
)

// chart is one finished plot with its file name, without ending.
type chart struct {
	name, caption string
	images        plots.Images
}

// charts draws what the raw data of a drill looks like. It computes nothing that is judged.
func charts(rec *harness.Record, events []harness.Event, fsys fs.FS) ([]chart, error) {
	d := &drawing{rec: rec, src: measure.Files(fsys, rec), zero: zeroOf(rec), marks: marksOf(rec, events)}
	d.fault = d.window()
	var all []chart
	for _, draw := range []func() (chart, error){d.latency, d.success, d.lag, d.timeline} {
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
	rec   *harness.Record
	src   measure.Source
	zero  harness.Stamp // moment 0 of every chart: the fault, else the start of the observation
	fault *plots.Window
	marks []harness.Event
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

func (d *drawing) window() *plots.Window {
	for _, f := range d.rec.Faults {
		if f.InForce.Lo == 0 {
			continue
		}
		w := plots.Window{From: d.at(f.InForce.Lo), To: math.Inf(1), Label: f.Plan.Fault.Kind}
		if f.Undone.Hi != 0 {
			w.To = d.at(f.Undone.Hi)
		}
		return &w
	}
	return nil
}

// worthMarking are the events that a reader looks for in a chart.
var worthMarking = map[string]string{
	"fault.in-force": "fault in force", "alert.received": "", "primary.fenced": "old primary fenced", "fault.restored": "fault over",
	"load.stopped": "load stopped",
}

// marksOf picks the events to mark: ours, and the target's own decisions.
func marksOf(rec *harness.Record, events []harness.Event) []harness.Event {
	var marks []harness.Event
	seen := map[string]bool{}
	add := func(at harness.Interval, text string) {
		if !seen[text] && len(marks) < maxMarks {
			seen[text] = true
			marks = append(marks, harness.Event{At: at, Text: text})
		}
	}
	for _, e := range events {
		label, ok := worthMarking[e.Kind]
		if ok && e.Kind == "alert.received" {
			label = e.Detail["channel"] + " alert received"
		}
		if ok {
			add(e.At, label)
		}
	}
	if log := rec.Target.Decisions; log != nil {
		names := map[string]string{log.Detected: "target: failure detected", log.Declared: "target: failover declared",
			log.Promoted: "target: standby promoted", log.Switched: "target: DNS switched", log.Refused: "target: failover refused"}
		for _, dec := range rec.Decisions {
			if text := names[dec.Event]; text != "" && dec.Event != "" {
				add(harness.Interval{Lo: dec.At, Hi: dec.At}, text)
			}
		}
	}
	sort.SliceStable(marks, func(i, j int) bool { return marks[i].At.Lo < marks[j].At.Lo })
	return marks
}

func (d *drawing) events() []plots.Event {
	var all []plots.Event
	for _, m := range d.marks {
		all = append(all, plots.Event{T: d.at(m.At.Hi), Label: m.Text})
	}
	return all
}

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
	c := plots.Latency(p50, p99, nil, d.fault, d.events())
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
	images, err := plots.Success(series, nil, d.fault, d.events()).Render()
	return chart{"success", "Share of the requests due in each half second that were answered well, by load.", images}, err
}

// lag draws the age of the heartbeat row as the standby has it.
func (d *drawing) lag() (chart, error) {
	var series []plots.Series
	for _, p := range d.rec.Probes {
		if p.Probe != "replication.heartbeat" {
			continue
		}
		answers, err := d.src.Observations(p.Probe, p.On)
		if err != nil {
			continue
		}
		line := plots.Series{Name: "heartbeat age on " + p.On}
		step := len(answers)/maxPoints + 1
		for i := 0; i < len(answers); i += step {
			v := math.NaN()
			if answers[i].OK || answers[i].Value > 0 {
				v = float64(answers[i].Value) / 1e9
			}
			line.T, line.V = append(line.T, d.at(answers[i].At.Hi)), append(line.V, v)
		}
		series = append(series, line)
	}
	images, err := plots.Lag(series, nil, d.fault, d.events()).Render()
	return chart{"replication", "Age of the old primary's heartbeat row as the standby has it. Once the link is cut it only grows: after a promotion it says nothing about lost data.", images}, err
}

func (d *drawing) timeline() (chart, error) {
	t := plots.Timeline{Title: "Timeline", Fault: d.fault, Events: d.events()}
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
