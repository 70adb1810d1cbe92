package evidence

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/loadgen"
)

// honest is a small sealed pack, unpacked, with the key that sealed it: what a forger who holds the key works with.
type honest struct {
	dir string // root of the bag, without what the seal adds
	key *seal.Throwaway
	rec *harness.Record
}

// The reports of the honest pack.
const (
	finraReport = "data/report-finra-4370.pdf"
	icfrReport  = "data/report-icfr.pdf"
)

const (
	madeSamples = 600
	failedFrom  = 200 // samples that failed, as in an outage
	failedTo    = 320
)

// template is the pack that makeHonest copies: laying reports out takes a second, and every forgery begins with the same.
var template struct {
	once sync.Once
	h    *honest
}

// makeHonest gives a pack of its own to a forgery.
func makeHonest(t *testing.T) *honest {
	t.Helper()
	template.once.Do(func() {
		dir, err := os.MkdirTemp("", "blackstart-honest-") // outlives the test that comes first
		if err != nil {
			t.Fatal(err)
		}
		template.h = buildHonest(t, dir)
	})
	if template.h == nil {
		t.Fatal("the honest pack could not be made")
	}
	h := &honest{dir: filepath.Join(t.TempDir(), "bag"), key: template.h.key, rec: &harness.Record{}}
	if err := os.CopyFS(h.dir, os.DirFS(template.h.dir)); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(template.h.rec)
	if err == nil {
		err = json.Unmarshal(data, h.rec)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// observed is the file of the one probe of the honest pack.
const observed = "data/observations/http.health-west.api.jsonl"

// buildHonest seals a drill whose metronome saw an outage.
func buildHonest(t *testing.T, dir string) *honest { return buildAsked(t, dir, func(*Inputs) {}) }

// buildAsked seals such a drill with other inputs.
func buildAsked(t *testing.T, dir string, ask func(*Inputs)) *honest {
	t.Helper()
	h, j := recorded(t, dir, ask)
	h.bindAndSeal(t, dir, j)
	if c := h.verify(t, filepath.Join(dir, "honest.zip")); c.Err() != nil {
		t.Fatalf("the honest pack is refused: %v", c.Err())
	}
	return h
}

// interrupted is the same drill, whose process died after it had bound half of the samples.
func interrupted(t *testing.T) *honest {
	t.Helper()
	dir := t.TempDir()
	h, _ := recorded(t, dir, func(*Inputs) {})
	h.rec.Status = harness.Interrupted
	j, err := ResumeJournal(h.dir, h.rec.Inputs, NewRedactor())
	if err == nil {
		err = j.Append(harness.Event{Kind: interruptedKind, At: h.rec.Baseline, Text: "the process is gone"})
	}
	if err != nil {
		t.Fatal(err)
	}
	h.bindAndSeal(t, dir, j)
	return h
}

// recorded is a drill up to the end of its load.
func recorded(t *testing.T, dir string, ask func(*Inputs)) (*honest, *Journal) {
	t.Helper()
	return recordedBy(t, dir, ask, func(*Journal, string) {})
}

// recordedBy does something with the log of the bag before anything but its first event is told.
func recordedBy(t *testing.T, dir string, ask func(*Inputs), open func(j *Journal, dir string)) (*honest, *Journal) {
	t.Helper()
	h := &honest{dir: filepath.Join(dir, "bag")}
	var err error
	if h.key, err = seal.NewThrowawayIdentity("a forger"); err != nil {
		t.Fatal(err)
	}
	clock := harness.NewClock()
	runID, packID := newID(t), newID(t)
	key, err := seal.NewRunKey("blackstart/" + runID.String())
	if err != nil {
		t.Fatal(err)
	}
	in := Inputs{Format: harness.Format, RunID: runID.String(), PackID: packID.String(), RunKey: key.Verifier(), Environment: harness.Rehearsal,
		Executor: "a forger", ToolSHA256: "this build", ScenarioName: "pack", Phases: []string{"start", "fault", "end"}, Anchor: clock.Anchor(), Reports: ReportSpecs()}
	ask(&in)
	redact := NewRedactor()
	sha, err := WriteInputs(h.dir, in, DrillFiles{Scenario: []ScenarioFile{{Name: "pack.yaml", Data: []byte("kind: Scenario\n")}}, Plan: []harness.Plan{}}, redact)
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJournal(h.dir, sha, key, redact, clock)
	if err != nil {
		t.Fatal(err)
	}
	open(j, h.dir)
	writeSamples(t, filepath.Join(h.dir, "data/samples/edge.bin"), runID, clock.Anchor(), outage())
	now := clock.Now()
	held := harness.Event{Kind: "steady.held", At: harness.Interval{Lo: now, Hi: now}, Text: "held"}
	half := []harness.Written{{File: "data/samples/edge.bin", Kind: "samples", Records: madeSamples / 2, Waiting: 1}}
	for _, err := range []error{j.Checkpoint("start"), j.Append(held), j.LoadCheckpoint(half)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	h.rec = &harness.Record{Format: harness.Format, Rules: harness.Rules, RunID: runID.String(), PackID: packID.String(), Status: harness.Completed, Inputs: sha,
		Executor: "a forger", Tool: harness.Tool{SHA256: "this build"}, Scenario: harness.Scenario{Metadata: harness.Metadata{Name: "pack"}},
		Baseline: harness.Interval{Lo: now, Hi: now},
		Places:   harness.PlacesOf(harness.Description{}), Hosts: []harness.Host{{Name: harness.LocalHost}}, Outcomes: loadgen.CommonOutcomes(),
		Environment: harness.Rehearsal, Anchor: clock.Anchor(), Started: clock.Anchor(), Ended: now,
		Streams: []harness.Stream{{ID: 1, Load: "edge", Kind: "samples", File: "data/samples/edge.bin", Workload: "metronome", Recorded: &harness.Traits{Edges: true},
			Cohorts: []string{"fresh"}, Freq: 100, PerNS: int64(time.Second), StopNS: madeSamples * int64(10*time.Millisecond),
			TimeoutNS: int64(time.Second), Count: madeSamples, Closed: true}}}
	h.act(t, j)
	h.observe(t)
	return h, j
}

// act tells of every act that the scenario asks for.
func (h *honest) act(t *testing.T, j *Journal) {
	t.Helper()
	for _, a := range harness.Acts(h.rec.Scenario) {
		a.At = h.rec.Baseline
		h.rec.Acts = append(h.rec.Acts, a.Act)
		detail := map[string]string{"kind": a.Kind, "name": a.Name, "fault": a.Fault, "by": a.By}
		for _, kind := range []string{"act.started", "act.ended"} {
			if err := j.Append(harness.Event{Kind: kind, At: a.At, Phase: a.Kind, Detail: detail}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// observe adds the answers of one probe.
func (h *honest) observe(t *testing.T) {
	t.Helper()
	var lines []byte
	at := h.rec.Started
	for n := range 3 {
		o := harness.Observation{Probe: "http.health", On: "west.api", At: harness.Interval{Lo: at + harness.Stamp(n), Hi: at + harness.Stamp(n)}, Reached: true, OK: true, Unit: "bool"}
		line, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if err := writeFile(h.dir, observed, lines); err != nil {
		t.Fatal(err)
	}
	h.rec.Probes = []harness.ProbeSeries{{Probe: "http.health", On: "west.api", File: observed, Count: 3, Ran: harness.Interval{Lo: at, Hi: at + 10}}}
}

// bindAndSeal ends the drill and writes honest.zip.
func (h *honest) bindAndSeal(t *testing.T, dir string, j *Journal) {
	t.Helper()
	if err := errors.Join(writeFile(dir, "undo.jsonl", []byte("{\"n\":0}\n")), writeFile(dir, "logs/west.db.log", []byte("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := Bind(t.Context(), Binding{Dir: h.dir, Journal: j, Record: h.rec, Redact: NewRedactor(), Logs: filepath.Join(dir, "logs"),
		UndoLog: filepath.Join(dir, "undo.jsonl"), Formats: []byte("formats\n")}); err != nil {
		t.Fatal(err)
	}
	pack := filepath.Join(dir, "honest.zip")
	if _, _, err := Seal(t.Context(), Sealing{Dir: h.dir, Base: "pack", Path: pack, Redact: NewRedactor(), Identity: h.key.Identity}); err != nil {
		t.Fatal(err)
	}
}

// newID gives an identifier whatever a report that is laid out at the same time has set for the whole process.
func newID(t *testing.T) uuid.UUID {
	t.Helper()
	id, err := uuid.NewV7FromReader(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// outage gives the samples of a metronome that saw one.
func outage() []loadgen.Sample {
	var all []loadgen.Sample
	for n := range uint64(madeSamples) {
		due := int64(n) * int64(10*time.Millisecond)
		s := loadgen.Sample{Seq: n, Due: due, Sent: due, Done: due + 1_000_000, Outcome: loadgen.OK, Status: 200}
		if n >= failedFrom && n < failedTo {
			s.Done, s.Outcome, s.Status = due+int64(time.Second), loadgen.Timeout, 0
		}
		all = append(all, s)
	}
	return all
}

func writeSamples(t *testing.T, path string, run uuid.UUID, anchor harness.Stamp, all []loadgen.Sample) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := loadgen.NewSampleWriter(f, loadgen.Header{Run: run, Stream: 1, Anchor: int64(anchor)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		err = errors.Join(err, w.Write(s))
	}
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// reseal signs the changed bag with the valid key, as a forger would, and returns the pack.
func (h *honest) reseal(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != seal.PayloadDir {
			if err := os.RemoveAll(filepath.Join(h.dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := seal.Seal(t.Context(), h.dir, BagInfo(h.rec), h.key.Identity); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "forged.zip")
	if err := seal.WritePack(t.Context(), h.dir, "pack", path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h *honest) verify(t *testing.T, pack string) Checked { return h.verifyBy(t, pack, "this build") }

// verifyBy verifies a pack with the build of the given digest.
func (h *honest) verifyBy(t *testing.T, pack, build string) Checked {
	t.Helper()
	c, err := Verify(context.Background(), pack, VerifyOptions{Roots: []*x509.Certificate{h.key.Root}, Recompute: true, ToolSHA256: build})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (h *honest) path(name string) string { return filepath.Join(h.dir, filepath.FromSlash(name)) }

func (h *honest) change(t *testing.T, name string, f func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil {
		t.Fatal(err)
	}
	changed := f(bytes.Clone(data))
	if bytes.Equal(changed, data) {
		t.Fatalf("%s was not changed by the forgery", name)
	}
	if err := os.WriteFile(h.path(name), changed, 0o644); err != nil {
		t.Fatal(err)
	}
}

// judgeAgain makes record and findings agree with changed data, as a careful forger would.
func (h *honest) judgeAgain(t *testing.T, samples int) {
	t.Helper()
	st := &h.rec.Streams[0]
	st.Count = samples
	f, err := os.Open(h.path(st.File))
	if err != nil {
		t.Fatal(err)
	}
	w, err := seal.Walk(t.Context(), f, headerLen, recordLen(st.Kind), nil)
	if err := errors.Join(err, f.Close(), os.WriteFile(h.path(st.File+seal.TreeExt), w.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	st.Root = fmt.Sprintf("%x", w.Root[:])
	h.retell(t)
}

// retell writes the record as it stands now and makes everything anew that is derived from it. The event log stays: whoever
// holds the key of the pack does not hold the key of the run.
func (h *honest) retell(t *testing.T) {
	t.Helper()
	s := Sealing{Dir: h.dir, Redact: NewRedactor(), Identity: h.key.Identity, Progress: func(string) {}}
	if _, err := writeJSON(h.dir, RecordFile, h.rec, s.Redact); err != nil {
		t.Fatal(err)
	}
	findings, sha, err := s.judge()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(t.Context(), findings, sha); err != nil {
		t.Fatal(err)
	}
}

// TestTwoPacksAreVerifiedAtOnce: laying reports out has settings for the whole process, which must not be shared.
func TestTwoPacksAreVerifiedAtOnce(t *testing.T) {
	pack := makeHonest(t).reseal(t)
	for range 2 {
		t.Run("pack", func(t *testing.T) {
			t.Parallel()
			if c := makeHonest(t).verify(t, pack); c.Err() != nil {
				t.Errorf("refused: %v", c.Err())
			}
		})
	}
}

// TestMain removes the template that forgeries are made from.
func TestMain(m *testing.M) {
	code := m.Run()
	if template.h != nil {
		_ = os.RemoveAll(filepath.Dir(template.h.dir)) // a folder of the system's temporary files: nothing depends on it
	}
	os.Exit(code)
}
