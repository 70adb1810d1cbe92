package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// cutAt ends the drill early, so many ns after the fault.
func (w *world) cutAt(after int64) {
	w.rec.Status, w.rec.StatusReason = harness.Stopped, "guard http.health"
	w.rec.Observation.Hi = at(faultLo + after)
}

func TestStoppedKeepsWhatFailedBeyondDoubt(t *testing.T) {
	slow := truth{down: map[string][]outage{"": {{faultLo + 7*ms, watchTo + 9*sec}}}, loss: 40, seed: 1}
	for name, c := range map[string]struct {
		truth    truth
		change   func(w *world)
		verdict  harness.Verdict
		verdicts string // of rto, rpo, lost, page, by their first letters
		says     string
	}{
		"nothing failed yet": {usual(), func(w *world) { w.cutAt(10 * sec) }, harness.Inconclusive, "iiii", "STOPPED: guard http.health"},
		"down for too long":  {slow, func(w *world) { w.cutAt(30 * sec) }, harness.Fail, "fifi", "failed before that: rto: not recovered: at least 29.9 s"},
		"down, not for long": {slow, func(w *world) { w.cutAt(15 * sec) }, harness.Fail, "iifi", "failed before that: lost: 40"},
		"watched to the end": {usual(), func(w *world) { w.rec.Status = harness.Stopped }, harness.Inconclusive, "pppp", "STOPPED"},
		"not valid":          {slow, func(w *world) { w.cutAt(30 * sec); w.rec.Clock = nil }, harness.Inconclusive, "iiii", "STOPPED"},
	} {
		w := build(c.truth)
		c.change(w)
		f := mustJudge(t, w)
		got := ""
		for _, o := range f.Objectives {
			got += o.Verdict.String()[:1]
		}
		if f.Exit != harness.ExitStopped || f.Verdict != c.verdict || got != c.verdicts || !strings.Contains(f.Reason, c.says) {
			t.Errorf("%s: exit %d, %s %s, %q; want %s %s, %q", name, f.Exit, f.Verdict, got, f.Reason, c.verdict, c.verdicts, c.says)
		}
		if got == "iiii" && !strings.Contains(f.Objectives[0].Reason, "not judged: ") {
			t.Errorf("%s: %s", name, f.Objectives[0].Reason)
		}
	}
}

// What a target decided can still change while a drill runs.
func TestStoppedKeepsNoDecision(t *testing.T) {
	w := decidedWorld()
	w.objectives(harness.Objective{Measure: MeasureDecision, Is: "refused"})
	w.rec.Status = harness.Stopped
	if f := mustJudge(t, w); f.Verdict != harness.Fail {
		t.Errorf("watched to the end: %s: %s", f.Verdict, f.Reason)
	}
	w.cutAt(30 * sec)
	if f := mustJudge(t, w); f.Verdict != harness.Inconclusive || f.Objectives[0].Verdict != harness.Inconclusive {
		t.Errorf("cut short: %s: %s", f.Verdict, f.Reason)
	}
}

// An interrupted drill has no value and no number that could be taken for a result, whatever its files would give.
func TestInterruptedHasNoResult(t *testing.T) {
	tr := usual()
	tr.loss = 40
	tr.isolated = true
	w := build(tr)
	w.rec.Status, w.rec.StatusReason = harness.Interrupted, "the process was killed during watch"
	f := mustJudge(t, w)
	if f.Exit != harness.ExitStopped || f.Verdict != harness.Inconclusive || f.Reason != "INTERRUPTED: the process was killed during watch; the last phase that it finished was baseline" {
		t.Errorf("exit %d, %s: %q", f.Exit, f.Verdict, f.Reason)
	}
	if len(f.Objectives) != 4 || len(f.Measurements) > 0 || len(f.Ledger) > 0 || len(f.Exceptions) > 0 || strings.ContainsAny(f.LedgerNote, "0123456789") {
		t.Errorf("%+v", f)
	}
	for _, o := range f.Objectives {
		if o.Verdict != harness.Inconclusive || o.Measured.Known || o.Measured.Lo != 0 || o.Measured.Hi != 0 || !strings.Contains(o.Reason, "interrupted: the process was killed during watch") {
			t.Errorf("%+v", o)
		}
	}
	if len(f.Validity) != 1 || f.Validity[0].OK {
		t.Errorf("validity %+v", f.Validity)
	}
	w.rec.Acts = nil
	if f := mustJudge(t, w); !strings.Contains(f.Reason, "it had finished no phase") {
		t.Error(f.Reason)
	}
	w.rec.Undo.Complete = false
	if f := mustJudge(t, w); f.Exit != harness.ExitUndo || !strings.HasPrefix(f.Reason, "UNDO INCOMPLETE") {
		t.Errorf("exit %d: %s", f.Exit, f.Reason)
	}
}
