package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

const heartbeatOn = probeHeartbeat + " west.db"

// ages replaces the heartbeat's answers: one every 250 ms, each of 2 ms, whose age is that of a standby that has nothing newer
// than frozen from frozen to until (ns since the anchor).
func (w *world) ages(frozen, until int64) {
	all := w.answers[heartbeatOn]
	for i := range all {
		o := &all[i]
		o.At.Hi = o.At.Lo + harness.Stamp(2*ms)
		o.Detail = "role=standby"
		if t := int64(o.At.Hi - worldAnchor); t > frozen && int64(o.At.Lo-worldAnchor) < until {
			o.Value = t - frozen
		}
	}
}

func TestExposure(t *testing.T) {
	const frozen, until = faultLo + sec, faultLo + 11*sec
	broken := func(spoil func(w *world, all []harness.Observation)) *world {
		w := build(truth{seed: 1})
		w.ages(frozen, until)
		if spoil != nil {
			spoil(w, w.answers[heartbeatOn])
		}
		return w
	}
	promote := func(from int64) func(*world, []harness.Observation) {
		return func(_ *world, all []harness.Observation) {
			for i := range all {
				if all[i].At.Lo >= at(from) {
					all[i].OK, all[i].Detail = false, "role=promoted: not in recovery"
				}
			}
		}
	}
	for name, c := range map[string]struct {
		spoil func(w *world, all []harness.Observation)
		age   int64  // truth, ns; the measurement must hold it, and be no wider than half a second; 0: not known
		loss  int64  // truth: writes of the ledger, 250 a second
		why   string // it is not known
	}{
		"ten seconds": {nil, 10 * sec, 2500, ""},
		// What a promoted node keeps is no exposure, however old it grows.
		"promoted in between": {promote(frozen + 4*sec), 4 * sec, 1000, ""},
		"promoted at once":    {promote(0), 0, 0, "gave no answer in recovery"},
		"never answered": {func(_ *world, all []harness.Observation) {
			for i := range all {
				all[i] = harness.Observation{At: all[i].At}
			}
		}, 0, 0, "gave no answer in recovery"},
		"no probe":      {func(w *world, _ []harness.Observation) { w.rec.Probes = nil }, 0, 0, "no series of probe replication.heartbeat"},
		"not confirmed": {func(w *world, _ []harness.Observation) { w.rec.Faults[0].Confirmed = false }, 0, 0, "not confirmed"},
	} {
		w := broken(c.spoil)
		d := readDataset(w.rec, w)
		fault, err := d.moment(origin{})
		age := d.exposure(MeasureExposure, "", fault, err)
		lost := d.exposure(MeasureExposureLost, fileLedger, fault, err)
		value := d.exposure(MeasureExposureValue, fileLedger, fault, err)
		if c.age == 0 {
			for _, m := range []harness.Measurement{age, lost, value} {
				if m.Known || m.Lo != 0 || m.Hi != 0 || !strings.Contains(m.Detail, c.why) {
					t.Errorf("%s: %+v, want not known: %s", name, m, c.why)
				}
			}
			continue
		}
		if !age.Known || age.Unit != harness.UnitNS || age.Lo > c.age || age.Hi < c.age || age.Hi-age.Lo > sec/2+4*ms {
			t.Errorf("%s: age %+v, truth %d", name, age, c.age)
		}
		if !lost.Known || lost.Lo > c.loss || lost.Hi < c.loss || lost.Hi-lost.Lo > 200 || lost.Lo == 0 || lost.Lo > c.loss-60 {
			t.Errorf("%s: writes %+v, truth %d", name, lost, c.loss)
		}
		if value.Lo != lost.Lo*10_000 || value.Hi != lost.Hi*10_000 || value.Unit != harness.UnitMinor {
			t.Errorf("%s: value %+v of %+v", name, value, lost)
		}
	}
}

// What nobody saw can only widen the bounds: an answer that is missing at the worst moment does not make it better.
func TestExposureOfASilentProbe(t *testing.T) {
	const frozen, until = faultLo + sec, faultLo + 11*sec
	w := build(truth{seed: 1})
	w.ages(frozen, until)
	all := w.answers[heartbeatOn]
	for i := range all {
		if all[i].At.Lo > at(frozen+6*sec) && all[i].At.Lo < at(until+sec) {
			all[i].Reached, all[i].OK = false, false
		}
	}
	d := readDataset(w.rec, w)
	m := d.exposure(MeasureExposure, "", d.tf, nil)
	if m.Lo < 5700*ms || m.Lo > 6*sec || m.Hi < 10*sec {
		t.Errorf("%+v", m)
	}
	if v := Compare(m, 8*sec); v != harness.Inconclusive {
		t.Errorf("within 8 s: %s", v)
	}
}

func TestExposureNeedsALedger(t *testing.T) {
	w := build(usual())
	w.ages(faultLo, faultLo+sec)
	d := readDataset(w.rec, w)
	if m := d.exposure(MeasureExposureLost, fileQueries, d.tf, nil); m.Known || !strings.Contains(m.Detail, `no ledger of load "queries"`) {
		t.Errorf("%+v", m)
	}
	for id := range w.attempts {
		for i := range w.attempts[id] {
			w.attempts[id][i].Outcome = loadgen.AttemptUnknown
		}
	}
	d = readDataset(w.rec, w)
	if m := d.exposure(MeasureExposureValue, fileLedger, d.tf, nil); m.Known || !strings.Contains(m.Detail, "nothing to lose") {
		t.Errorf("%+v", m)
	}
}

func TestCatchup(t *testing.T) {
	const frozen, until = faultLo + sec, faultLo + 14*sec // the link is back at 11 s, its data is young 3 s later
	undone := harness.Interval{Lo: at(faultLo + 11*sec), Hi: at(faultLo + 11*sec + 4*ms)}
	for name, c := range map[string]struct {
		spoil func(w *world)
		lo    int64 // ns, ± half a second; -1: never; -2: not known
		why   string
	}{
		"three seconds": {nil, 3 * sec, "at most 1 s old"},
		"named":         {func(w *world) { w.rec.Scenario.Objectives[0].Fault = "region.partition" }, 3 * sec, ""},
		"never":         {func(w *world) { w.ages(frozen, watchTo+2*sec) }, -1, "at the end of observation"},
		"old again":     {func(w *world) { w.ages(faultLo+30*sec, faultLo+36*sec) }, 25 * sec, ""},
		"never old": {func(w *world) {
			for i := range w.answers[heartbeatOn] {
				w.answers[heartbeatOn][i].Value = 40 * ms
			}
		}, 0, ""},
		"silent in between": {func(w *world) {
			for i := range w.answers[heartbeatOn] {
				if o := &w.answers[heartbeatOn][i]; o.At.Lo > at(faultLo+20*sec) && o.At.Lo < at(faultLo+20*sec+300*ms) {
					o.OK, o.Value, o.Detail = false, 10*sec, "role=promoted"
				}
			}
		}, -3, ""},
		"old after the end": {func(w *world) {
			w.ages(watchTo, watchTo+2*sec)
			w.answers[heartbeatOn][len(w.answers[heartbeatOn])-1].Value = 30 * sec
		}, 3 * sec, ""},
		"no heartbeat row": {func(w *world) {
			for i := range w.answers[heartbeatOn] {
				if o := &w.answers[heartbeatOn][i]; o.At.Lo > at(faultLo+20*sec) {
					o.OK, o.Value, o.Detail = false, 0, "no heartbeat row"
				}
			}
		}, -1, ""},
		"promoted": {func(w *world) {
			for i := range w.answers[heartbeatOn] {
				w.answers[heartbeatOn][i].Detail = "role=promoted"
			}
		}, -1, "or it gave no answer"},
		"undone at the end": {func(w *world) { w.rec.Faults[0].Undone = harness.Interval{Lo: at(watchTo + 1), Hi: at(watchTo + 2)} }, -2, "not taken back while clients were watched"},
		"not undone":        {func(w *world) { w.rec.Faults[0].Undone = harness.Interval{} }, -2, "not taken back"},
		"no limit":          {func(w *world) { w.rec.Scenario.SteadyState.Require = nil }, -2, "how old"},
		"no probe":          {func(w *world) { w.rec.Probes = nil }, -2, "no series"},
		"another fault":     {func(w *world) { w.rec.Scenario.Objectives[0].Fault = "link.cut" }, -2, "not done"},
		"not asked":         {func(w *world) { w.answers[heartbeatOn] = w.answers[heartbeatOn][:40] }, -2, "not asked"},
	} {
		w := build(usual())
		w.ages(frozen, until)
		w.rec.Faults[0].Undone = undone
		w.objectives(harness.Objective{Measure: MeasureCatchup, AtMost: "5s"})
		if c.spoil != nil {
			c.spoil(w)
		}
		f := readDataset(w.rec, w).finding(w.rec.Scenario.Objectives[0])
		m := f.Measured
		var ok bool
		switch c.lo {
		case -1:
			ok = m.Known && m.Unbounded && m.Lo == int64(at(watchTo)-undone.Hi) && f.Verdict == harness.Fail && strings.Contains(f.Reason, "has not caught up: at least")
		case -2:
			ok = !m.Known && f.Verdict == harness.Inconclusive
		case -3: // proved only after the silence, but known to be no earlier than the last old answer
			ok = m.Known && m.Lo < 3*sec && m.Hi > 9*sec && f.Verdict == harness.Inconclusive
		default:
			ok = m.Known && !m.Unbounded && m.Lo <= c.lo && m.Hi >= c.lo && m.Hi-m.Lo < 600*ms
		}
		if !ok || !strings.Contains(m.Detail, c.why) {
			t.Errorf("%s: %s %+v: %s", name, f.Verdict, m, f.Reason)
		}
	}
}
