package finrag

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"blackstart/harness"
	"blackstart/harness/targets/undostate"
)

// healer is a way that heals links, or cannot.
type healer struct {
	Ground
	healed []string
	err    error
	gone   string // a component of which nothing is left
}

func (h *healer) Gone(_ context.Context, component string) error {
	if component == h.gone {
		return &harness.GoneError{Component: component, Found: "no container"}
	}
	return nil
}

func (h *healer) Connect(context.Context, string) (*pgx.Conn, error) {
	return nil, errors.New("no route")
}

func (h *healer) Heal(_ context.Context, a harness.Action) error {
	h.healed = append(h.healed, a.Links...)
	return h.err
}

func cutting(kind string, fences bool, links ...string) harness.FaultRecord {
	step := harness.Step{Do: harness.Action{Kind: harness.LinkCut, Links: links}, Undo: harness.Action{Kind: harness.LinkHeal, Links: links}}
	var names []string
	if fences {
		names = []string{"east.db"}
	}
	return harness.FaultRecord{Do: harness.Interval{Lo: 1, Hi: 2}, Plan: harness.Plan{
		Fault: harness.FaultSpec{Kind: kind}, Steps: []harness.Step{step}, Fences: names,
		Restored: []harness.Check{{Kind: harness.ComponentRuns, On: "nowhere"}},
	}}
}

// killedIn is a run that was killed while faults were in force.
func killedIn(t *testing.T, faults ...harness.FaultRecord) *undostate.State {
	t.Helper()
	dir := t.TempDir()
	log, err := harness.CreateUndoLog(filepath.Join(dir, "undo.jsonl"), harness.NewClock())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if _, err := log.Put(f.Plan.Fault.Kind, f.Plan.Steps[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return undostate.Read(dir, &harness.Record{Faults: faults})
}

func takeBack(t *testing.T, l *undostate.State, err error) []string {
	t.Helper()
	about, outlineErr := (Kind{Simulated: func(Settings) []string { return nil }}).Outline(nil, nil)
	if outlineErr != nil {
		t.Fatal(outlineErr)
	}
	h := &healer{err: err}
	d := &Driver{}
	d.Attach(&Site{Described: about, Fenced: map[string]bool{}}, h)
	d.UndoOpenSteps(context.Background(), l)
	return h.healed
}

// TestTakeBackLeavesWhatNeedsAFence heals a link only if no fault has cut it whose undo needs a fence.
func TestTakeBackLeavesWhatNeedsAFence(t *testing.T) {
	for name, c := range map[string]struct {
		faults []harness.FaultRecord
		err    error
		healed []string
		last   string
	}{
		"alone":       {[]harness.FaultRecord{cutting("replication.break", false, WALLink)}, nil, []string{WALLink}, "not known to be over"},
		"fails":       {[]harness.FaultRecord{cutting("replication.break", false, WALLink)}, errors.New("no gate"), []string{WALLink}, "no gate"},
		"behind both": {[]harness.FaultRecord{cutting("replication.break", false, WALLink), cutting("region.partition", true, WALLink, "outside→east.db")}, nil, nil, "needs a fence"},
		"gone": {[]harness.FaultRecord{cutting("replication.break", false, WALLink)}, &harness.GoneError{Component: "nowhere", Found: "x"},
			[]string{WALLink}, "everything that could show it is gone"},
		"gone and worse": {[]harness.FaultRecord{cutting("replication.break", false, WALLink)},
			errors.Join(&harness.GoneError{Component: "nowhere", Found: "x"}, errors.New("no gate")), []string{WALLink}, "no gate"},
		"fence only":   {[]harness.FaultRecord{cutting("region.partition", true, WALLink)}, nil, nil, ""},
		"half of them": {[]harness.FaultRecord{cutting("x", false, WALLink, "outside→east.api"), cutting("y", true, WALLink)}, nil, []string{"outside→east.api"}, "not known to be over"},
	} {
		l := killedIn(t, c.faults...)
		healed := takeBack(t, l, c.err)
		last := ""
		if n := len(l.Events); n > 0 {
			last = l.Events[n-1].Text
		}
		if !slices.Equal(healed, c.healed) || !strings.Contains(last, c.last) || (c.last == "") != (last == "") || (len(l.Restored) > 0) != (name == "gone") {
			t.Errorf("%s: healed %v, %d restored, last %q", name, healed, len(l.Restored), last)
		}
	}
}

// TestWhatWasTakenBackIsStillToBeProved: between the last step of an undo and its proof a run can be killed too.
func TestWhatWasTakenBackIsStillToBeProved(t *testing.T) {
	fault, fenced := cutting("replication.pause", false, WALLink), cutting("region.kill", true, WALLink)
	restored, never := fault, fault
	restored.Restored, never.Do = true, harness.Interval{}
	for name, c := range map[string]struct {
		open, faults []harness.FaultRecord
		want         bool
	}{
		"in force": {[]harness.FaultRecord{fault}, []harness.FaultRecord{fault}, true}, "taken back": {nil, []harness.FaultRecord{fault}, true},
		"over": {nil, []harness.FaultRecord{restored}, false}, "never done": {nil, []harness.FaultRecord{never}, false},
		"fenced": {[]harness.FaultRecord{fenced}, []harness.FaultRecord{fenced}, false},
	} {
		l := killedIn(t, c.open...)
		l.Record.Faults = c.faults
		if l.Unproven() != c.want {
			t.Errorf("%s: unproven is %v", name, l.Unproven())
		}
	}
	l := killedIn(t)
	l.Record.Faults = []harness.FaultRecord{fault}
	if takeBack(t, l, nil); len(l.Restored) > 0 || len(l.Events) != 1 || !strings.Contains(l.Events[0].Text, "not known to be over") {
		t.Errorf("its check does not hold, and it is told %v, restored %v", l.Events, l.Restored)
	}
}

// TestUnknownStepsStay: a step of a fault that the record does not have may need a fence.
func TestUnknownStepsStay(t *testing.T) {
	l := killedIn(t, cutting("replication.break", false, WALLink))
	l.Record = &harness.Record{}
	if healed := takeBack(t, l, nil); len(healed) > 0 || len(l.Events) > 0 {
		t.Errorf("healed %v, told %v", healed, l.Events)
	}
}

// The secrets of a run are found wherever it keeps its state: one that is not found is not taken out of the pack.
func TestSecretsAreFoundInAnyDirectory(t *testing.T) {
	for _, name := range []string{"plain", "a [b] c", `b\ck`, "st*r", "qu?stion", "sp ace", "ü"} {
		runDir := filepath.Join(t.TempDir(), name)
		dir := filepath.Join(TargetDir(runDir), "secrets")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, DatabasePassword), []byte("hidden\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := SecretsIn(runDir); err != nil || len(got) != 1 || got[0] != "hidden" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err := os.Mkdir(filepath.Join(dir, CallToken), 0o700); err != nil { // what cannot be read as a file
			t.Fatal(err)
		}
		if got, err := SecretsIn(runDir); err == nil || len(got) > 0 {
			t.Errorf("%s: a secret that cannot be read is left out: %q", name, got)
		}
	}
	if got, err := SecretsIn(t.TempDir()); err != nil || len(got) > 0 {
		t.Errorf("of a run that drew none: %q, %v", got, err)
	}
}

// TestTakeBackOnWhatIsGone: an undo that fails because its component is gone is no failure; what was found is told, and what could
// be asked no more is not asked.
func TestTakeBackOnWhatIsGone(t *testing.T) {
	for gone, want := range map[string]string{"west.db": "west.db is gone: no container", "": "no route"} {
		step := harness.Step{Do: harness.Action{Kind: harness.SQLRun, Components: []string{"west.db"}, SQL: "x"},
			Undo: harness.Action{Kind: harness.SQLRun, Components: []string{"west.db"}, SQL: "y"}}
		l := killedIn(t, harness.FaultRecord{Do: harness.Interval{Lo: 1, Hi: 2}, Plan: harness.Plan{Fault: harness.FaultSpec{Kind: "replication.pause"},
			Steps: []harness.Step{step}, Restored: []harness.Check{{Kind: harness.ReplayRuns, On: "west.db"}}}})
		about, err := (Kind{Simulated: func(Settings) []string { return nil }}).Outline(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := &Driver{}
		d.Attach(&Site{Described: about, Fenced: map[string]bool{}}, &healer{gone: gone})
		d.UndoOpenSteps(t.Context(), l)
		var kinds, texts []string
		for _, e := range l.Events {
			kinds, texts = append(kinds, e.Kind), append(texts, e.Text)
		}
		wanted := []string{"component.gone", "fault.undone", "fault.restored"}
		if gone == "" {
			wanted = []string{"undo.failed"}
		}
		if !slices.Equal(kinds, wanted) || !strings.Contains(strings.Join(texts, "\n"), want) || (len(l.Restored) > 0) != (gone != "") {
			t.Errorf("%q is gone: %v\n%s", gone, kinds, strings.Join(texts, "\n"))
		}
	}
}
