package measure

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"blackstart/harness"
	"blackstart/loadgen"
)

// left is what stranger.py prints of an interrupted drill.
type left struct {
	told
	Status string
	Files  map[string]struct {
		Closed  bool
		Records int
	}
}

// interruptedWorld is a drill whose process died: one stream is torn in a record, one in its header, one was closed before,
// and the last answer of a probe is half a line.
func interruptedWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := build(usual())
	w.store(t, dir)
	w.rec.Status, w.rec.StatusReason = harness.Interrupted, "the process was killed"
	w.rec.Observation, w.rec.Ledger = harness.Interval{}, harness.LedgerRecord{}
	tear := func(i int, size int64) {
		st := &w.rec.Streams[i]
		st.Closed, st.Count = false, 0
		f, err := os.OpenFile(filepath.Join(dir, st.File), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt(make([]byte, 8), 56) // the count
		must(t, err)
		must(t, f.Truncate(size))
		must(t, f.Close())
	}
	tear(0, loadgen.HeaderSize+1000*loadgen.SampleSize+17)
	tear(1, 20)
	tear(3, loadgen.HeaderSize+900*loadgen.AttemptSize)
	observations := filepath.Join(dir, w.rec.Probes[0].File)
	info, err := os.Stat(observations)
	must(t, err)
	must(t, os.Truncate(observations, info.Size()-5))
	w.save(t, dir)
	return w
}

// A stranger reads what is left of an interrupted drill, says that it was interrupted, and gives no value of any objective.
func TestStrangerReadsInterruptedDrills(t *testing.T) {
	python, dir := python(t), t.TempDir()
	w := interruptedWorld(t, dir)
	out, err := exec.Command(python, strangerPath, dir).Output()
	must(t, err)
	var got left
	must(t, json.Unmarshal(out, &got))
	if got.Status != "interrupted" {
		t.Errorf("status %q", got.Status)
	}
	for name, b := range map[string]toldBounds{
		"rto": got.RTO, "rpo.time": got.RPOTime, "exposure.time": got.ExposureTime, "exposure.lost": got.ExposureLost,
		"exposure.value": got.ExposureValue, "answers.wrong": got.AnswersWrong,
	} {
		if b.Known || b.Lo != nil || b.Hi != nil {
			t.Errorf("%s has a value: %+v", name, b)
		}
	}
	if got.Lost != nil || got.Decision.Known {
		t.Errorf("lost %v, decision %+v", got.Lost, got.Decision)
	}
	want := map[int]int{0: 1000, 1: 0, 2: w.rec.Streams[2].Count, 3: 900}
	for i, n := range want {
		st := w.rec.Streams[i]
		if f := got.Files[st.File]; f.Records != n || f.Closed != st.Closed {
			t.Errorf("%s: %+v, want %d records", st.File, f, n)
		}
	}
	p := w.rec.Probes[0]
	if f := got.Files[p.File]; f.Closed || f.Records != p.Count-1 {
		t.Errorf("%s: %+v, want %d answers", p.File, f, p.Count-1)
	}
	// Our own reader finds the same records before the tear.
	f, err := os.Open(filepath.Join(dir, w.rec.Streams[0].File))
	must(t, err)
	defer f.Close()
	if _, all, err := loadgen.ReadSamples(f); len(all) != 1000 || err == nil {
		t.Errorf("%d samples, %v", len(all), err)
	}
	// A file that is said to be closed and is torn is no tear: it was altered.
	w.rec.Streams[0].Closed = true
	w.save(t, dir)
	if out, err := exec.Command(python, strangerPath, dir).Output(); err == nil {
		t.Errorf("a torn file is read as a closed one: %s", out)
	}
}
