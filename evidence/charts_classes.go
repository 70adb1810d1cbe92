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
	if stream, first, last, ok := d.users(); ok {
		from, width, layers := d.stacks(stream, first, last)
		s.Title = "How requests of load " + stream.Load + " ended"
		s.YLabel = fmt.Sprintf("requests due in each %s", measure.Length(width))
		s.From, s.Width, s.Layers = float64(from)/1e9, float64(width)/1e9, layers
		caption = fmt.Sprintf("Every due request of load %s, all cohorts, by how it ended. ok is the right answer; the table of clients counts all loads.", stream.Load)
	}
	return chart{name: "classes", caption: caption, plot: s}
}

// due is when a sample was due, in ns since moment 0.
func (d *drawing) due(s loadgen.Sample) int64 { return int64(d.rec.Anchor) + s.Due - int64(d.zero) }

// users finds the stream that objectives on users speak of, else the first of people's queries, else the first of all; and when
// the first and the last of its samples were due. It is not ok if there is none, or if the file is not whole.
func (d *drawing) users() (stream harness.Stream, first, last int64, ok bool) {
	var best *harness.Stream
	rank := 0
	for i, s := range d.rec.Streams {
		if s.Kind != "samples" {
			continue
		}
		r := 1
		if s.Traits().Questions {
			r = 2
		}
		for _, o := range d.rec.Scenario.Objectives {
			if of := measure.Of(o.Measure); o.Load == s.Load && of.Load && !of.Ledger {
				r = 3
			}
		}
		if r > rank {
			best, rank = &d.rec.Streams[i], r
		}
	}
	if best == nil {
		return harness.Stream{}, 0, 0, false
	}
	for s, err := range d.src.Samples(best.ID, 0) {
		if err != nil {
			return *best, 0, 0, false // a torn file: the report says so, the chart shows no data
		}
		due := d.due(s)
		if !ok {
			first, last, ok = due, due, true
		}
		first, last = min(first, due), max(last, due)
	}
	return *best, first, last, ok
}

// stacks counts samples in buckets of due time, one layer for each class that there is; from and width are in ns since moment 0.
func (d *drawing) stacks(stream harness.Stream, first, last int64) (from, width int64, layers []plots.Layer) {
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
	for s, err := range d.src.Samples(stream.ID, 0) {
		if err != nil {
			continue
		}
		if counts[s.Outcome] == nil {
			counts[s.Outcome] = make([]float64, n)
		}
		counts[s.Outcome][(d.due(s)-from)/width]++
	}
	for o, v := range counts {
		if v != nil {
			layers = append(layers, plots.Layer{Name: classWords(d.rec, loadgen.Outcome(o)), Look: look(loadgen.Outcome(o)), V: v})
		}
	}
	return from, width, layers
}

// classWords is what people call an outcome; measure's words of OK speak of lateness, which nobody judges here.
func classWords(rec *harness.Record, o loadgen.Outcome) string {
	if o == loadgen.OK {
		return "ok"
	}
	return measure.ClassWords(rec, o)
}

// look is how the layer of an outcome is drawn: those that a single workload knows look like other errors, and are told by their names.
func look(o loadgen.Outcome) int {
	if o >= loadgen.FirstReserved {
		return int(loadgen.Other)
	}
	return int(o)
}
