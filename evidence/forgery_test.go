package evidence

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// TestAForgerWhoHoldsTheKeyIsFound: the signature is valid in every case; what is signed does not hold together.
func TestAForgerWhoHoldsTheKeyIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(t *testing.T, h *honest)
		named string // what must be named
	}{
		"a number in the findings": {func(t *testing.T, h *honest) {
			h.change(t, FindingsFile, func(b []byte) []byte { return bytes.Replace(b, []byte(`"hi": `), []byte(`"hi": 1`), 1) })
		}, FindingsFile},
		"the verdict": {func(t *testing.T, h *honest) {
			h.change(t, FindingsFile, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"verdict": "inconclusive"`), []byte(`"verdict": "pass"`), 1)
			})
		}, FindingsFile},
		"failed samples deleted and renumbered": {func(t *testing.T, h *honest) {
			writeSamples(t, h.path("data/samples/edge.bin"), uuid.MustParse(h.rec.RunID), h.rec.Anchor, withoutFailed(outage()))
		}, "data/samples/edge.bin"},
		"an event told differently, the chain made anew": {func(t *testing.T, h *honest) {
			h.change(t, seal.EventsFile, func(b []byte) []byte { return rechain(t, bytes.Replace(b, []byte("held"), []byte("hold"), 1)) })
		}, "data/checkpoints/end.note"},
		"the report of another drill": {func(t *testing.T, h *honest) {
			other := buildHonest(t, t.TempDir()) // another drill, with another run id
			h.change(t, finraReport, func([]byte) []byte {
				data, err := os.ReadFile(other.path(finraReport))
				if err != nil {
					t.Fatal(err)
				}
				return data
			})
		}, finraReport},
		"an unsigned update behind the signature in a report": {func(t *testing.T, h *honest) {
			h.change(t, icfrReport, func(b []byte) []byte { return append(b, []byte("\n% a comment\n%%EOF\n")...) })
		}, icfrReport},
		"the scenario": {func(t *testing.T, h *honest) {
			h.change(t, "data/as-run/scenario.yaml", func(b []byte) []byte { return append(b, '\n') })
		}, "data/as-run/scenario.yaml"},
		"who ran it, in the record": {func(t *testing.T, h *honest) {
			h.rec.Executor = "somebody else"
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"another baseline": {func(t *testing.T, h *honest) {
			h.rec.Baseline.Lo--
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"an alert that nobody received": {func(t *testing.T, h *honest) {
			h.rec.Arrivals = []harness.Arrival{{Channel: "pagerduty", Event: "trigger", At: h.rec.Started, Nonce: true, Accepted: true}}
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"an act that was not": {func(t *testing.T, h *honest) {
			h.rec.Acts = []harness.Act{{Kind: harness.ActInject, By: harness.ByHarness}}
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"it ended after it was signed": {func(t *testing.T, h *honest) {
			h.rec.Ended = h.rec.Ended.Add(time.Hour)
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"samples of another run": {func(t *testing.T, h *honest) {
			writeSamples(t, h.path("data/samples/edge.bin"), newID(t), h.rec.Anchor, outage())
			h.judgeAgain(t, madeSamples)
		}, "data/samples/edge.bin"},
		"a stream told twice": {func(t *testing.T, h *honest) {
			h.rec.Streams = append(h.rec.Streams, h.rec.Streams[0])
			h.change(t, RecordFile, func([]byte) []byte {
				data, err := marshal(h.rec)
				if err != nil {
					t.Fatal(err)
				}
				return data
			})
		}, RecordFile},
		"instructions that lead astray": {func(t *testing.T, h *honest) {
			h.change(t, "data/VERIFY.md", func(b []byte) []byte { return append(b, "\nrun this: …\n"...) })
		}, "data/VERIFY.md"},
		"a control that supports more": {func(t *testing.T, h *honest) {
			h.change(t, "data/controls.json", func(b []byte) []byte { return bytes.Replace(b, []byte("not addressed"), []byte("supports"), 1) })
		}, "data/controls.json"},
		"controls in another hand": {func(t *testing.T, h *honest) {
			h.change(t, "data/controls.json", func(b []byte) []byte { return append(b, '\n') })
		}, "data/controls.json"},
		"a file that no pack has": {func(t *testing.T, h *honest) {
			if err := writeFile(h.dir, "data/approval.txt", []byte("approved\n")); err != nil {
				t.Fatal(err)
			}
		}, "data/approval.txt"},
		"a report that says something else, signed with the key": {func(t *testing.T, h *honest) {
			told := *h.rec
			told.Profile = "told"
			s := Sealing{Dir: h.dir, record: &told, Redact: NewRedactor(), Identity: h.key.Identity}
			data, err := os.ReadFile(h.path(RecordFile))
			if err != nil {
				t.Fatal(err)
			}
			docs, _, err := render(&told, harness.Findings{Verdict: harness.Pass, Reason: "PASS"}, ReportSpecs(), nil, os.DirFS(h.dir), seal.Digest(data))
			if err != nil {
				t.Fatal(err)
			}
			h.change(t, finraReport, func([]byte) []byte {
				signed, err := s.signPDF(docs[finraReport])
				if err != nil {
					t.Fatal(err)
				}
				return signed
			})
		}, finraReport},
		"a fault that was not planned": {func(t *testing.T, h *honest) {
			h.rec.Faults = []harness.FaultRecord{{Plan: harness.Plan{Fault: harness.FaultSpec{Kind: "power.loss"}}}}
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"another target": {func(t *testing.T, h *honest) {
			h.rec.Target.Simulated = []string{"nothing"}
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"a decision that the target's log does not have": {func(t *testing.T, h *honest) {
			if err := writeFile(h.dir, "data/as-run/logs/controller"+auditSuffix, []byte("{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"started\"}\n")); err != nil {
				t.Fatal(err)
			}
			h.rec.Decisions = []harness.Decision{{At: h.rec.Started, Event: "failover.declared"}}
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"a stream of another load": {func(t *testing.T, h *honest) {
			h.rec.Scenario.Load = []harness.LoadSpec{{ID: "edge", Workload: "http.query", Place: "outside"}}
			h.judgeAgain(t, madeSamples)
		}, "data/samples/edge.bin"},
		"answers of another probe": {func(t *testing.T, h *honest) {
			const file = "data/observations/http.health-west.api.jsonl"
			line, err := json.Marshal(harness.Observation{Probe: "dns.answer", At: harness.Interval{Lo: 1, Hi: 2}})
			if err == nil {
				err = writeFile(h.dir, file, append(line, '\n'))
			}
			if err != nil {
				t.Fatal(err)
			}
			h.rec.Probes = []harness.ProbeSeries{{Probe: "http.health", On: "west.api", File: file, Count: 1}}
			h.judgeAgain(t, madeSamples)
		}, "data/observations/http.health-west.api.jsonl"},
		"writes on the old primary hidden": {func(t *testing.T, h *honest) {
			h.rec.Ledger.OldRead, h.rec.Ledger.OldOnly = true, 7
			h.judgeAgain(t, madeSamples)
		}, RecordFile},
		"a plot taken out": {func(t *testing.T, h *honest) {
			if err := os.Remove(h.path("data/plots/latency.csv")); err != nil {
				t.Fatal(err)
			}
		}, "data/plots/latency.csv"},
		"the inputs": {func(t *testing.T, h *honest) {
			h.change(t, seal.InputsFile, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"executor": "a forger"`), []byte(`"executor": "somebody else"`), 1)
			})
		}, seal.InputsFile},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := makeHonest(t)
			c.forge(t, h)
			checked := h.verify(t, h.reseal(t))
			for _, k := range checked.Failures() {
				if k.File == c.named {
					return
				}
			}
			t.Errorf("no failed check names %s: %v", c.named, checked.Failures())
		})
	}
}

// TestACarefulForgerEndsInconclusive: failed samples are deleted and everything derived is made anew. The signature and
// every digest hold; the due times do not follow from the schedule, so nothing can be judged any more.
func TestACarefulForgerEndsInconclusive(t *testing.T) {
	h := makeHonest(t)
	kept := withoutFailed(outage())
	writeSamples(t, h.path("data/samples/edge.bin"), uuid.MustParse(h.rec.RunID), h.rec.Anchor, kept)
	h.judgeAgain(t, len(kept))
	checked := h.verify(t, h.reseal(t))
	if checked.Recomputed == nil {
		t.Fatal("nothing was recomputed")
	}
	for _, v := range checked.Recomputed.Validity {
		if v.Name == "streams.complete" {
			if v.OK || checked.Recomputed.Verdict != harness.Inconclusive {
				t.Errorf("the deletion is not seen: %+v, verdict %s", v, checked.Recomputed.Verdict)
			}
			return
		}
	}
	t.Error("the schedule was not checked")
}

func withoutFailed(all []loadgen.Sample) []loadgen.Sample {
	var kept []loadgen.Sample
	for _, s := range all {
		if s.Outcome == loadgen.OK {
			s.Seq = uint64(len(kept))
			kept = append(kept, s)
		}
	}
	return kept
}

// rechain gives every line the digest of the one before, so that the chain holds again.
func rechain(t *testing.T, log []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	prev := ""
	for i, line := range strings.SplitAfter(strings.TrimSuffix(string(log), "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n") + "\n"
		if i > 0 {
			var head struct {
				Prev string `json:"prev"`
			}
			if err := json.Unmarshal([]byte(line), &head); err != nil {
				t.Fatal(err)
			}
			line = strings.Replace(line, head.Prev, prev, 1)
		}
		prev = seal.Digest([]byte(line))
		if _, err := io.WriteString(&out, line); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestTheDirectoryAndTheScenarioAreHeldAgainstTheRecord covers what no signature speaks of, and what only the caller can read.
func TestTheDirectoryAndTheScenarioAreHeldAgainstTheRecord(t *testing.T) {
	h := makeHonest(t)
	h.reseal(t)
	path := filepath.Join(t.TempDir(), "renamed.zip")
	if err := seal.WritePack(t.Context(), h.dir, "production-PASS", path); err != nil {
		t.Fatal(err)
	}
	if c := h.verify(t, path); c.Err() == nil || !strings.Contains(c.Err().Error(), "production-PASS") {
		t.Errorf("a renamed directory was accepted: %v", c.Err())
	}
	c, err := Verify(t.Context(), h.reseal(t), VerifyOptions{Roots: []*x509.Certificate{h.key.Root},
		Resolve: func([]ScenarioFile, string) (*harness.Scenario, error) {
			return &harness.Scenario{Kind: "another"}, nil
		}})
	if err != nil || c.Err() == nil || !strings.Contains(c.Err().Error(), "scenario.yaml") {
		t.Errorf("a record with another scenario than the pack's file was accepted: %v, %v", err, c.Err())
	}
}
