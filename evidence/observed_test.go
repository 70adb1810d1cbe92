package evidence

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/evidence/facts"
	"blackstart/evidence/seal"
	"blackstart/harness"
)

// onlyObserved is an honest pack of a run in which nothing was broken: of its two loads one was left out, and its fault.
func onlyObserved(t *testing.T) *honest {
	t.Helper()
	dir := t.TempDir()
	load := harness.LeftOut{What: harness.LeftLoad, Name: "orders", Kind: "http.request", Why: "what it sends may write there"}
	h, j := recorded(t, dir, func(in *Inputs) { in.ObserveOnly = true })
	h.rec.Scenario.Faults = []harness.FaultSpec{{ID: "loss", Kind: harness.FaultManual, On: harness.Primary, StartsClock: true}}
	h.rec.Scenario.Objectives = []harness.Objective{{ID: "back", Measure: "rto", Load: "edge", Cohort: "fresh", AtMost: "5s", Source: "BCP 4.2"}}
	perSecond := harness.Rate{Count: 100, Per: time.Second}
	h.rec.Scenario.Load = []harness.LoadSpec{{ID: "edge", Workload: "metronome", Place: harness.Outside, Rate: perSecond, Timeout: harness.Duration(time.Second)},
		{ID: "orders", Workload: "http.request", Place: harness.Outside, Rate: perSecond, Timeout: harness.Duration(time.Second)}}
	h.rec.ObserveOnly = &harness.ObserveOnly{LeftOut: append(harness.NotDone(h.rec.Scenario), load)}
	for _, l := range h.rec.ObserveOnly.LeftOut {
		if err := j.Append(harness.Event{Kind: "observe.left-out", At: h.rec.Baseline, Text: l.String(), Detail: map[string]string{"what": l.What, "name": l.Name, "kind": l.Kind, "why": l.Why}}); err != nil {
			t.Fatal(err)
		}
	}
	h.bindAndSeal(t, dir, j)
	if c := h.verify(t, filepath.Join(dir, "honest.zip")); c.Err() != nil {
		t.Fatalf("the honest pack is refused: %v", c.Err())
	}
	return h
}

// TestAnObservationIsNotToldAsADrill: whoever holds the key of a pack cannot make a drill of an observation, nor of a drill an
// observation whose bad end does not count.
func TestAnObservationIsNotToldAsADrill(t *testing.T) {
	for name, c := range map[string]struct {
		drill bool // the honest pack is one of a drill
		forge func(t *testing.T, h *honest)
		words string // in the detail of a failed check
	}{
		"a drill after all": {false, func(_ *testing.T, h *honest) { h.rec.ObserveOnly = nil }, "whether it was to observe only"},
		"a drill in the inputs, too": {false, func(t *testing.T, h *honest) {
			h.rec.ObserveOnly = nil
			h.change(t, seal.InputsFile, func(b []byte) []byte { return []byte(strings.Replace(string(b), " \"observe_only\": true,\n", "", 1)) })
			data, err := os.ReadFile(h.path(seal.InputsFile))
			if err != nil {
				t.Fatal(err)
			}
			h.rec.Inputs = seal.Digest(data)
		}, ""}, // the log begins with another digest
		"a drill that was only observed": {true, func(_ *testing.T, h *honest) { h.rec.ObserveOnly = &harness.ObserveOnly{LeftOut: []harness.LeftOut{}} }, "whether it was to observe only"},
		"nothing was left out":           {false, func(_ *testing.T, h *honest) { h.rec.ObserveOnly.LeftOut = nil }, "things that were left out"},
		"another reason":                 {false, func(_ *testing.T, h *honest) { h.rec.ObserveOnly.LeftOut[1].Why = "as agreed" }, "or of others"},
		"a load was left out that ran":   {false, func(_ *testing.T, h *honest) { h.rec.ObserveOnly.LeftOut[1].Name = "edge" }, "load edge is none of it"},
		"another fault":                  {false, func(_ *testing.T, h *honest) { h.rec.Scenario.Faults[0].Kind = "region.kill" }, "does not say that fault loss"},
		"a fault was broken": {false, func(_ *testing.T, h *honest) {
			h.rec.Faults = []harness.FaultRecord{{Plan: harness.Plan{Fault: h.rec.Scenario.Faults[0]}}}
		}, "something was broken"},
		"a fault was planned": {false, func(t *testing.T, h *honest) {
			plan, err := json.Marshal([]harness.Plan{{}})
			if err != nil {
				t.Fatal(err)
			}
			h.change(t, planFile, func([]byte) []byte { return append(plan, '\n') })
		}, "1 faults were planned"},
		"it fenced": {false, func(_ *testing.T, h *honest) { h.rec.Undo = harness.UndoRecord{Fenced: true, FencedBy: "harness"} }, "fenced"},
		"an act that breaks": {false, func(_ *testing.T, h *honest) {
			h.rec.Acts[4].Kind = harness.ActInject
		}, "is not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := onlyObserved(t)
			if c.drill {
				h = makeHonest(t)
			}
			c.forge(t, h)
			h.retell(t)
			checked := h.verify(t, h.reseal(t))
			for _, k := range checked.Failures() {
				if strings.Contains(k.Detail, c.words) {
					return
				}
			}
			t.Errorf("no failed check says %q: %v", c.words, checked.Failures())
		})
	}
}

// TestTheReportOfAnObservationSaysSo: on its first page, without a value of any objective, and no clause of a framework is supported,
// whatever environment it was in.
func TestTheReportOfAnObservationSaysSo(t *testing.T) {
	h := onlyObserved(t)
	h.rec.Environment = harness.Production
	findings, _, err := (&Sealing{Dir: h.dir, Redact: NewRedactor(), Identity: h.key.Identity, Progress: func(string) {}}).judge()
	if err != nil {
		t.Fatal(err)
	}
	docs, _, err := render(h.rec, findings, ReportSpecs(), nil, os.DirFS(h.dir), "9f86d081")
	if err != nil {
		t.Fatal(err)
	}
	for report, doc := range docs {
		first := firstPage(t, doc.PDF, "observed-"+filepath.Base(report))
		for _, want := range []string{"observed only: nothing was broken. this is no drill and passes nothing", "has no rto and no rpo", "observation: no drill", "observed_only=yes",
			"what was done: nothing was broken", "value=unknown"} {
			if !strings.Contains(first, want) {
				t.Errorf("%s: the first page does not say %q\n%s", report, want, first)
			}
		}
		if strings.Contains(first, "what users felt") {
			t.Errorf("%s: the first page tells what users felt", report)
		}
	}
	drill := facts.Coverage(h.rec, findings)
	for _, r := range ReportSpecs() {
		rows, err := controlRows(r.Framework, drill)
		if drill.Rehearsal || err != nil || wellFormed(rows, true) != nil {
			t.Errorf("an observation supports a clause of %s, %v", r.Framework, err)
		}
	}
	if info := BagInfo(h.rec); !strings.Contains(info.Description, "observed only: no drill") {
		t.Errorf("%+v", info)
	}
}
