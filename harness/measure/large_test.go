package measure

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/loadgen"
)

// childDir names the drill that a child process of these tests judges; largeTests makes the tests that take minutes and
// gigabytes run.
const childDir, largeTests = "BLACKSTART_JUDGE_DIR", "BLACKSTART_LARGE"

// most is what judging may take of memory, in kB: all of `verify` has 200 MB.
const most = 150_000

// TestJudgeInAChild is no test of its own: it judges the drill in childDir and prints how it went.
func TestJudgeInAChild(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("runs as a child process of the tests of memory")
	}
	data, err := os.ReadFile(filepath.Join(dir, "data/record.json"))
	must(t, err)
	var rec harness.Record
	must(t, json.Unmarshal(data, &rec))
	f, err := Judge(&rec, Files(os.DirFS(dir), &rec))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "findings.json"), asJSON(t, f), 0o644))
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "status"), status, 0o644))
}

// peakOf is the greatest resident memory that the child had, in kB.
func peakOf(t *testing.T, dir string) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	must(t, err)
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	must(t, err)
	return kB
}

// judgedApart judges a drill on disk in a process of its own and tells how much memory that took at most, in kB.
func judgedApart(t *testing.T, dir string) (harness.Findings, int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("peak memory is read from Linux's accounting")
	}
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self, "-test.run=^TestJudgeInAChild$")
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(began)
	data, err := os.ReadFile(filepath.Join(dir, "findings.json"))
	must(t, err)
	var f harness.Findings
	must(t, json.Unmarshal(data, &f))
	peak := peakOf(t, dir)
	t.Logf("%-40s peak %4d MB, %5.1f s: %.90s", t.Name(), peak/1000, took.Seconds(), f.Reason)
	return f, peak
}

// large writes a drill of some million records: two loads with half of the samples each, of which one writes every row at the
// second try, so that it has as many attempts as there are samples.
func large(t *testing.T, dir string, samples int) *world {
	t.Helper()
	for _, sub := range []string{"samples", "ledger", "observations"} {
		must(t, os.MkdirAll(filepath.Join(dir, "data", sub), 0o755))
	}
	w := &world{rec: worldRecord(), answers: map[string][]harness.Observation{}}
	rate := samples / 2 / 56
	loads := w.rec.Scenario.Load
	loads[0].Rate.Count, loads[2].Rate.Count = rate, rate
	w.rec.Scenario.Load = []harness.LoadSpec{loads[0], loads[2]}
	tr := usual()
	rng := rand.New(rand.NewPCG(1, 1))
	for id, l := range w.rec.Scenario.Load {
		w.rec.Streams = append(w.rec.Streams, largeStreams(t, w.rec, dir, id+1, l, rate, func(s *loadgen.Sample, cohort string) {
			tr.play(rng, s, cohort, atOutside, 2*sec)
		})...)
	}
	w.addProbe("replication.heartbeat", "west.db", 250*ms)
	out, err := os.Create(filepath.Join(dir, w.rec.Probes[0].File))
	must(t, err)
	for _, o := range w.answers["replication.heartbeat west.db"] {
		must(t, json.NewEncoder(out).Encode(o))
	}
	must(t, out.Close())
	w.save(t, dir)
	return w
}

func (w *world) save(t *testing.T, dir string) {
	t.Helper()
	b, err := json.Marshal(w.rec)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "data/record.json"), b, 0o644))
}

func largeStreams(t *testing.T, rec *harness.Record, dir string, id int, l harness.LoadSpec, rate int, play func(*loadgen.Sample, string)) []harness.Stream {
	t.Helper()
	st := harness.Stream{ID: id, Load: l.ID, Kind: kindSamples, File: "data/samples/" + l.ID + ".bin", Workload: l.Workload,
		Recorded: new(traitsOf(l.Workload)), Cohorts: traitsOf(l.Workload).Cohorts, StartNS: sec, Freq: rate, PerNS: sec, StopNS: watchTo + 100*ms, TimeoutNS: 2 * sec, Closed: true}
	head := loadgen.Header{Stream: uint32(id), Anchor: int64(rec.Anchor)} //nolint:gosec // small
	samples, err := os.Create(filepath.Join(dir, st.File))
	must(t, err)
	ledger := st
	ledger.Kind, ledger.File = kindLedger, "data/ledger/"+l.ID+".bin"
	writes, err := os.Create(filepath.Join(dir, ledger.File))
	must(t, err)
	out, err := loadgen.NewSampleWriter(samples, head)
	must(t, err)
	attempts, err := loadgen.NewAttemptWriter(writes, head)
	must(t, err)
	schedule := loadgen.Schedule{Start: st.StartNS, Freq: rate, Per: time.Second}
	var found []int // copies on both databases
	for n := uint64(0); schedule.Due(n) < st.StopNS; n++ {
		cohorts := max(1, len(st.Cohorts))
		s := loadgen.Sample{Seq: n, Due: schedule.Due(n), Sent: schedule.Due(n), Cohort: uint8(n % uint64(cohorts))} //nolint:gosec // small
		play(&s, append(slices.Clone(st.Cohorts), "")[s.Cohort])
		must(t, out.Write(s))
		st.Count++
		if traitsOf(l.Workload).Ledger {
			a := loadgen.Attempt{ID: loadgen.AttemptID(uint32(id), 2*n), Sent: s.Sent, Done: s.Sent, Amount: 100, Outcome: loadgen.AttemptDefinite} //nolint:gosec // small
			must(t, attempts.Write(a))
			a.RetryOf, a.ID, a.Done, a.Outcome = a.ID, a.ID+1, s.Done, loadgen.AttemptUnknown
			there := 0
			if s.Outcome == loadgen.OK {
				a.Outcome, there = loadgen.AttemptOK, 1
			}
			must(t, attempts.Write(a))
			found = append(found, 0, there)
		}
	}
	must(t, errors.Join(out.Close(), attempts.Close(), samples.Close(), writes.Close()))
	if !traitsOf(l.Workload).Ledger {
		return []harness.Stream{st}
	}
	ledger.Count = len(found)
	for _, node := range []string{rec.Ledger.Primary, rec.Ledger.OldPrimary} {
		c := harness.CopiesFile{Stream: id, Load: l.ID, Node: node, Reading: harness.AfterHeal, File: "data/ledger/" + node + ".bin", Count: len(found)}
		f, err := os.Create(filepath.Join(dir, c.File))
		must(t, err)
		_, err = loadgen.WriteCopies(f, head, slices.Values(found))
		must(t, errors.Join(err, f.Close()))
		rec.Ledger.Copies = append(rec.Ledger.Copies, c)
	}
	return []harness.Stream{st, ledger}
}

// Twice the records take hardly more memory: no file is in memory as a whole, but a few bits of every sample.
func TestMemoryDoesNotGrowWithTheFiles(t *testing.T) {
	peaks := map[int]int{}
	for _, n := range []int{100_000, 200_000} {
		dir := t.TempDir()
		large(t, dir, n)
		f, peak := judgedApart(t, dir)
		if f.Verdict != harness.Pass {
			t.Fatalf("%d records: %s", n, f.Reason)
		}
		peaks[n] = peak
	}
	// 100 000 samples and attempts more are 8.8 MB on disk.
	if more := peaks[200_000] - peaks[100_000]; more > 6_000 || peaks[200_000] > 60_000 {
		t.Errorf("peaks %v kB: %d kB more for twice as many records", peaks, more)
	}
}

// TestMemoryOfTenMillion takes a minute or two and two gigabytes of disk.
func TestMemoryOfTenMillion(t *testing.T) {
	if os.Getenv(largeTests) == "" {
		t.Skip("set " + largeTests + "=1: it takes minutes, and 1 GB of disk")
	}
	dir := t.TempDir()
	large(t, dir, 10_000_000)
	if f, peak := judgedApart(t, dir); peak > most || f.Verdict != harness.Pass {
		t.Errorf("%d kB: %s", peak, f.Reason)
	}
}

// hostile are inputs that once took gigabytes. A number that is given in large tests is what was seen then.
var hostile = map[string]func(t *testing.T, w *world, dir string, large bool){
	"a line without an end": func(t *testing.T, w *world, dir string, large bool) {
		size := int64(64 << 20)
		if large {
			size = 3 << 30
		}
		must(t, os.Truncate(filepath.Join(dir, w.rec.Probes[0].File), size)) // zeros; no block of it is on disk
	},
	"many answers": func(t *testing.T, w *world, dir string, large bool) {
		n := 600_000
		if large {
			n = 8_000_000
		}
		f, err := os.Create(filepath.Join(dir, w.rec.Probes[0].File))
		must(t, err)
		out := bufio.NewWriter(f)
		for i := range n {
			at := strconv.Quote(at(sec + int64(i)*100).String())
			fmt.Fprintf(out, "{\"probe\":\"replication.heartbeat\",\"on\":\"west.db\",\"at\":{\"lo\":%s,\"hi\":%s},\"reached\":true,\"ok\":true,\"unit\":\"ns\"}\n", at, at)
		}
		must(t, errors.Join(out.Flush(), f.Close()))
		w.rec.Probes[0].Count = n
	},
	"many cohorts": func(_ *testing.T, w *world, _ string, large bool) {
		for n := range many(large, 400_000) {
			w.rec.Streams[0].Cohorts = append(w.rec.Streams[0].Cohorts, "cohort-"+strconv.Itoa(n))
		}
	},
	"long cohort name": func(_ *testing.T, w *world, _ string, _ bool) {
		w.rec.Streams[0].Cohorts[0] = strings.Repeat("x", 1<<20)
	},
	"many streams": func(_ *testing.T, w *world, _ string, large bool) {
		for range many(large, 20_000) {
			w.rec.Streams = append(w.rec.Streams, w.rec.Streams[0])
		}
	},
	"many probes": func(_ *testing.T, w *world, _ string, large bool) {
		for range many(large, 20_000) {
			w.rec.Probes = append(w.rec.Probes, w.rec.Probes[0])
		}
	},
	"a count of everything": func(_ *testing.T, w *world, _ string, _ bool) {
		for i := range w.rec.Streams {
			w.rec.Streams[i].Count = 1 << 50
		}
	},
}

// many is n, or half of it where the race detector's own memory counts, too.
func many(large bool, n int) int {
	if large {
		return n
	}
	return n / 2
}

func TestHostileInputsTakeNoMemory(t *testing.T) {
	for name, spoil := range hostile {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w := large(t, dir, 20_000)
			spoil(t, w, dir, os.Getenv(largeTests) != "")
			w.save(t, dir)
			if f, peak := judgedApart(t, dir); peak > most || f.Exit != harness.ExitInconclusive {
				t.Errorf("%d kB, exit %d: %s", peak, f.Exit, f.Reason)
			}
		})
	}
}
