package measure

import (
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// fault adds a fault that came into force at lo (ns since the anchor), 15 ms wide, to a world.
func (w *world) fault(kind string, lo int64, confirmed bool) *harness.FaultRecord {
	spec := harness.FaultSpec{Kind: kind, On: "standby", At: harness.Duration(lo - baseTo)}
	w.rec.Scenario.Faults = append(w.rec.Scenario.Faults, spec)
	w.rec.Faults = append(w.rec.Faults, harness.FaultRecord{
		Plan: harness.Plan{Fault: spec}, Do: harness.Interval{Lo: at(lo), Hi: at(lo + 5*ms)},
		InForce: harness.Interval{Lo: at(lo), Hi: at(lo + 15*ms)}, Confirmed: confirmed, Restored: true,
	})
	return &w.rec.Faults[len(w.rec.Faults)-1]
}

// objectives replaces the objectives of a world.
func (w *world) objectives(all ...harness.Objective) {
	for i := range all {
		all[i].ID, all[i].Source = "it", "S 1"
	}
	w.rec.Scenario.Objectives = all
}

func TestObjectivesCountFromTheFaultTheyName(t *testing.T) {
	w := build(usual())
	w.fault("certificate.expire", faultLo+9*sec, true)
	w.fault("certificate.expire", faultLo+2*sec, true)
	w.fault("code.stale", faultLo+sec, false)
	w.objectives(
		harness.Objective{Measure: MeasureAlert, Channel: "pagerduty", AtMost: "2s"},
		harness.Objective{Measure: MeasureAlert, Channel: "pagerduty", AtMost: "2s", Fault: "certificate.expire"},
		harness.Objective{Measure: MeasureAlert, Channel: "pagerduty", AtMost: "2s", Fault: "code.stale"},
		harness.Objective{Measure: MeasureAlert, Channel: "pagerduty", AtMost: "2s", Fault: "link.cut"},
		harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", AtMost: "20s", Fault: "certificate.expire"},
		harness.Objective{Measure: MeasureRPOTime, Load: fileLedger, AtMost: "20s", Fault: "code.stale"},
	)
	d := readDataset(w.rec, w)
	for i, want := range []struct {
		lo, hi int64
		detail string // of what is not known
	}{
		{3085 * ms, 3100 * ms, ""}, {1085 * ms, 1100 * ms, ""}, {0, 0, "code.stale was not confirmed"}, {0, 0, "link.cut, which was not done"},
		{2035 * ms, 2080 * ms, ""}, {0, 0, "code.stale was not confirmed"},
	} {
		m := d.measured(w.rec.Scenario.Objectives[i])
		near := m.Lo >= want.lo-20*ms && m.Lo <= want.lo+20*ms && m.Hi >= want.hi-20*ms && m.Hi <= want.hi+20*ms
		if m.Known != (want.detail == "") || m.Known && !near || !m.Known && !strings.Contains(m.Detail, want.detail) {
			t.Errorf("objective %d: %+v, want [%d, %d] %q", i, m, want.lo, want.hi, want.detail)
		}
	}
}

// Alerts of an earlier fault are not too early, and a fault that was to end must have ended.
func TestSeveralFaultsAreValid(t *testing.T) {
	several := func(spoil func(w *world, f *harness.FaultRecord)) *world {
		w := build(usual())
		w.rec.Faults[0].Plan.Fault.At = harness.Duration(2 * sec)
		w.rec.Scenario.Faults[0].At = harness.Duration(2 * sec)
		w.rec.Faults[0].InForce = harness.Interval{Lo: at(faultLo + 2*sec), Hi: at(faultHi + 2*sec)}
		f := w.fault("replication.break", faultLo, true)
		f.Plan.Fault.For = harness.Duration(sec)
		w.rec.Scenario.Faults[1].For = harness.Duration(sec)
		f.Undone = harness.Interval{Lo: at(faultLo + sec), Hi: at(faultLo + sec + 3*ms)}
		w.rec.Arrivals = append(w.rec.Arrivals, harness.Arrival{Channel: "pagerduty", At: at(faultLo + sec), Nonce: true, Accepted: true, Event: "trigger"})
		if spoil != nil {
			spoil(w, f)
		}
		return w
	}
	for name, c := range map[string]struct {
		spoil func(w *world, f *harness.FaultRecord)
		why   string // "": everything is valid
	}{
		"undone": {nil, ""},
		"an alert before any fault": {func(w *world, _ *harness.FaultRecord) {
			w.rec.Arrivals[1].At = at(faultLo - ms)
		}, "not silent"},
		"undone with all others": {func(w *world, f *harness.FaultRecord) {
			f.Undone = harness.Interval{Lo: at(watchTo + sec), Hi: at(watchTo + 2*sec)}
		}, "was to last 1 s, and was not taken back"},
		"never undone": {func(_ *world, f *harness.FaultRecord) { f.Undone = harness.Interval{} }, "was to last 1 s"},
		"not seen":     {func(_ *world, f *harness.FaultRecord) { f.Confirmed, f.Detail = false, "slot in use" }, "slot in use"},
	} {
		w := several(c.spoil)
		checks := readDataset(w.rec, w).validity()
		i := slices.IndexFunc(checks, func(v harness.ValidityCheck) bool { return !v.OK })
		if i >= 0 != (c.why != "") || i >= 0 && !strings.Contains(checks[i].Detail, c.why) {
			t.Errorf("%s: check %d fails of %+v, want %q", name, i, checks, c.why)
		}
	}
}
