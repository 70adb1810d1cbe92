package measure

import (
	"strings"
	"testing"

	"blackstart/harness"
)

// When the undo of a world begins that is observed under load, and when it and the watch after it end.
const (
	undoLo, undoHi, undoWatched = 42 * sec, 42*sec + 400*ms, 56 * sec
)

// undoneWorld is a drill whose undo leaves everybody without service for a time, from 100 ms after its begin.
func undoneWorld(down int64) *world {
	tr := usual()
	if down > 0 {
		tr.down[""] = append(tr.down[""], outage{undoLo + 100*ms, undoLo + 100*ms + down})
	}
	w := build(tr)
	w.rec.Scenario.Observe, w.rec.Scenario.ObserveUndo = harness.Duration(29*sec), harness.Duration(13*sec)
	w.rec.Observation.Hi = at(undoLo - ms)
	w.rec.Undo.At = harness.Interval{Lo: at(undoLo), Hi: at(undoHi)}
	w.rec.Undo.Watched = harness.Interval{Lo: at(undoLo), Hi: at(undoWatched)}
	return w
}

// An outage that the undo makes is measured in a window of its own, told, and not counted for the fault.
func TestAnOutageOfTheUndo(t *testing.T) {
	const down = 1500 * ms
	f := mustJudge(t, undoneWorld(down))
	if bad := firstFailing(f.Validity); bad != "" {
		t.Fatal(bad)
	}
	if m := f.Objectives[0].Measured; !m.Known || m.Lo > 4070*ms || m.Hi < 4070*ms || m.Hi-m.Lo > 60*ms {
		t.Errorf("RTO %+v, the truth is 4.07 s", m)
	}
	m := find(t, f, NameUndoOutage, fileQueries, cohortFresh)
	if truth := 100*ms + down; !m.Known || m.Lo > truth || m.Hi < truth || m.Hi-m.Lo > 60*ms {
		t.Errorf("outage of the undo %+v, the truth is %d", m, truth)
	}
	if n := find(t, f, NameUndoRequests, fileQueries, cohortFresh); !n.Known || n.Lo < 90 || n.Lo > 110 { // 67 a second
		t.Errorf("lost requests %+v", n)
	}
	if all := strings.Join(f.Exceptions, "; "); !strings.Contains(all, "the undo hurt fresh clients of queries: service was back ") {
		t.Errorf("exceptions: %s", all)
	}
	quiet := mustJudge(t, undoneWorld(0))
	if m := find(t, quiet, NameUndoOutage, fileQueries, cohortFresh); !m.Known || m.Hi != 0 {
		t.Errorf("nobody was hurt: %+v", m)
	}
	if strings.Contains(strings.Join(quiet.Exceptions, "; "), "the undo hurt") {
		t.Errorf("exceptions: %v", quiet.Exceptions)
	}
	dead := mustJudge(t, undoneWorld(3600*sec))
	if m := find(t, dead, NameUndoOutage, fileQueries, cohortFresh); !m.Unbounded || m.Lo != undoWatched-undoLo {
		t.Errorf("nobody came back: %+v", m)
	}
}

// A watch that was cut short is no watch.
func TestTheWatchOfTheUndoIsAsLongAsAsked(t *testing.T) {
	for why, spoil := range map[string]func(*world){
		"were not watched through the undo":           func(w *world) { w.rec.Undo.Watched = harness.Interval{} },
		"were watched for 12.6 s of 13 s after":       func(w *world) { w.rec.Undo.Watched.Hi = at(undoHi + 12600*ms) },
		"were not watched through the undo ":          func(w *world) { w.rec.Undo.Watched.Lo = w.rec.Observation.Hi - 1 },
		"did not run from the baseline to the end of": func(w *world) { w.rec.Undo.Watched.Hi = at(watchTo + 3*sec) },
	} {
		w := undoneWorld(0)
		spoil(w)
		f := mustJudge(t, w)
		if bad := firstFailing(f.Validity); f.Exit != harness.ExitInconclusive || !strings.Contains(bad+" ", why) {
			t.Errorf("exit %d, %q, want %q", f.Exit, bad, why)
		}
	}
	w := undoneWorld(0)
	w.rec.Status, w.rec.StatusReason = harness.Stopped, "interrupted"
	w.rec.Undo.Watched.Hi = at(undoHi + 5*sec)
	if f := mustJudge(t, w); f.Exit != harness.ExitStopped || f.Objectives[0].Verdict != harness.Pass {
		t.Errorf("stopped after the observation: exit %d, %s", f.Exit, f.Objectives[0].Reason)
	}
}
