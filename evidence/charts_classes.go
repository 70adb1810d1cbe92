package evidence

import (
	"fmt"
	"math"

	"blackstart/evidence/plots"
	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
)

// maxBuckets bounds the bars of one chart: more could not be told apart.
const maxBuckets = 400

// bucketWidths are the widths that a bar may have, in ns.
var bucketWidths = []int64{250e6, 500e6, 1e9, 2e9, 5e9, 10e9, 30e9, 60e9, 300e9, 900e9}

// classes draws what became of the requests that users make, by class, over time.
func (d *drawing) classes() chart {
	s := plots.Stacked{Axis: d.axis, Title: "How clients' requests ended: no load"}
	caption := "No load of clients was read, so nothing can be shown."
	if stream, samples, ok := d.users(); ok && len(samples) > 0 {
		from, width, layers := d.stacks(samples)
		s.Title = "How requests of load " + stream.Load + " ended"
		s.YLabel = fmt.Sprintf("requests due in each %s", measure.Length(width))
		s.From, s.Width, s.Layers = float64(from)/1e9, float64(width)/1e9, layers
		caption = fmt.Sprintf("Every due request of load %s, all cohorts, by how it ended. ok is the right answer; the table of clients counts all loads.", stream.Load)
	}
	return chart{name: "classes", caption: caption, plot: s}
}

// users finds the stream that objectives on users speak of, else the first of people's queries, else the first of all.
func (d *drawing) users() (harness.Stream, []loadgen.Sample, bool) {
	var best *harness.Stream
	rank := 0
	for i, s := range d.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		r := 1
		if s.Workload == "http.query" {
			r = 2
		}
		for _, o := range d.rec.Scenario.Objectives {
			if o.Load == s.Load && (o.Measure == measure.MeasureRTO || o.Measure == measure.MeasureWrong) {
				r = 3
			}
		}
		if r > rank {
			best, rank = &d.rec.Streams[i], r
		}
	}
	if best == nil {
		return harness.Stream{}, nil, false
	}
	samples, err := d.src.Samples(best.ID)
	return *best, samples, err == nil // a torn file: the report says so, the chart shows no data
}

// stacks counts samples in buckets of due time, one layer for each class that there is; from and width are in ns since moment 0.
func (d *drawing) stacks(samples []loadgen.Sample) (from, width int64, layers []plots.Layer) {
	due := func(s loadgen.Sample) int64 { return int64(d.rec.Anchor) + s.Due - int64(d.zero) }
	first, last := due(samples[0]), due(samples[0])
	for _, s := range samples {
		first, last = min(first, due(s)), max(last, due(s))
	}
	width = bucketWidths[len(bucketWidths)-1]
	for _, w := range bucketWidths {
		if (last-first)/w < maxBuckets {
			width = w
			break
		}
	}
	from = int64(math.Floor(float64(first)/float64(width))) * width
	n := (last-from)/width + 1
	if last-first < 0 || from > first || n > maxBuckets+1 {
		return from, width, nil // due times that no schedule gives: validity says so
	}
	var counts [loadgen.NumOutcomes][]float64
	for _, s := range samples {
		if s.Outcome >= loadgen.NumOutcomes {
			continue
		}
		if counts[s.Outcome] == nil {
			counts[s.Outcome] = make([]float64, n)
		}
		counts[s.Outcome][(due(s)-from)/width]++
	}
	for o, v := range counts {
		if v != nil {
			layers = append(layers, plots.Layer{Name: classWords(loadgen.Outcome(o)), Look: o, V: v})
		}
	}
	return from, width, layers
}

// classWords is what people call an outcome; measure's words of OK speak of lateness, which nobody judges here.
func classWords(o loadgen.Outcome) string {
	if o == loadgen.OK {
		return "ok"
	}
	return measure.ClassWords(o)
}
