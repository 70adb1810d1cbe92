package measure

import (
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// overheadOf judges two loads of one workload whose good latencies are given, in µs.
func overheadOf(t *testing.T, faults []harness.FaultRecord, insidePlace int, outside, inside int64) []harness.Measurement {
	t.Helper()
	rec := &harness.Record{Anchor: 1, Baseline: harness.Interval{Lo: 1, Hi: 1_000_000_001}, Faults: faults,
		Places: harness.PlacesOf(worldRecord().Target), Hosts: []harness.Host{{Name: harness.LocalHost}}, Outcomes: loadgen.CommonOutcomes()}
	w := &world{rec: rec, samples: map[int][]loadgen.Sample{}}
	d := &dataset{rec: rec, bits: maxBits, codes: namesOf(rec)}
	for i, place := range []int{atOutside, insidePlace} {
		s := harness.Stream{ID: i + 1, Load: []string{"ledger", "isolated"}[i], Workload: "postgres.ledger", Place: place, TimeoutNS: 1e9, Freq: 1000, PerNS: 1_000_000_000}
		for n := range int64(100) {
			due := n * 1_000_000
			w.samples[s.ID] = append(w.samples[s.ID], loadgen.Sample{Seq: uint64(n), Due: due, Sent: due, Done: due + []int64{outside, inside}[i]*1000, Outcome: loadgen.OK})
		}
		d.series = append(d.series, d.readSeries(s, w))
	}
	return d.overhead()
}

func TestOverheadIsWhatTheLinksAdd(t *testing.T) {
	all := overheadOf(t, nil, atPrimary, 900, 600)
	if len(all) != 2 || all[0].Name != NameOverheadMedian || all[0].Lo != 300_000 || all[1].Lo != 300_000 || all[0].Detail != "ledger against isolated" {
		t.Errorf("got %+v", all)
	}
	if all := overheadOf(t, nil, atOutside, 900, 600); len(all) != 0 {
		t.Errorf("two loads through the links were compared: %+v", all)
	}
}
