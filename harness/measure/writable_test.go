package measure

import (
	"slices"
	"testing"

	"blackstart/harness"
)

func TestWritable(t *testing.T) {
	answer := func(lo harness.Stamp, on string, reached, ok bool) harness.Observation {
		return harness.Observation{Probe: probeWritable, On: on, At: harness.Interval{Lo: lo, Hi: lo + 5}, Reached: reached, OK: ok}
	}
	in := func(lo harness.Stamp) harness.Observation { return answer(lo, "west.db", true, false) }
	wrote := func(lo harness.Stamp) harness.Observation { return answer(lo, "west.db", true, true) }
	silent := func(lo harness.Stamp) harness.Observation { return answer(lo, "west.db", false, false) }
	for name, c := range map[string]struct {
		answers []harness.Observation
		want    harness.Interval
	}{
		"plain":                     {[]harness.Observation{in(110), in(120), wrote(150), wrote(160)}, harness.Interval{Lo: 120, Hi: 155}},
		"silent in between":         {[]harness.Observation{in(120), silent(130), wrote(150)}, harness.Interval{Lo: 120, Hi: 155}},
		"writable from the start":   {[]harness.Observation{wrote(150), in(160), wrote(170)}, harness.Interval{Lo: 100, Hi: 155}},
		"silent, then writable":     {[]harness.Observation{silent(110), wrote(150)}, harness.Interval{Lo: 100, Hi: 155}},
		"never written":             {[]harness.Observation{in(110), silent(120)}, harness.Interval{}},
		"the primary takes writes":  {[]harness.Observation{answer(110, "east.db", true, true), in(120)}, harness.Interval{}},
		"an answer without a time":  {[]harness.Observation{in(110), wrote(-5)}, harness.Interval{}},
		"another probe's answer":    {[]harness.Observation{{Probe: probeHeartbeat, On: "west.db", At: harness.Interval{Lo: 110, Hi: 115}, Reached: true, OK: true}}, harness.Interval{}},
		"nothing":                   {nil, harness.Interval{}},
		"ok, but nothing reached":   {[]harness.Observation{in(110), answer(120, "west.db", false, true)}, harness.Interval{}},
		"primary between the two":   {[]harness.Observation{in(110), answer(140, "east.db", true, true), wrote(150)}, harness.Interval{Lo: 110, Hi: 155}},
		"half: out of recovery but": {[]harness.Observation{in(110), in(140), wrote(150)}, harness.Interval{Lo: 140, Hi: 155}},
	} {
		rec := worldRecord()
		rec.Probes = []harness.ProbeSeries{
			{Probe: probeWritable, On: "east.db", Ran: harness.Interval{Lo: 90, Hi: 900}},
			{Probe: probeWritable, On: "west.db", Ran: harness.Interval{Lo: 100, Hi: 900}},
		}
		if got := Writable(rec, slices.Values(c.answers)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Where nobody can say which component is the standby's, or since when it was asked, there is no T_w rather than one that
// begins in 1970.
func TestWritableOfNobody(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"no standby":       func(w *world) { w.rec.Target.Regions = w.rec.Target.Regions[:1] },
		"nobody's":         func(w *world) { w.rec.Target.Components = w.rec.Target.Components[:1] },
		"not asked":        func(w *world) { w.rec.Probes = w.rec.Probes[:1] },
		"no start":         func(w *world) { w.rec.Probes[1].Ran.Lo = 0 },
		"other components": func(w *world) { w.rec.Target.Components[1].Region = "east" },
	} {
		w := build(usual())
		spoil(w)
		if got := readDataset(w.rec, w).writable(harness.Interval{}); !got.Never() {
			t.Errorf("%s: %v", name, got)
		}
	}
	w := build(usual())
	if got, want := readDataset(w.rec, w).writable(harness.Interval{}), (harness.Interval{Lo: at(faultLo + 3*sec), Hi: at(faultLo + 3*sec + 5*ms)}); got != want {
		t.Errorf("T_w is %v, want %v", got, want)
	}
}
