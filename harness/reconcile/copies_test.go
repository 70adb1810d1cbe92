package reconcile

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/loadgen"
	"blackstart/loadgen/workloads"
)

// found makes what a reading finds: the numbers of attempts of stream 3, as often as they are named.
func found(numbers ...uint64) *workloads.Found {
	set := &loadgen.IDSet{}
	for _, n := range numbers {
		set.Add(n)
	}
	return &workloads.Found{Streams: map[uint32]*loadgen.IDSet{3: set}}
}

// drill makes a drill with a ledger of n acknowledged attempts on disk.
func drill(t *testing.T, n int) *examiner {
	t.Helper()
	root := t.TempDir()
	run := uuid.Must(uuid.NewV7())
	st := harness.Stream{ID: 3, Load: "writes", Kind: "ledger", File: "data/ledger/writes.bin", Count: n, Closed: true, Recorded: &harness.Traits{Ledger: true, Table: "blackstart.ledger"}}
	rec := &harness.Record{RunID: run.String(), Anchor: 1_790_000_000_000_000_000, Streams: []harness.Stream{{ID: 3, Load: "writes", Kind: "samples"}, st}}
	rec.Scenario.Load = []harness.LoadSpec{{ID: "writes", Workload: "postgres.ledger"}}
	if err := os.MkdirAll(filepath.Join(root, "data/ledger"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(root, st.File))
	if err != nil {
		t.Fatal(err)
	}
	w, err := loadgen.NewAttemptWriter(f, loadgen.Header{Run: run, Stream: 3, Anchor: int64(rec.Anchor)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		a := loadgen.Attempt{ID: loadgen.AttemptID(3, uint64(i)), Sent: int64(i), Done: int64(i) + 1, Outcome: loadgen.AttemptOK}
		if err := w.Write(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return &examiner{s: harness.RunningTarget{DataDir: filepath.Join(root, "data")}, rec: rec, run: run}
}

func (e *examiner) attempts(t *testing.T) []measure.Attempt {
	t.Helper()
	var all []measure.Attempt
	for a, err := range measure.Files(os.DirFS(filepath.Dir(e.s.DataDir)), e.rec).Attempts(3) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestCopiesAreFilesOfTheirOwn(t *testing.T) {
	e := drill(t, 6)
	e.rec.Ledger.Primary, e.rec.Ledger.OldPrimary = "west.db", "east.db"
	ledger := filepath.Join(e.s.DataDir, "ledger/writes.bin")
	before, err := os.ReadFile(ledger)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.write(copies{serving: found(0, 1, 1, 3), old: found(0, 1, 2, 4)}); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(ledger)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the closed ledger was changed, %v", err)
	}
	want := [][2]int{{1, 1}, {2, 1}, {0, 1}, {1, 0}, {0, 1}, {0, 0}}
	for n, a := range e.attempts(t) {
		if a.New != want[n][0] || a.Old != want[n][1] {
			t.Errorf("attempt %d: %d on the new, %d on the old, want %v", n, a.New, a.Old, want[n])
		}
	}
	l := e.rec.Ledger
	if ids := []uint64{loadgen.AttemptID(3, 2), loadgen.AttemptID(3, 4)}; l.OldOnly != 2 || !slices.Equal(l.OldOnlyIDs, ids) {
		t.Errorf("stranded %d: %v", l.OldOnly, l.OldOnlyIDs)
	}
	name := harness.CopiesFile{Stream: 3, Load: "writes", Node: "west.db", Reading: "after-heal", File: "data/ledger/writes.copies-west.db-after-heal.bin", Count: 6}
	if len(l.Copies) != 2 || l.Copies[0] != name || l.Copies[1].Node != "east.db" {
		t.Errorf("the record names %+v", l.Copies)
	}
	if err := e.write(copies{serving: found()}); err == nil {
		t.Error("a reading was written twice")
	}
}

func TestANodeThatWasNotReadHasNoFile(t *testing.T) {
	e := drill(t, 3)
	e.rec.Ledger.Primary = "east.db"
	if err := e.write(copies{serving: found(0, 2)}); err != nil {
		t.Fatal(err)
	}
	for n, a := range e.attempts(t) {
		if a.New != 1-n%2 || a.Old != measure.Unread {
			t.Errorf("attempt %d: %d on the new, %d on the old", n, a.New, a.Old)
		}
	}
	e = drill(t, 3)
	if err := e.write(copies{}); err != nil || len(e.rec.Ledger.Copies) != 0 || e.attempts(t)[0].New != measure.Unread {
		t.Errorf("nothing was read, the record names %+v, %v", e.rec.Ledger.Copies, err)
	}
}

// A stream that offered nothing has copies all the same: none.
func TestAnEmptyLedgerHasCopies(t *testing.T) {
	e := drill(t, 0)
	e.rec.Ledger.Primary, e.rec.Ledger.OldPrimary = "west.db", "east.db"
	if err := e.write(copies{serving: found(), old: found()}); err != nil {
		t.Fatal(err)
	}
	if l := e.rec.Ledger; len(l.Copies) != 2 || l.Copies[0].Count != 0 || len(e.attempts(t)) != 0 {
		t.Errorf("%+v", l.Copies)
	}
}
