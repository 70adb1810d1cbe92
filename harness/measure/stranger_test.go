package measure

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

const strangerPath = "../../testdata/stranger.py"

// store writes the world as the files of a pack.
func (w *world) store(t *testing.T, dir string) {
	t.Helper()
	for _, sub := range []string{"samples", "ledger", "observations"} {
		must(t, os.MkdirAll(filepath.Join(dir, "data", sub), 0o755))
	}
	for _, s := range w.rec.Streams {
		f, err := os.Create(filepath.Join(dir, s.File))
		must(t, err)
		h := loadgen.Header{Stream: uint32(s.ID), Place: loadgen.Place(s.Place), Host: uint8(s.Host), Anchor: int64(w.rec.Anchor)} //nolint:gosec // small
		if s.Kind == kindSamples {
			out, err := loadgen.NewSampleWriter(f, h)
			must(t, err)
			for _, x := range w.samples[s.ID] {
				must(t, out.Write(x))
			}
			must(t, out.Close())
		} else {
			out, err := loadgen.NewAttemptWriter(f, h)
			must(t, err)
			for _, x := range w.attempts[s.ID] {
				must(t, out.Write(x.Attempt))
			}
			must(t, out.Close())
			w.storeCopies(t, dir, s)
		}
		must(t, f.Close())
	}
	for _, p := range w.rec.Probes {
		var b bytes.Buffer
		for _, o := range w.answers[p.Probe+" "+p.On] {
			must(t, json.NewEncoder(&b).Encode(o))
		}
		must(t, os.WriteFile(filepath.Join(dir, p.File), b.Bytes(), 0o644))
	}
	b, err := json.MarshalIndent(w.rec, "", " ")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "data", "record.json"), append(b, '\n'), 0o644))
}

// storeCopies writes what was found of a ledger's attempts on each node that was read, and names the files in the record.
func (w *world) storeCopies(t *testing.T, dir string, s harness.Stream) {
	t.Helper()
	l := &w.rec.Ledger
	for node, copies := range map[string]func(Attempt) int{
		l.Primary: func(a Attempt) int { return a.New }, l.OldPrimary: func(a Attempt) int { return a.Old },
	} {
		var all []int
		for _, a := range w.attempts[s.ID] {
			all = append(all, copies(a))
		}
		if node == "" || slices.Contains(all, Unread) {
			continue
		}
		name := "data/ledger/" + s.Load + ".copies-" + node + "-" + harness.AfterHeal + ".bin"
		f, err := os.Create(filepath.Join(dir, name))
		must(t, err)
		n, err := loadgen.WriteCopies(f, loadgen.Header{Stream: uint32(s.ID), Anchor: int64(w.rec.Anchor)}, slices.Values(all)) //nolint:gosec // small
		must(t, err)
		must(t, f.Close())
		l.Copies = append(l.Copies, harness.CopiesFile{Stream: s.ID, Load: s.Load, Node: node, Reading: harness.AfterHeal, File: name, Count: int(n)}) //nolint:gosec // small
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// told is what stranger.py prints.
type told struct {
	RTO     toldBounds `json:"rto"`
	Lost    *int64     `json:"lost"`
	RPOTime toldBounds `json:"rpo_time"`

	ExposureTime  toldBounds `json:"exposure_time"`
	ExposureLost  toldBounds `json:"exposure_lost"`
	ExposureValue toldBounds `json:"exposure_value"`
	AnswersWrong  toldBounds `json:"answers_wrong"`
	Decision      struct {
		Known bool
		Text  string
	}
}

type toldBounds struct {
	Known  bool
	Lo, Hi *int64
}

// agrees compares a measurement with the stranger's.
func (b toldBounds) agrees(m harness.Measurement) error {
	switch {
	case b.Known != m.Known:
		return fmt.Errorf("known %v, the stranger says %v", m.Known, b.Known)
	case !b.Known:
		return nil
	case *b.Lo != m.Lo || (b.Hi == nil) != m.Unbounded || b.Hi != nil && *b.Hi != m.Hi:
		hi := "∞"
		if b.Hi != nil {
			hi = fmt.Sprint(*b.Hi)
		}
		return fmt.Errorf("[%d, %d] unbounded %v, the stranger says [%d, %s]", m.Lo, m.Hi, m.Unbounded, *b.Lo, hi)
	}
	return nil
}

func python(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: the second implementation cannot run")
	}
	return path
}

func ask(t *testing.T, python, pack string) told {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(python, strangerPath, pack)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("stranger.py: %v\n%s", err, stderr.Bytes())
	}
	var result told
	must(t, json.Unmarshal(out, &result))
	return result
}

// strangers are drills that both implementations must find the same in.
func strangers() map[string]*world {
	relapse := usual()
	relapse.down[""] = append(relapse.down[""], outage{faultLo + 20*sec, faultLo + 21*sec})
	relapse.loss = 100
	isolated := usual()
	isolated.isolated, isolated.loss = true, 1
	cohorts := usual()
	cohorts.down["pooled"] = []outage{{faultLo, faultLo + 9*sec}}
	worlds := map[string]*world{
		"usual": build(usual()), "relapse": build(relapse), "isolated": build(isolated), "pooled": build(cohorts),
		"slow":      build(truth{slow: []outage{{faultLo + sec, faultLo + 6*sec}}, slowBy: 900 * ms}),
		"unhurt":    build(truth{}),
		"dead":      build(truth{down: map[string][]outage{"": {{faultLo, 3600 * sec}}}}),
		"everybody": build(func() truth { tr := usual(); tr.loss = 1_000_000; return tr }()),
		"declared":  build(usual()), "unread": build(usual()), "thin": build(usual()), "null": build(truth{null: true}),
	}
	worlds["pooled"].rec.Scenario.Objectives[0].Cohort = "pooled"
	worlds["declared"].rec.Scenario.Objectives[0].From = "declaration"
	worlds["declared"].rec.Clock[1].WallMinusNS = -7 * ms
	for i := range worlds["unread"].attempts[idLedger] {
		worlds["unread"].attempts[idLedger][i].New = Unread
	}
	worlds["thin"].rec.Scenario.Recovered.MinRequests = 1001
	for name, down := range map[string]map[string][]outage{"healed": {"": {{faultLo + ms, faultLo + 2*sec}}}, "down": {"": {{faultLo, watchTo + 9*sec}}}, "unhurt": {}} {
		w := build(truth{down: down, seed: 5})
		w.rec.Ledger.Promoted, w.rec.Ledger.OldRead, w.rec.Ledger.Primary = false, false, "east.db"
		w.staysInRecovery()
		worlds["not promoted, "+name] = w
	}
	for _, after := range []string{"first", "second"} {
		for i, over := range []int64{faultLo + 3*sec, secondLo + sec} {
			w := twoClocks(after)
			w.lose(idLedger, 5, secondLo-2*sec, 1)
			w.lose(idLedger, 2, secondLo-3*sec, 0)
			w.takesOver(over)
			worlds[fmt.Sprintf("two clocks, %s, taken over in window %d", after, i+1)] = w
		}
	}
	rng := rand.New(rand.NewPCG(12, 12))
	for i := range 4 {
		tr := truth{down: map[string][]outage{}, seed: uint64(i), loss: rng.IntN(50)} //nolint:gosec // small
		for _, cohort := range []string{"", "fresh", "pooled", "fresh"} {
			from := faultLo + rng.Int64N(30*sec)
			tr.down[cohort] = append(tr.down[cohort], outage{from, from + rng.Int64N(6*sec)})
		}
		worlds[fmt.Sprintf("random %d", i)] = build(tr)
	}
	return worlds
}

func TestStrangerAgrees(t *testing.T) {
	python := python(t)
	for name, w := range strangers() {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w.store(t, dir)
			f, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
			must(t, err)
			theirs := ask(t, python, dir)
			if err := theirs.RTO.agrees(f.Objectives[0].Measured); err != nil {
				t.Errorf("rto: %v", err)
			}
			if err := theirs.RPOTime.agrees(f.Objectives[1].Measured); err != nil {
				t.Errorf("rpo.time: %v", err)
			}
			ours := find(t, f, MeasureRPOLost, "", "")
			for _, m := range f.Measurements {
				if m.Name == MeasureRPOLost && m.Load == "" && m.After == f.Objectives[2].Measured.After {
					ours = m
				}
			}
			if (theirs.Lost != nil) != ours.Known || ours.Known && *theirs.Lost != ours.Lo {
				t.Errorf("lost: %+v, the stranger says %v", ours, theirs.Lost)
			}
		})
	}
}

// The files on disk and the zip of a pack give what memory gives.
func TestFilesAreTheSame(t *testing.T) {
	w := build(usual())
	dir := t.TempDir()
	w.store(t, dir)
	inMemory := mustJudge(t, w)
	fromDisk, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
	must(t, err)
	a, b := asJSON(t, inMemory), asJSON(t, fromDisk)
	if !bytes.Equal(a, b) {
		t.Errorf("from disk:\n%s\nfrom memory:\n%s", b, a)
	}
	python := python(t)
	pack := filepath.Join(t.TempDir(), "pack.zip")
	zipUp(t, dir, pack)
	if zipped := ask(t, python, pack); *zipped.RTO.Lo != inMemory.Objectives[0].Measured.Lo {
		t.Errorf("from the zip: %+v", zipped)
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	must(t, err)
	return b
}

func zipUp(t *testing.T, dir, pack string) {
	t.Helper()
	out, err := os.Create(pack)
	must(t, err)
	z := zip.NewWriter(out)
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := z.Create("drill/" + filepath.ToSlash(name))
		if err == nil {
			_, err = file.Write(data)
		}
		return err
	}))
	must(t, z.Close())
	must(t, out.Close())
}

// Files refuses what is not the file the record names; the drill is then inconclusive.
func TestFilesAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(w *world, dir string){
		"gone":        func(_ *world, dir string) { _ = os.Remove(filepath.Join(dir, "data/samples/edge.bin")) },
		"no probe":    func(_ *world, dir string) { _ = os.RemoveAll(filepath.Join(dir, "data/observations")) },
		"no ledger":   func(_ *world, dir string) { _ = os.RemoveAll(filepath.Join(dir, "data/ledger")) },
		"copies gone": func(w *world, dir string) { _ = os.Remove(filepath.Join(dir, w.rec.Ledger.Copies[0].File)) },
		"copies torn": func(w *world, dir string) { _ = os.Truncate(filepath.Join(dir, w.rec.Ledger.Copies[0].File), 1000) },
		"copies of another": func(w *world, _ string) {
			c := w.rec.Ledger.Copies
			c[0].File, c[len(c)-1].File = c[len(c)-1].File, c[0].File
		},
		"copies miscounted": func(w *world, _ string) { w.rec.Ledger.Copies[0].Count-- },
		"copies twice":      func(w *world, _ string) { w.rec.Ledger.Copies = append(w.rec.Ledger.Copies, w.rec.Ledger.Copies[0]) },
		"no copies":         func(w *world, _ string) { w.rec.Ledger.Copies = nil },
		"torn": func(_ *world, dir string) {
			_ = os.Truncate(filepath.Join(dir, "data/samples/queries.bin"), 40*5000)
		},
		"exchanged": func(w *world, _ string) {
			w.rec.Streams[0].File, w.rec.Streams[1].File = w.rec.Streams[1].File, w.rec.Streams[0].File
		},
		"not JSON": func(w *world, dir string) {
			_ = os.WriteFile(filepath.Join(dir, w.rec.Probes[0].File), []byte("{\n"), 0o644)
		},
		"long line": func(w *world, dir string) {
			_ = os.WriteFile(filepath.Join(dir, w.rec.Probes[0].File), bytes.Repeat([]byte("x"), harness.MaxObservationLine+1), 0o644)
		},
		"other anchor": func(w *world, dir string) {
			other := build(usual())
			other.rec.Anchor++
			os.RemoveAll(filepath.Join(dir, "data"))
			for _, sub := range []string{"samples", "ledger", "observations"} {
				_ = os.MkdirAll(filepath.Join(dir, "data", sub), 0o755)
			}
			other.store(&testing.T{}, dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, dir := build(usual()), t.TempDir()
			w.store(t, dir)
			spoil(w, dir)
			f, err := Judge(w.rec, Files(os.DirFS(dir), w.rec))
			must(t, err)
			if f.Verdict == harness.Pass || f.Exit != harness.ExitInconclusive {
				t.Errorf("exit %d: %s", f.Exit, f.Reason)
			}
		})
	}
	// A closed stream without records is whole; one that is not said to be closed is not.
	w, dir := build(usual()), t.TempDir()
	w.samples[idEdge], w.rec.Streams[1].Count = nil, 0
	w.store(t, dir)
	if all, err := collect(Files(os.DirFS(dir), w.rec).Samples(idEdge, 0)); err != nil || len(all) != 0 {
		t.Errorf("an empty stream: %d samples, %v", len(all), err)
	}
	none := slices.IndexFunc(w.rec.Streams, func(s harness.Stream) bool { return s.Kind == kindLedger })
	w, dir = build(usual()), t.TempDir()
	w.attempts[idLedger], w.rec.Streams[none].Count = nil, 0
	w.store(t, dir)
	if all, err := collect(Files(os.DirFS(dir), w.rec).Attempts(idLedger)); err != nil || len(all) != 0 {
		t.Errorf("an empty ledger: %d attempts, %v", len(all), err)
	}
	w, dir = build(usual()), t.TempDir()
	w.samples[idEdge], w.rec.Streams[1].Count = nil, 0
	w.store(t, dir)
	w.rec.Streams[1].Closed = false
	if _, err := collect(Files(os.DirFS(dir), w.rec).Samples(idEdge, 0)); err == nil {
		t.Error("an empty stream that was not closed is read")
	}
	src := Files(os.DirFS(t.TempDir()), &harness.Record{})
	if _, err := collect(src.Samples(1, 0)); err == nil {
		t.Error("samples of a stream the record does not name")
	}
	if _, err := collect(src.Attempts(1)); err == nil {
		t.Error("attempts of a stream the record does not name")
	}
	if _, err := collect(src.Observations(harness.ProbeSeries{Probe: "a", On: "b"})); err == nil {
		t.Error("observations of a probe the record does not name")
	}
}
