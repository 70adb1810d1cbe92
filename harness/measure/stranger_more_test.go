package measure

import (
	"math/rand/v2"
	"os"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// worse are drills of replication, certificates and code that both implementations must find the same in. Each has one
// objective of each measure.
func worse() map[string]*world {
	worlds := map[string]*world{}
	for name, spoil := range map[string]func(w *world){
		"failed over": func(*world) {},
		"refused":     func(w *world) { stay(w); say(w, "failover.refused") },
		"log lies":    func(w *world) { say(w, "failover.refused") },
		"half":        func(w *world) { say(w, "promote.done") },
		"no log":      func(w *world) { w.rec.DecisionsErr = "HTTP 500" },
		"nobody looked": func(w *world) {
			stay(w)
			w.rec.Probes, w.rec.Ledger.Primary = nil, ""
		},
		"promoted": func(w *world) {
			for i := range w.answers[heartbeatOn] {
				if o := &w.answers[heartbeatOn][i]; o.At.Lo > at(faultLo+4*sec) {
					o.OK, o.Detail = false, "role=promoted: not in recovery"
				}
			}
		},
		"silent": func(w *world) {
			for i := range w.answers[heartbeatOn] {
				if o := &w.answers[heartbeatOn][i]; o.At.Lo > at(faultLo+4*sec) && o.At.Lo < at(faultLo+9*sec) {
					o.Reached, o.OK = false, false
				}
			}
		},
		"from another fault": func(w *world) {
			w.fault("replication.break", faultLo+3*sec, true)
			for i := range w.rec.Scenario.Objectives {
				w.rec.Scenario.Objectives[i].Fault = "replication.break"
			}
		},
		"from a fault nobody saw": func(w *world) {
			w.fault("replication.break", faultLo+3*sec, false)
			for i := range w.rec.Scenario.Objectives {
				w.rec.Scenario.Objectives[i].Fault = "replication.break"
			}
		},
		"after the first of two":  func(w *world) { w.second("first") },
		"under way at the second": func(w *world) { w.second("first"); w.straddle(secondLo, 30*ms) },
		"without a limit, under way": func(w *world) {
			w.second("first")
			w.rec.Scenario.Recovered.P99AtMost = 0
			w.straddle(secondLo, 1900*ms)
		},
		"under way at the undo": func(w *world) {
			w.straddle(undoLo, 30*ms)
			w.rec.Scenario.ObserveUndo, w.rec.Observation.Hi = harness.Duration(13*sec), at(undoLo)
		},
		"after the second of two": func(w *world) { w.second("second") },
		"no staleness":            func(w *world) { w.rec.Scenario.Objectives[6].StaleAfter = 0 },
		"no marker":               func(w *world) { w.answers[probeAnswers+" entry"] = w.answers[probeAnswers+" entry"][:10] },
		"load answers": func(w *world) {
			w.answerAs(idQueries, loadgen.WrongAnswer, faultLo+7*sec, 3)
			w.answerAs(idQueries, loadgen.ForeignAnswer, faultLo+9*sec, 5)
		},
		"any load":    func(w *world) { w.rec.Scenario.Objectives[6].Load = "" },
		"no question": func(w *world) { w.rec.Target.Questions, w.answers[probeAnswers+" entry"] = nil, nil },
	} {
		w := decidedWorld()
		rng := rand.New(rand.NewPCG(uint64(len(name)), 5)) //nolint:gosec // small
		var known []harness.Observation
		for n := range int64(50) {
			o := asked(2*sec+n*sec+rng.Int64N(300*ms), nil)
			switch rng.IntN(6) {
			case 0:
				older(o.Answer)
			case 1:
				o.Answer.Foreign = []string{"secret-1"}
			case 2:
				o = unanswered(o)
			}
			known = append(known, o, wrote(2*sec+n*sec+400*ms, n), asked(2*sec+n*sec+500*ms, shows(n-rng.Int64N(9))))
		}
		k := knowing(known...)
		w.rec.Target.Questions, w.answers[probeAnswers+" entry"] = k.rec.Target.Questions, k.answers[probeAnswers+" entry"]
		w.rec.Probes = append(w.rec.Probes, k.rec.Probes[len(k.rec.Probes)-1])
		w.ages(faultLo+sec, faultLo+12*sec)
		w.objectives(
			harness.Objective{Measure: MeasureRTO, Load: fileQueries, Cohort: "fresh", AtMost: "20s"},
			harness.Objective{Measure: MeasureRPOTime, Load: fileLedger, AtMost: "1h"},
			harness.Objective{Measure: MeasureExposure, AtMost: "1h"},
			harness.Objective{Measure: MeasureExposureLost, Load: fileLedger, AtMost: "10"},
			harness.Objective{Measure: MeasureExposureValue, Load: fileLedger, AtMost: "1.00"},
			harness.Objective{Measure: MeasureDecision, Is: "failed-over"},
			harness.Objective{Measure: MeasureWrong, Load: fileQueries, AtMost: "0", StaleAfter: harness.Duration(4 * sec)},
		)
		spoil(w)
		worlds[name] = w
	}
	return worlds
}

func TestStrangerAgreesOnTheOtherFaults(t *testing.T) {
	python := python(t)
	knowns := map[int]int{}
	for name, w := range worse() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w.store(t, dir)
			f, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
			must(t, err)
			theirs := ask(t, python, dir)
			for i, b := range []toldBounds{theirs.RTO, theirs.RPOTime, theirs.ExposureTime, theirs.ExposureLost, theirs.ExposureValue, {}, theirs.AnswersWrong} {
				m := f.Objectives[i].Measured
				if m.Name == MeasureDecision {
					b = toldBounds{Known: theirs.Decision.Known, Lo: &m.Lo, Hi: &m.Hi}
					if m.Known && m.Text != theirs.Decision.Text {
						t.Errorf("decision %q, the stranger says %q", m.Text, theirs.Decision.Text)
					}
				}
				if err := b.agrees(m); err != nil {
					t.Errorf("%s: %v", m.Name, err)
				}
				if m.Known {
					knowns[i]++
				}
			}
		})
	}
	for i := range 7 {
		if knowns[i] < 5 {
			t.Errorf("objective %d was known in %d drills: a poor test", i, knowns[i])
		}
	}
}
