package scratch

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
	"blackstart/harness/loads"
	"blackstart/harness/measure"
	"blackstart/harness/reconcile"
)

// diaries is a driver whose old node can be read where it is.
type diaries struct {
	harness.Driver
	dir string
}

func (d diaries) access(_, component string) (harness.Access, error) {
	return harness.Access{Address: filepath.Join(d.dir, component)}, nil
}

func (d diaries) StartAlone(_ context.Context, component string) (harness.Access, func(context.Context) error, error) {
	a, err := d.access("", component)
	return a, func(context.Context) error { return nil }, err
}

func (d diaries) LedgerCommits(context.Context, string, string, string) (harness.WALReport, []harness.WALCommit, error) {
	return harness.WALReport{}, nil, errors.New("a diary keeps no log")
}

// A ledger of a new kind is written, looked up on both sides and counted, and all that knows of it is its file.
func TestALedgerIsOneFile(t *testing.T) {
	root := t.TempDir()
	d := diaries{dir: t.TempDir()}
	east, west := filepath.Join(d.dir, "east.diary"), filepath.Join(d.dir, "west.diary")
	spec := harness.LoadSpec{ID: "notes", Workload: "diary.ledger", Place: harness.Outside, Rate: harness.Rate{Count: 200, Per: time.Second},
		Timeout: harness.Duration(10 * time.Second)}
	rec := &harness.Record{Scenario: harness.Scenario{Load: []harness.LoadSpec{spec}}}
	around := harness.RunningTarget{RunID: uuid.Must(uuid.NewV7()).String(), Clock: harness.NewClock(), Access: d.access, DataDir: filepath.Join(root, "data")}
	around.Target = harness.Description{
		Regions: []harness.Region{{Name: "east", Role: harness.Primary}, {Name: "west", Role: harness.Standby}},
		Components: []harness.Component{
			{Name: "east.diary", Kind: "diary", Region: "east", Role: harness.Primary}, {Name: "west.diary", Kind: "diary", Region: "west", Role: harness.Standby},
		},
	}
	if refused := reconcile.Refusals(rec.Scenario.Load, around.Target); len(refused) > 0 {
		t.Fatal(refused)
	}
	rec.RunID, rec.Anchor = around.RunID, around.Clock.Anchor()
	write(t, east+".leads", nil)
	if err := reconcile.Prepare(rec.Scenario.Load)(t.Context(), around); err != nil {
		t.Fatal(err)
	}
	rec.Streams = play(t, spec, around, 40)

	// The other node takes over without the last three lines, and with the first one twice.
	lines := bytes.SplitAfter(bytes.TrimSpace(read(t, east)), []byte("\n"))
	write(t, west, bytes.Join(append(lines[:len(lines)-3], lines[0]), nil))
	write(t, west+".leads", nil)
	if err := os.Remove(east + ".leads"); err != nil {
		t.Fatal(err)
	}
	if err := reconcile.Ledger(d)(t.Context(), around, rec); err != nil {
		t.Fatal(err)
	}
	l, classes := rec.Ledger, map[string]int{}
	for a, err := range measure.Files(os.DirFS(root), rec).Attempts(1) {
		if err != nil {
			t.Fatal(err)
		}
		classes[measure.ClassOf(a)]++
	}
	if want := map[string]int{measure.Durable: len(lines) - 3, measure.Lost: 3}; !maps.Equal(classes, want) {
		t.Errorf("the writes are %v, want %v", classes, want)
	}
	if !l.Promoted || !l.Read || !l.OldRead || l.OldOnly != 3 || l.BusinessTwice != 1 || l.WALDetail == "" {
		t.Errorf("the record says %+v", l)
	}
}

// play lets a load run until at least n writes were acknowledged.
func play(t *testing.T, spec harness.LoadSpec, around harness.RunningTarget, n int) []harness.Stream {
	t.Helper()
	l, _, err := loads.Open(1, spec, around)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for l.Live().Results < n {
		time.Sleep(time.Millisecond)
		if t.Context().Err() != nil {
			t.Fatal("the load does not get on")
		}
	}
	l.Stop()
	streams, err := l.Wait()
	if err != nil || len(streams) != 2 || streams[1].Kind != "ledger" || streams[1].Count < n {
		t.Fatalf("%+v, %v", streams, err)
	}
	return streams
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
