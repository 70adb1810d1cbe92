package measure

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"blackstart/harness"
)

// looked is a world that was only looked at: its scenario has a fault and objectives, and nothing was broken.
func looked(change func(*truth), left ...harness.LeftOut) *world {
	t := truth{null: true, seed: 5}
	if change != nil {
		change(&t)
	}
	w := build(t)
	w.rec.Scenario = worldScenario()
	w.rec.ObserveOnly = &harness.ObserveOnly{LeftOut: append(harness.NotDone(w.rec.Scenario), left...)}
	return w
}

// without takes a load's streams out, as of one that did not run.
func (w *world) without(load string) {
	w.rec.Streams = slices.DeleteFunc(w.rec.Streams, func(s harness.Stream) bool { return s.Load == load })
}

// TestAnObservationIsNeverAPass: whatever it saw, nothing was proved. Its reason says what did not hold.
func TestAnObservationIsNeverAPass(t *testing.T) {
	ledger := harness.LeftOut{What: harness.LeftLoad, Name: fileLedger, Kind: "postgres.ledger", Why: "it writes there, and allows does not list ledger"}
	isolated := ledger
	isolated.Name = fileWrites
	beat := harness.LeftOut{What: harness.LeftProbe, Kind: "replication.heartbeat", Why: "it would write"}
	for name, c := range map[string]struct {
		w      *world
		change func(*world)
		exit   int
		reason string // how it begins
	}{
		"quiet": {looked(nil), nil, harness.ExitInconclusive, "INCONCLUSIVE: observed only: nothing was broken, so this is no drill and passes nothing; the steady state held, in its window of 10 s and for 45 s after it"},
		"ill while it was watched": {looked(func(tr *truth) { tr.down = map[string][]outage{"": {{20 * sec, 25 * sec}}} }), nil, harness.ExitInconclusive,
			"INCONCLUSIVE: observed only: watched.load.queries: "},
		"slow while it was watched": {looked(func(tr *truth) { tr.slow, tr.slowBy = []outage{{20 * sec, 25 * sec}}, 700*ms }), nil, harness.ExitInconclusive,
			"INCONCLUSIVE: observed only: watched.load.queries: "},
		"ill before that": {looked(func(tr *truth) { tr.down = map[string][]outage{"": {{4 * sec, 6 * sec}}} }), nil, harness.ExitInconclusive,
			"INCONCLUSIVE: observed only: baseline.load.queries: "},
		"unsteady": {looked(nil), func(w *world) {
			w.rec.Status, w.rec.StatusReason = harness.Unsteady, "the steady state did not hold: load queries"
		}, harness.ExitInconclusive, "INCONCLUSIVE: observed only: the steady state did not hold: load queries"},
		"a guard": {looked(nil), func(w *world) {
			w.rec.Status, w.rec.StatusReason = harness.Stopped, "a guard stopped the drill: served has been failing for 2s"
		}, harness.ExitStopped, "STOPPED: a guard stopped the drill: served has been failing for 2s; observed only: nothing was broken"},
		"an error": {looked(nil), func(w *world) { w.rec.Status, w.rec.StatusReason = harness.Broken, "disk full" }, harness.ExitHarness, "ERROR: the observation did not end: disk full"},
		"loads left out": {looked(nil, ledger, isolated), func(w *world) { w.without(fileLedger); w.without(fileWrites) }, harness.ExitInconclusive,
			"INCONCLUSIVE: observed only: nothing was broken, so"},
		"a load that was left out ran": {looked(nil, ledger), nil, harness.ExitInconclusive, "INCONCLUSIVE: observed only: nothing.broken: load ledger was left out, and has a stream"},
		"a load that ran is gone":      {looked(nil), func(w *world) { w.without(fileLedger) }, harness.ExitInconclusive, "INCONCLUSIVE: observed only: streams.complete: load ledger"},
		"a requirement left out":       {looked(nil, beat), nil, harness.ExitInconclusive, "INCONCLUSIVE: observed only: baseline.probe.replication.heartbeat: left out: it would write"},
		"something was broken":         {looked(nil), func(w *world) { w.rec.Faults = worldRecord().Faults }, harness.ExitInconclusive, "INCONCLUSIVE: observed only: nothing.broken: the record has 1 faults"},
		"people were asked":            {looked(nil), func(w *world) { w.rec.People = make([]harness.PersonRecord, 2) }, harness.ExitInconclusive, "INCONCLUSIVE: observed only: nothing.broken: people were asked for 2 things"},
		"nobody watched":               {looked(nil), func(w *world) { w.rec.Observation.Hi = at(20 * sec) }, harness.ExitInconclusive, "INCONCLUSIVE: observed only: " + observedCheck},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change != nil {
				c.change(c.w)
			}
			f := mustJudge(t, c.w)
			if f.Verdict != harness.Inconclusive || f.Exit != c.exit || !strings.HasPrefix(f.Reason, c.reason) {
				t.Errorf("%s, exit %d, %q\nwant exit %d, %q", f.Verdict, f.Exit, f.Reason, c.exit, c.reason)
			}
			if len(f.Objectives) != len(c.w.rec.Scenario.Objectives) {
				t.Errorf("%d objectives", len(f.Objectives))
			}
			for _, o := range f.Objectives {
				if o.Measured.Known || o.Verdict != harness.Inconclusive || !strings.Contains(o.Reason, "not put to the test: observed only") {
					t.Errorf("%+v", o)
				}
			}
			for _, m := range f.Measurements {
				if r := RowOf(m.Name); r.Find != nil || strings.HasPrefix(m.Name, "rto") || strings.HasPrefix(m.Name, "rpo") {
					t.Errorf("an observation measures %s", m.Name)
				}
			}
		})
	}
}

// TestAnObservationWithoutALoad: all that could write is left out, and the probes are asked all the same.
func TestAnObservationWithoutALoad(t *testing.T) {
	var left []harness.LeftOut
	for _, l := range worldScenario().Load {
		left = append(left, harness.LeftOut{What: harness.LeftLoad, Name: l.ID, Kind: l.Workload, Why: "it may write"})
	}
	w := looked(nil, left...)
	w.rec.Streams = nil
	w.rec.Scenario.SteadyState.Require = w.rec.Scenario.SteadyState.Require[1:]
	if f := mustJudge(t, w); !strings.HasPrefix(f.Reason, "INCONCLUSIVE: observed only: nothing was broken, so") {
		t.Errorf("%q", f.Reason)
	}
	w.answers["replication.heartbeat west.db"][100].Value = 5 * sec
	if f := mustJudge(t, w); !strings.HasPrefix(f.Reason, "INCONCLUSIVE: observed only: watched.probe.replication.heartbeat: ") {
		t.Errorf("%q", f.Reason)
	}
	w.rec.ObserveOnly.LeftOut = append(w.rec.ObserveOnly.LeftOut, harness.LeftOut{What: harness.LeftProbe, Kind: "replication.heartbeat", Why: "it would write"})
	f := mustJudge(t, w)
	if !slices.ContainsFunc(f.Validity, func(c harness.ValidityCheck) bool {
		return c.Name == "baseline.length" && !c.OK && strings.Contains(c.Detail, "all that the steady state requires was left out")
	}) {
		t.Errorf("%+v", f.Validity)
	}
}

// TestAnObservationSaysWhatIsMissing: acknowledged writes that are gone are no recovery point, and are told.
func TestAnObservationSaysWhatIsMissing(t *testing.T) {
	w := looked(nil)
	for i := range w.attempts[idLedger][:3] {
		w.attempts[idLedger][i].New = 0
	}
	if f := mustJudge(t, w); !slices.ContainsFunc(f.Exceptions, func(e string) bool {
		return strings.Contains(e, "acknowledged writes are missing, and nothing was broken")
	}) {
		t.Errorf("%q", f.Exceptions)
	}
}

// TestAStrangerReadsAnObservation: who knows the format alone finds that it is no drill, and no value of anything.
func TestAStrangerReadsAnObservation(t *testing.T) {
	dir := t.TempDir()
	w := looked(nil)
	w.store(t, dir)
	out, err := exec.Command(python(t), strangerPath, dir).Output()
	must(t, err)
	var got struct {
		told
		Observed bool     `json:"observed_only"`
		LeftOut  []string `json:"left_out"`
	}
	must(t, json.Unmarshal(out, &got))
	if !got.Observed || got.RTO.Known || got.RPOTime.Known || got.ExposureTime.Known || got.Decision.Known || got.Lost != nil || !slices.Equal(got.LeftOut, []string{"fault region.partition"}) {
		t.Errorf("%s", out)
	}
}
