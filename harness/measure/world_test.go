package measure

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

// A world is a drill whose truth is known: when service was down for whom, and which writes were lost.
type world struct {
	rec      *harness.Record
	samples  map[int][]loadgen.Sample
	attempts map[int][]Attempt
	answers  map[string][]harness.Observation
	commits  []harness.WALCommit
}

func (w *world) Samples(id, from int) iter.Seq2[loadgen.Sample, error] {
	if s, ok := w.samples[id]; ok {
		return each(s[min(from, len(s)):], nil)
	}
	return each[loadgen.Sample](nil, fmt.Errorf("no samples of stream %d", id))
}

// each gives records, and then an error if there is one.
func each[T any](records []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

// collect is the reverse of each.
func collect[T any](records iter.Seq2[T, error]) (all []T, err error) {
	for r, err := range records {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (w *world) Attempts(id int) iter.Seq2[Attempt, error] {
	if s, ok := w.attempts[id]; ok {
		return each(s, nil)
	}
	return each[Attempt](nil, fmt.Errorf("no attempts of stream %d", id))
}

func (w *world) Commits(yield func(harness.WALCommit) error) error {
	for _, c := range w.commits {
		if err := yield(c); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Observations(p harness.ProbeSeries) iter.Seq2[harness.Observation, error] {
	if s, ok := w.answers[p.Probe+" "+p.On]; ok {
		return each(s, nil)
	}
	return each[harness.Observation](nil, fmt.Errorf("no observations of %s", p.Probe))
}

// The times of a world, relative to its anchor.
const (
	ms          = int64(time.Millisecond)
	sec         = int64(time.Second)
	worldAnchor = harness.Stamp(1_790_000_000_123_456_789)
	baseFrom    = 2 * sec
	baseTo      = 12 * sec
	faultLo     = baseTo + 20*ms
	faultHi     = baseTo + 35*ms
	watchTo     = 57 * sec
)

// outage is a span of truth, ns since the anchor: requests under way in it do not get an answer.
type outage struct{ from, to int64 }

// truth is what happens in a world.
type truth struct {
	down     map[string][]outage // by cohort; "" is everybody
	slow     []outage            // answers take as long as slowBy
	slowBy   int64
	loss     int  // the last so many acknowledged writes before the fault are lost
	isolated bool // writers behind the fault are acknowledged for two seconds more, and lose it
	null     bool
	seed     uint64
}

const (
	idQueries, idEdge, idLedger, idIsolated       = 1, 2, 3, 4
	fileQueries, fileEdge, fileLedger, fileWrites = "queries", "edge", "ledger", "isolated"
)

// Places of a world, as its table has them.
const atOutside, atPrimary, atStandby = 0, 1, 2

func at(ns int64) harness.Stamp { return worldAnchor + harness.Stamp(ns) }

func worldScenario() harness.Scenario {
	rate := func(n int) harness.Rate { return harness.Rate{Count: n, Per: time.Second} }
	return harness.Scenario{
		APIVersion: "blackstart/v1", Kind: "Scenario",
		Load: []harness.LoadSpec{
			{ID: fileQueries, Workload: "http.query", Place: "outside", Rate: rate(200), With: harness.With{"cohorts": []any{"fresh", "pooled", "stale-resolver"}}},
			{ID: fileEdge, Workload: "metronome", Place: "outside", Rate: rate(100)},
			{ID: fileLedger, Workload: "postgres.ledger", Place: "outside", Rate: rate(250), With: harness.With{"amount": "100.00"}},
			{ID: fileWrites, Workload: "postgres.ledger", Place: "primary", Rate: rate(50), With: harness.With{"amount": "100.00"}},
		},
		SteadyState: harness.SteadyState{For: harness.Duration(10 * sec), Require: []harness.Requirement{
			{Load: fileQueries, SuccessAtLeast: 999_000, P99AtMost: harness.Duration(250 * ms)},
			{Probe: "replication.heartbeat", AgeAtMost: harness.Duration(sec)},
		}},
		Observe:   harness.Duration(44 * sec),
		Faults:    []harness.FaultSpec{{Kind: "region.partition", On: "primary", StartsClock: true}},
		Recovered: harness.Recovered{Window: harness.Duration(5 * sec), MinRequests: 500, SuccessAtLeast: 990_000, P99AtMost: harness.Duration(500 * ms)},
		Objectives: []harness.Objective{
			{ID: "rto", Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", From: "fault", AtMost: "20s", Source: "BCP 4.2"},
			{ID: "rpo", Measure: MeasureRPOTime, Load: fileLedger, AtMost: "1h", Source: "BCP 4.3"},
			{ID: "lost", Measure: MeasureRPOLost, Load: fileLedger, AtMost: "0", Source: "BCP 4.4"},
			{ID: "page", Measure: MeasureAlert, Channel: "pagerduty", From: "fault", AtMost: "10s", Source: "Incident policy 2"},
		},
	}
}

func worldRecord() *harness.Record {
	s := worldScenario()
	rec := &harness.Record{
		Format: harness.Format, Rules: harness.Rules, RunID: "0190f3c0-0000-7000-8000-000000000001", Status: harness.Completed, Scenario: s,
		Anchor: worldAnchor, Started: at(0), Ended: at(70 * sec),
		Baseline: harness.Interval{Lo: at(baseFrom), Hi: at(baseTo)}, Observation: harness.Interval{Lo: at(faultLo), Hi: at(watchTo)},
		Target: harness.Description{
			Regions:    []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
			Components: []harness.Component{{Name: "east.db", Kind: "postgres", Region: "east"}, {Name: "west.db", Kind: "postgres", Region: "west"}},
			Channels:   []harness.Channel{{Name: "pagerduty"}, {Name: "slack"}},
			Decisions:  &harness.DecisionLog{Detected: "failure.detected", Declared: "failover.declared"},
			Timings:    harness.Timings{AlertFloorNS: sec},
		},
		Arrivals: []harness.Arrival{
			{Channel: "pagerduty", At: at(faultLo + 3100*ms), Nonce: true, Accepted: true, Status: 202, Event: "trigger", Summary: "failover"},
		},
		Decisions: []harness.Decision{
			{At: at(faultLo + 2900*ms), Event: "failure.detected"}, {At: at(faultLo + 2950*ms), Event: "failover.declared"},
		},
		Acts:   []harness.Act{{Kind: harness.ActBaseline, By: harness.ByHarness, At: harness.Interval{Lo: at(baseFrom), Hi: at(baseTo)}}},
		Undo:   harness.UndoRecord{Complete: true, Fenced: true, FenceChecked: true, FencedBy: "harness"},
		Ledger: harness.LedgerRecord{Read: true, Primary: "west.db", OldPrimary: "east.db", OldRead: true, Promoted: true},
	}
	rec.Places, rec.Hosts, rec.Outcomes = harness.PlacesOf(rec.Target), []harness.Host{{Name: harness.LocalHost}}, loadgen.CommonOutcomes()
	for _, t := range []int64{0, baseFrom, baseTo, watchTo + sec} {
		rec.Clock = append(rec.Clock, harness.ClockReading{At: at(t), Synchronised: true, State: "ok", WallMinusNS: t % 1000})
	}
	rec.Faults = []harness.FaultRecord{{
		Plan: harness.Plan{Fault: s.Faults[0], Isolates: true}, Do: harness.Interval{Lo: at(faultLo), Hi: at(faultLo + 5*ms)},
		InForce: harness.Interval{Lo: at(faultLo), Hi: at(faultHi)}, Confirmed: true, Restored: true,
	}}
	return rec
}

// build makes the world of a truth.
func build(t truth) *world {
	w := &world{rec: worldRecord(), samples: map[int][]loadgen.Sample{}, attempts: map[int][]Attempt{}, answers: map[string][]harness.Observation{}}
	w.addStream(t, idQueries, 0, 200, 2*sec, atOutside)
	w.addStream(t, idEdge, 1, 100, 2*sec, atOutside)
	w.addStream(t, idLedger, 2, 250, 2*sec, atOutside)
	w.addStream(t, idIsolated, 3, 50, 2*sec, atPrimary)
	w.plant(t)
	w.addProbe("replication.heartbeat", "west.db", 250*ms)
	w.addWritable(t.null)
	if t.null {
		w.rec.Scenario.Faults, w.rec.Faults = nil, nil
		w.rec.Arrivals, w.rec.Decisions, w.rec.Ledger.Promoted, w.rec.Ledger.OldRead = nil, nil, false, false
		w.rec.Undo = harness.UndoRecord{}
		w.rec.Observation.Lo = at(baseTo)
	}
	return w
}

// played holds the samples of worlds that were built before: many tests spoil the same one.
var played sync.Map

// addStream plays one load through the truth.
func (w *world) addStream(t truth, id, spec, rate int, timeout int64, place int) {
	l := w.rec.Scenario.Load[spec]
	start := sec + int64(id)*137_003
	st := harness.Stream{
		ID: id, Load: l.ID, Kind: kindSamples, File: "data/samples/" + l.ID + ".bin", Workload: l.Workload, Place: place, Recorded: new(traitsOf(l.Workload)),
		Cohorts: traitsOf(l.Workload).Cohorts, StartNS: start, Freq: rate, PerNS: sec, StopNS: watchTo + 100*ms, TimeoutNS: timeout, Closed: true,
	}
	if st.Cohorts == nil {
		st.Cohorts = []string{cohortFresh}
	}
	key := fmt.Sprint(t, id)
	if _, ok := played.Load(key); !ok {
		played.Store(key, t.perform(st))
	}
	before, _ := played.Load(key)
	all := slices.Clone(before.([]loadgen.Sample))
	st.Count = len(all)
	w.samples[id] = all
	w.rec.Streams = append(w.rec.Streams, st)
	if st.Traits().Ledger {
		st.Kind, st.File = kindLedger, "data/ledger/"+l.ID+".bin"
		w.rec.Streams = append(w.rec.Streams, st)
		w.attempts[id] = attemptsOf(uint32(id), loadgen.Place(place), all) //nolint:gosec // small
	}
}

// perform plays one stream's schedule.
func (t truth) perform(st harness.Stream) []loadgen.Sample {
	rng := rand.New(rand.NewPCG(t.seed, uint64(st.ID))) //nolint:gosec // small
	schedule := loadgen.Schedule{Start: st.StartNS, Freq: st.Freq, Per: time.Second}
	var all []loadgen.Sample
	for n := uint64(0); schedule.Due(n) < st.StopNS; n++ {
		s := loadgen.Sample{Seq: n, Due: schedule.Due(n), Cohort: uint8(n % uint64(len(st.Cohorts)))} //nolint:gosec // small
		s.Sent = s.Due + rng.Int64N(ms/10)
		t.play(rng, &s, st.Cohorts[s.Cohort], st.Place, st.TimeoutNS)
		all = append(all, s)
	}
	return all
}

// play gives a sample the answer that the truth gives at its time.
func (t truth) play(rng *rand.Rand, s *loadgen.Sample, cohort string, place int, timeout int64) {
	took := ms + rng.Int64N(4*ms)
	for _, o := range t.slow {
		if s.Sent >= o.from && s.Sent < o.to {
			took = t.slowBy
		}
	}
	s.Outcome, s.Status, s.Done = loadgen.OK, 200, s.Sent+took
	spans := append(append([]outage{}, t.down[""]...), t.down[cohort]...)
	if place == atPrimary {
		spans = nil
		if !t.isolated {
			spans = t.down[""]
		}
	}
	for _, o := range spans {
		if s.Done > o.from && s.Sent < o.to {
			s.Outcome, s.Status, s.Done = loadgen.Timeout, 0, s.Sent+timeout-1
		}
	}
}

func attemptsOf(stream uint32, place loadgen.Place, samples []loadgen.Sample) []Attempt {
	var all []Attempt
	for n, s := range samples {
		a := Attempt{Attempt: loadgen.Attempt{ID: loadgen.AttemptID(stream, uint64(n)), Sent: s.Sent, Done: s.Done, Amount: 10_000, Place: place}} //nolint:gosec // small
		a.Outcome = loadgen.AttemptUnknown
		if s.Outcome == loadgen.OK {
			a.Outcome, a.New = loadgen.AttemptOK, 1
		}
		if s.Due < faultLo {
			a.Old = 1
		}
		all = append(all, a)
	}
	return all
}

// plant loses the writes the truth says are lost.
func (w *world) plant(t truth) {
	left := t.loss
	for i := len(w.attempts[idLedger]) - 1; i >= 0 && left > 0; i-- {
		a := &w.attempts[idLedger][i]
		if a.Outcome == loadgen.AttemptOK && a.Done < faultLo {
			a.New, a.Old = 0, 1
			left--
		}
	}
	for i := range w.attempts[idIsolated] {
		a := &w.attempts[idIsolated][i]
		if t.isolated && a.Sent >= faultLo {
			a.Outcome, a.New, a.Old = loadgen.AttemptUnknown, 0, 0
			if a.Done <= faultHi+2*sec {
				a.Outcome, a.Old = loadgen.AttemptOK, 1
			}
		}
	}
	w.rec.Ledger.OldOnly = w.onOldOnly()
}

func (w *world) onOldOnly() int {
	n := 0
	for _, all := range w.attempts {
		for _, a := range all {
			if a.New == 0 && a.Old > 0 {
				n++
			}
		}
	}
	return n
}

func (w *world) addProbe(probe, on string, every int64) {
	var all []harness.Observation
	from, to := sec, watchTo+sec
	for t := from; t+ms < to; t += every {
		all = append(all, harness.Observation{
			Probe: probe, On: on, At: harness.Interval{Lo: at(t), Hi: at(t + ms)}, Reached: true, OK: true, Value: 40 * ms, Unit: harness.UnitNS,
		})
	}
	w.answers[probe+" "+on] = all
	w.rec.Probes = append(w.rec.Probes, harness.ProbeSeries{
		Probe: probe, On: on, File: "data/observations/" + probe + ".jsonl", Count: len(all), EveryNS: every,
		Ran: harness.Interval{Lo: at(from), Hi: at(to)},
	})
}

// addWritable adds the answers of a standby that takes its first write 3 s after the fault, or never.
func (w *world) addWritable(never bool) {
	w.addProbe(probeWritable, "west.db", 250*ms)
	key, all := probeWritable+" west.db", []harness.Observation(nil)
	for _, o := range w.answers[probeWritable+" west.db"] {
		if o.At.Lo > at(faultLo+3*sec) && len(all) > 0 && !never && !all[len(all)-1].OK {
			o := o
			o.OK, o.Value, o.Unit, o.Detail = false, 0, "bool", "in recovery"
			o.At = harness.Interval{Lo: at(faultLo + 3*sec), Hi: at(faultLo + 3*sec + ms)}
			all = append(all, o)
			o.OK, o.Value, o.Detail = true, 1, "write completed"
			o.At = harness.Interval{Lo: at(faultLo + 3*sec + 4*ms), Hi: at(faultLo + 3*sec + 5*ms)}
			all = append(all, o)
		}
		o.Unit, o.Value, o.Detail = "bool", 1, "write completed"
		if o.At.Lo < at(faultLo+3*sec) || never {
			o.OK, o.Value, o.Detail = false, 0, "in recovery"
		}
		all = append(all, o)
	}
	w.answers[key] = all
	w.rec.Probes[len(w.rec.Probes)-1].Count = len(all)
}

// staysInRecovery makes every answer of the standby that of one that takes no write.
func (w *world) staysInRecovery() {
	for i := range w.answers[probeWritable+" west.db"] {
		o := &w.answers[probeWritable+" west.db"][i]
		o.OK, o.Value, o.Detail = false, 0, "in recovery"
	}
}

// usual is the outage of most tests: everybody is down from just after the fault until 4.07 s later.
func usual() truth {
	return truth{down: map[string][]outage{"": {{faultLo + 7*ms, faultLo + 4070*ms}}}, seed: 1}
}

func mustJudge(t *testing.T, w *world) harness.Findings {
	t.Helper()
	f, err := Judge(w.rec, w)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func find(t *testing.T, f harness.Findings, name, load, cohort string) harness.Measurement {
	t.Helper()
	for _, m := range f.Measurements {
		if m.Name == name && m.Load == load && m.Cohort == cohort {
			return m
		}
	}
	t.Fatalf("no measurement %s of %q %q", name, load, cohort)
	return harness.Measurement{}
}

// traitsOf are those that the workloads of the product say they have.
func traitsOf(workload string) harness.Traits {
	return map[string]harness.Traits{
		"http.query": {Questions: true, Cohorts: []string{"fresh", "pooled", "stale-resolver"}}, "metronome": {Edges: true}, "postgres.ledger": {Ledger: true, Table: "blackstart.ledger", Valued: true, Currency: "USD", Exponent: 2, Speaks: "postgres"},
	}[workload]
}
