package measure

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// spoiled lists one way, at least, in which every validity check fails; and that the drill then cannot be judged.
var spoiled = []struct {
	check, detail string
	spoil         func(w *world)
}{
	{"record.whole", "its format", func(w *world) { w.rec.Format = "blackstart.pack/1" }},
	{"record.whole", "no baseline", func(w *world) { w.rec.Baseline.Hi = w.rec.Baseline.Lo }},
	{"record.whole", "no time of observation", func(w *world) { w.rec.Ended = w.rec.Observation.Hi - 1 }},
	{"fault.confirmed", "was not confirmed", func(w *world) { w.rec.Faults[0].Confirmed = false }},
	{"fault.confirmed", "was not confirmed", func(w *world) { w.rec.Faults[0].InForce.Hi = 0 }},
	{"fault.confirmed", "outside the time", func(w *world) {
		w.rec.Faults[0].InForce = harness.Interval{Lo: at(watchTo), Hi: at(watchTo + sec)}
	}},
	{"fault.confirmed", "has 1 faults, the record 0", func(w *world) { w.rec.Faults = nil }},
	{"fault.confirmed", "not a fault of the scenario", func(w *world) { w.rec.Faults[0].Plan.Fault.Kind = "region.kill" }},
	{"fault.confirmed", "0 faults start the clock", func(w *world) {
		w.rec.Faults[0].Plan.Fault.StartsClock, w.rec.Scenario.Faults[0].StartsClock = false, false
	}},
	{"people.done", "nobody said that it was done", func(w *world) {
		w.rec.People = []harness.PersonRecord{{Task: harness.PersonTask{What: "cut it off", By: "operator"}, Asked: at(sec)}}
	}},
	{"people.done", "do not follow each other", func(w *world) {
		w.rec.People = []harness.PersonRecord{{Asked: at(2 * sec), Done: at(sec), DoneBy: "Ann"}}
	}},
	{"people.done", "have no name", func(w *world) { w.rec.People = []harness.PersonRecord{{Asked: at(sec), Done: at(2 * sec)}} }},
	{"observation.length", "observation cut short: clients were watched for 43.88 s of 44 s", func(w *world) { w.rec.Observation.Hi -= harness.Stamp(1100 * ms) }},
	{"observation.length", "does not say how long", func(w *world) { w.rec.Scenario.Observe = 0 }},
	{"streams.complete", "was not closed", func(w *world) { w.rec.Streams[0].Closed = false }},
	{"streams.complete", "the record counts", func(w *world) { w.rec.Streams[0].Count-- }},
	{"streams.complete", "were due by its schedule", func(w *world) { w.cut(idQueries, len(w.samples[idQueries])-300) }},
	{"streams.complete", "has seq", func(w *world) { w.samples[idQueries][70].Seq = 71 }},
	{"streams.complete", "by the schedule at", func(w *world) { w.samples[idQueries][70].Due++ }},
	{"streams.complete", "has no outcome", func(w *world) { w.samples[idQueries][70].Outcome = loadgen.None }},
	{"streams.complete", "order that cannot be", func(w *world) { w.samples[idQueries][70].Done = w.samples[idQueries][70].Sent - 1 }},
	{"streams.complete", "has no name", func(w *world) { w.samples[idQueries][70].Cohort = 3 }},
	{"streams.complete", "has no timeout", func(w *world) { w.rec.Streams[0].TimeoutNS = 0 }},
	{"streams.complete", "nothing was due", func(w *world) { w.rec.Streams[0].Freq = 0; w.rec.Scenario.Load[0].Rate.Count = 0 }},
	{"streams.complete", "the scenario says 200/s", func(w *world) { w.rec.Streams[0].Freq = 100 }},
	{"streams.complete", "the scenario says http.query at outside", func(w *world) { w.rec.Streams[0].Place = atStandby }},
	{"streams.complete", "the cohorts", func(w *world) { w.rec.Streams[0].Cohorts = []string{"fresh", "pooled", "other"} }},
	{"streams.complete", "did not run from the baseline", func(w *world) { w.rec.Observation.Hi = at(60 * sec) }},
	{"streams.complete", "a kind that is not known", func(w *world) { w.rec.Streams[0].Kind = "traces" }},
	{"streams.complete", "no samples of stream 1", func(w *world) { delete(w.samples, idQueries) }},
	{"streams.complete", "no attempts of stream 3", func(w *world) { delete(w.attempts, idLedger) }},
	{"streams.complete", "at a place that the record does not name", func(w *world) { w.rec.Streams[0].Place = 9 }},
	{"streams.complete", "at primary, the scenario says postgres.ledger at outside", func(w *world) { w.rec.Streams[3].Place = atPrimary }},
	{"streams.complete", "was made at place 1, and the clients of its stream stand at place 0", func(w *world) { w.attempts[idLedger][9].Place = 1 }},
	{"streams.complete", "is of host 1, which the record does not name", func(w *world) { w.rec.Streams[0].Host = 1 }},
	{"streams.complete", "is of host 1, which the record does not name", func(w *world) { w.rec.Streams[3].Host = 1 }},
	{"streams.complete", "clock is ahead by at least 2 ns and at most 1 ns", func(w *world) { w.rec.Hosts[0].Offset = harness.Offset{Lo: 2, Hi: 1} }},
	{"streams.complete", "clock is further off than an hour", func(w *world) { w.rec.Hosts[0].Offset = harness.Offset{Lo: -1 << 63, Hi: 1<<63 - 1} }},
	{"streams.complete", "has 0 ledgers", func(w *world) { w.rec.Streams = append(w.rec.Streams[:3], w.rec.Streams[4:]...) }},
	{"streams.complete", "first attempts are on file", func(w *world) { w.attempts[idLedger][9].RetryOf = 1 }},
	{"streams.complete", "one is missing before it", func(w *world) { w.attempts[idLedger][9].ID++ }},
	{"streams.complete", "order that cannot be", func(w *world) { w.attempts[idLedger][9].Done = -1 }},
	{"streams.complete", "has no outcome", func(w *world) { w.attempts[idLedger][9].Outcome = 9 }},
	{"streams.complete", "the record counts", func(w *world) { w.attempts[idLedger] = w.attempts[idLedger][:5] }},
	{"streams.complete", "was not closed", func(w *world) { w.rec.Streams[3].Closed = false }},
	{"load.offered", "offered", func(w *world) {
		for i := range w.samples[idEdge] {
			if i%15 == 0 {
				w.samples[idEdge][i].Outcome, w.samples[idEdge][i].Sent, w.samples[idEdge][i].Done = loadgen.Unsent, -1, -1
			}
		}
	}},
	{"resources.enough", "load queries could not send", func(w *world) {
		w.answerAs(idQueries, loadgen.LocalShortage, faultLo+3*sec, 2)
	}},
	{"resources.enough", "local shortage: this process is out of file descriptors (EMFILE), 1 times", func(w *world) {
		w.heartbeat()[150].Reached, w.heartbeat()[150].OK = false, false
		w.heartbeat()[150].Detail = "local shortage: this process is out of file descriptors (EMFILE)"
	}},
	{"resources.enough", "the link to 127.0.0.1:1", func(w *world) {
		w.rec.Shortages = []string{"the link to 127.0.0.1:1: this process is out of file descriptors (EMFILE), 3 times"}
	}},
	{"harness.present", "the harness was suspended for 3.2s from ", func(w *world) {
		w.rec.Gaps = []harness.Gap{{Kind: harness.GapSuspended, At: harness.Interval{Lo: at(faultLo + sec), Hi: at(faultLo + 4*sec)}, LastsNS: 3200 * ms}}
	}},
	{"harness.present", "the harness had no network of its own for 3s from ", func(w *world) {
		w.rec.Gaps = []harness.Gap{{Kind: harness.GapNetwork, At: harness.Interval{Lo: at(faultLo - 8*sec), Hi: at(faultLo - 5*sec)}, LastsNS: 3 * sec, Detail: "net0 is down"}}
	}},
	{"target.undisturbed", "west.api is gone: its container", func(w *world) {
		w.rec.Undo.Gone = []string{"west.api is gone: its container was removed by somebody else"}
	}},
	{"baseline.length", "is 10 s long, the scenario asks for 11 s", func(w *world) { w.rec.Scenario.SteadyState.For = harness.Duration(11 * sec) }},
	{"baseline.length", "requires nothing", func(w *world) { w.rec.Scenario.SteadyState.Require = nil }},
	{"baseline.load.queries", "must be OK", func(w *world) { w.failEvery(100) }},
	{"baseline.load.queries", "p99 must be", func(w *world) { w.rec.Scenario.SteadyState.Require[0].P99AtMost = harness.Duration(ms) }},
	{"baseline.load.nobody", "no stream", func(w *world) { w.rec.Scenario.SteadyState.Require[0].Load = "nobody" }},
	{"baseline.load.queries", "nothing is required", func(w *world) {
		w.rec.Scenario.SteadyState.Require[0].SuccessAtLeast, w.rec.Scenario.SteadyState.Require[0].P99AtMost = 0, 0
	}},
	{"baseline.probe.replication.heartbeat", "age 1.5 s", func(w *world) { w.heartbeat()[20].Value = 1500 * ms }},
	{"baseline.probe.replication.heartbeat", "unreachable", func(w *world) { w.heartbeat()[20].Reached = false }},
	{"baseline.probe.replication.heartbeat", "not OK", func(w *world) { w.heartbeat()[20].OK = false }},
	{"baseline.probe.replication.heartbeat", "an age is in ns", func(w *world) { w.heartbeat()[20].Unit = "count" }},
	{"baseline.probe.replication.heartbeat", "no such probe", func(w *world) { w.rec.Probes = nil }},
	{"baseline.probe.replication.heartbeat", "nothing is required", func(w *world) { w.rec.Scenario.SteadyState.Require[1].AgeAtMost = 0 }},
	{"baseline", "neither load nor probe", func(w *world) { w.rec.Scenario.SteadyState.Require[1].Probe = "" }},
	{"probes.answered", "no answer for", func(w *world) { w.silence(100, 120) }},
	{"probes.answered", "no answer for", func(w *world) { w.silence(218, 228) }},
	{"probes.answered", "answers to", func(w *world) {
		for i := 100; i < 160; i++ { // every second of them; each one taken moves the rest up
			w.silence(i, i+1)
		}
	}},
	{"probes.answered", "the record counts", func(w *world) { w.rec.Probes[0].Count++ }},
	{"probes.answered", "did not run", func(w *world) { w.rec.Probes[0].Ran.Hi = at(50 * sec) }},
	{"probes.answered", "when it ran", func(w *world) { w.rec.Probes[0].Ran = harness.Interval{} }},
	{"probes.answered", "how often it asks", func(w *world) { w.rec.Probes[0].EveryNS = 0 }},
	{"probes.answered", "no answer at all", func(w *world) {
		w.rec.Probes[0].Count, w.answers["replication.heartbeat west.db"] = 0, []harness.Observation{}
		w.rec.Probes[0].EveryNS = 60 * sec
	}},
	{"probes.answered", "has no time", func(w *world) { w.heartbeat()[30].At.Lo = w.heartbeat()[30].At.Hi + 1 }},
	{"probes.answered", "no observations", func(w *world) { w.answers = nil }},
	{"probes.answered", "no series of probe http.health", func(w *world) {
		w.rec.Scenario.Guards = []harness.Guard{{Probe: "http.health"}}
	}},
	{"samples.enough", "a window needs 100000", func(w *world) { w.rec.Scenario.Recovered.MinRequests = 100_000 }},
	{"samples.enough", "holds 1001 requests, the scenario asks for 2000", func(w *world) { w.rec.Scenario.Recovered.MinRequests = 2000 }},
	{"samples.enough", "no window fits", func(w *world) { w.rec.Scenario.Recovered.Window = harness.Duration(50 * sec) }},
	{"samples.enough", "no cohort", func(w *world) { w.rec.Scenario.Objectives[0].Cohort = "other" }},
	{"clock.steady", "moved by 60 ms", func(w *world) { w.rec.Clock[2].WallMinusNS = -60 * ms; w.rec.Clock[0].WallMinusNS = 0 }},
	{"clock.steady", "was not read at begin and end", func(w *world) { w.rec.Clock = w.rec.Clock[:1] }},
	{"clock.steady", "to the end of observation", func(w *world) { w.rec.Clock = w.rec.Clock[:3] }},
	{"alerts.silent", "was not silent: 1 messages", func(w *world) {
		w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "slack", At: at(baseFrom + sec), Nonce: true})
	}},
	{"ledger.read", "was not read on", func(w *world) { w.rec.Ledger.Read = false }},
	{"ledger.read", "were not looked up on west.db", func(w *world) { w.attempts[idLedger][8].New = Unread }},
	{"ledger.read", "east.db, which is said to be read", func(w *world) { w.attempts[idLedger][8].Old = Unread }},
	{"ledger.oracle", "do not explain", func(w *world) { w.rec.Ledger.OldOnly = 1_000_000 }},
	{"ledger.oracle", "clients miss 1", func(w *world) {
		w.attempts[idLedger][8].New, w.attempts[idLedger][8].Old = 0, 0
	}},
}

func (w *world) cut(id, n int) {
	w.samples[id] = w.samples[id][:n]
	w.rec.Streams[id-1].Count = n
}

func (w *world) failEvery(n int) {
	for i := range w.samples[idQueries] {
		if i%n == 0 {
			w.samples[idQueries][i].Outcome = loadgen.HTTP5xx
		}
	}
}

func (w *world) heartbeat() []harness.Observation { return w.answers["replication.heartbeat west.db"] }

// silence takes the answers number from to to-1 out, as if they had never been asked for.
func (w *world) silence(from, to int) {
	w.answers["replication.heartbeat west.db"] = slices.Delete(slices.Clone(w.heartbeat()), from, to)
	w.rec.Probes[0].Count = len(w.heartbeat())
}

func TestEveryValidityCheckCanFail(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range spoiled {
		t.Run(c.check+" "+c.detail, func(t *testing.T) {
			w := build(usual())
			c.spoil(w)
			f := mustJudge(t, w)
			if f.Exit != harness.ExitInconclusive || f.Verdict != harness.Inconclusive {
				t.Errorf("exit %d, verdict %s: %s", f.Exit, f.Verdict, f.Reason)
			}
			for _, v := range f.Validity {
				if v.Name == c.check && !v.OK && strings.Contains(v.Detail, c.detail) {
					seen[c.check] = true
					return
				}
			}
			t.Errorf("%s does not fail with %q: %+v", c.check, c.detail, f.Validity)
		})
	}
	for _, v := range mustJudge(t, build(usual())).Validity {
		if !v.OK {
			t.Errorf("%s fails in a good drill: %s", v.Name, v.Detail)
		}
		if !seen[v.Name] {
			t.Errorf("no test lets %s fail", v.Name)
		}
	}
}

// What the drill itself had killed or stopped may be cleaned away by others: nothing of what was measured changes by it.
func TestARemovedVictimDisturbsNothing(t *testing.T) {
	w := build(usual())
	w.rec.Undo.Gone = []string{"east.db is gone: its container was removed by somebody else"}
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || !strings.Contains(f.Reason, "target.undisturbed") {
		t.Errorf("a database that nothing of the drill killed: %s, %s", f.Verdict, f.Reason)
	}
	for _, kind := range []harness.ActionKind{harness.ComponentKill, harness.ComponentStop} {
		w.rec.Faults[0].Plan.Steps = []harness.Step{{Do: harness.Action{Kind: kind, Components: []string{"east.db"}}}}
		if f := mustJudge(t, w); f.Verdict != harness.Pass || !slices.Contains(f.Exceptions, w.rec.Undo.Gone[0]) {
			t.Errorf("%s: %s: %s, exceptions %v", kind, f.Verdict, f.Reason, f.Exceptions)
		}
	}
}

// A long answer stands for the questions that were due meanwhile: a target that is unreachable is no silent probe.
func TestUnreachableIsAnAnswer(t *testing.T) {
	w := build(usual())
	var all []harness.Observation
	for _, o := range w.heartbeat() {
		if o.At.Lo < at(faultLo) || o.At.Lo > at(faultLo+40*sec) {
			all = append(all, o)
		}
		if len(all) > 0 && o.At.Lo > at(faultLo) && o.At.Lo < at(faultLo+250*ms) {
			for n := range int64(20) {
				from := o.At.Lo + harness.Stamp(n*2*sec)
				all = append(all, harness.Observation{At: harness.Interval{Lo: from, Hi: from + harness.Stamp(2*sec)}, Unit: harness.UnitNS})
			}
		}
	}
	w.answers["replication.heartbeat west.db"] = all
	w.rec.Probes[0].Count = len(all)
	if f := mustJudge(t, w); f.Verdict != harness.Pass {
		t.Errorf("%s: %s", f.Verdict, f.Reason)
	}
}

// needed are the fields of a Record without which there is no pass.
var needed = []string{
	"Format", "RunID", "Status", "Scenario", "Target", "Anchor", "Started", "Ended", "Baseline", "Observation", "Clock", "Faults",
	"Streams", "Probes", "Arrivals", "Undo", "Ledger",
}

func TestNoPassWithoutAField(t *testing.T) {
	for _, name := range needed {
		w := build(usual())
		field := reflect.ValueOf(w.rec).Elem().FieldByName(name)
		field.Set(reflect.Zero(field.Type()))
		if f := mustJudge(t, w); f.Verdict == harness.Pass || f.Exit == 0 {
			t.Errorf("without %s: %s", name, f.Reason)
		}
	}
}

// Every part of every list, every stream's and probe's field, and every file's content is taken away in turn.
func TestNoPassWithoutData(t *testing.T) {
	harmless := map[string]bool{ // what says where a thing is, not what it is
		"Streams.File": true, "Streams.Root": true, "Probes.File": true, "Streams.Place": false,
		"Arrivals.Status": true, "Arrivals.Summary": true, "Arrivals.Severity": true, "Arrivals.Source": true, "Arrivals.DedupKey": true,
		"Clock.Phase": true, "Clock.State": true, "Clock.MaxErrorUS": true, "Clock.EstErrorUS": true, "Clock.WallMinusNS": true,
		"Clock.Synchronised": true, "Faults.Do": true, "Faults.Detail": true, "Faults.Undone": true, "Clock.At": true,
	}
	for _, list := range []string{"Streams", "Probes", "Arrivals", "Faults", "Clock"} {
		n := reflect.ValueOf(worldOf(t)).Elem().FieldByName(list).Len()
		for i := range n {
			kind := reflect.ValueOf(worldOf(t)).Elem().FieldByName(list).Index(i).Type()
			for j := range kind.NumField() {
				name := list + "." + kind.Field(j).Name
				w := build(usual())
				field := reflect.ValueOf(w.rec).Elem().FieldByName(list).Index(i).Field(j)
				if harmless[name] || field.IsZero() {
					continue
				}
				if list == "Streams" && w.rec.Streams[i].Kind == kindLedger && unusedInLedger[kind.Field(j).Name] {
					continue
				}
				if list == "Streams" && kind.Field(j).Name == "Cohorts" && field.Len() == 1 {
					continue // one kind of client needs no name
				}
				field.Set(reflect.Zero(field.Type()))
				if f := mustJudge(t, w); f.Verdict == harness.Pass {
					t.Errorf("without %s of %d: %s", name, i, f.Reason)
				}
			}
		}
	}
}

// unusedInLedger are fields of a stream that only its samples need.
var unusedInLedger = map[string]bool{
	"Workload": true, "Place": true, "StartNS": true, "Freq": true, "PerNS": true, "StopNS": true, "TimeoutNS": true, "Cohorts": true,
}

func worldOf(t *testing.T) *harness.Record {
	t.Helper()
	return build(usual()).rec
}

func TestNoPassWithoutAFile(t *testing.T) {
	for id := range build(usual()).samples {
		for _, part := range []float64{0, 0.5, 0.99} {
			w := build(usual())
			w.samples[id] = w.samples[id][:int(part*float64(len(w.samples[id])))]
			if f := mustJudge(t, w); f.Verdict == harness.Pass {
				t.Errorf("samples of %d cut to %v: %s", id, part, f.Reason)
			}
			w.rec.Streams[id-1].Count = len(w.samples[id])
			if f := mustJudge(t, w); f.Verdict == harness.Pass {
				t.Errorf("samples of %d cut to %v and counted anew: %s", id, part, f.Reason)
			}
		}
	}
	for id := range build(usual()).attempts {
		w := build(usual())
		w.attempts[id] = w.attempts[id][:len(w.attempts[id])-1]
		w.rec.Streams[id].Count--
		if f := mustJudge(t, w); f.Verdict == harness.Pass {
			t.Errorf("attempts of %d cut: %s", id, f.Reason)
		}
	}
}

// Failed samples taken out, the rest numbered anew: what an honest signature over dishonest data would hold.
func TestRenumberedSamplesAreFound(t *testing.T) {
	w := build(usual())
	var kept []loadgen.Sample
	for _, s := range w.samples[idQueries] {
		if s.Outcome == loadgen.OK {
			s.Seq = uint64(len(kept))
			kept = append(kept, s)
		}
	}
	w.samples[idQueries], w.rec.Streams[0].Count = kept, len(kept)
	if f := mustJudge(t, w); f.Exit != harness.ExitInconclusive || !strings.Contains(f.Reason, "streams.complete") {
		t.Errorf("exit %d: %s", f.Exit, f.Reason)
	}
}

// Whatever a record names, no sentence about it is longer than can be read.
func TestLongNamesMakeShortReasons(t *testing.T) {
	long := strings.Repeat("é", 1<<19)
	for what, spoil := range map[string]func(w *world){
		"cohort":   func(w *world) { w.rec.Streams[0].Cohorts = []string{long} },
		"workload": func(w *world) { w.rec.Streams[0].Workload = long },
		"place":    func(w *world) { w.rec.Places[0].Role = long },
		"load":     func(w *world) { w.rec.Scenario.Load[0].ID = long },
		"format":   func(w *world) { w.rec.Format = long },
		"probe":    func(w *world) { w.rec.Probes[0].Probe = long },
		"subject":  func(w *world) { w.rec.Probes[0].On = long },
		"node":     func(w *world) { w.rec.Ledger.Primary = long },
		"measure":  func(w *world) { w.rec.Scenario.Objectives[0].Measure = long },
		"channel":  func(w *world) { w.rec.Scenario.Objectives[0].Channel = long },
		"bound":    func(w *world) { w.rec.Scenario.Objectives[0].AtMost = long },
		"id":       func(w *world) { w.rec.Scenario.Objectives[0].ID = long },
	} {
		w := build(usual())
		w.rec.Streams[0].Cohorts = slices.Clone(w.rec.Streams[0].Cohorts)
		spoil(w)
		f, err := Judge(w.rec, w)
		must(t, err)
		for _, c := range f.Validity {
			if len(c.Detail) > maxWords+100 {
				t.Errorf("a long %s: the check %.40s says %d bytes", what, c.Name, len(c.Detail))
			}
		}
		for _, m := range f.Measurements {
			if len(m.Detail) > maxWords+100 {
				t.Errorf("a long %s: the measurement %.40s says %d bytes", what, m.Name, len(m.Detail))
			}
		}
		for _, o := range f.Objectives {
			if len(o.Reason) > 2*maxWords {
				t.Errorf("a long %s: an objective's reason has %d bytes", what, len(o.Reason))
			}
		}
		if len(f.Reason) > 1<<16 {
			t.Errorf("a long %s: the reason has %d bytes", what, len(f.Reason))
		}
	}
}
