package harness

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
)

func openLog(t *testing.T) (*UndoLog, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "undo.jsonl")
	log, err := CreateUndoLog(path, NewClock())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return log, path
}

func step(link string) Step {
	return Step{Do: Action{Kind: LinkCut, Links: []string{link}}, Undo: Action{Kind: LinkHeal, Links: []string{link}}}
}

func TestUndoLogListsWhatMayBeInForceLatestFirst(t *testing.T) {
	log, path := openLog(t)
	for _, name := range []string{"a", "b", "c"} {
		n, err := log.Put("region.partition", step(name))
		if err != nil {
			t.Fatal(err)
		}
		if name != "c" { // c was put and never done: it may be in force all the same
			if err := log.Done(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := log.Undone(1); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadUndoLog(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Step.Undo.Links[0] != "c" || entries[1].Step.Undo.Links[0] != "a" {
		t.Errorf("in force: %+v, want c then a", entries)
	}
}

func TestUndoLogForgivesATornTailAndNothingElse(t *testing.T) {
	log, path := openLog(t)
	if _, err := log.Put("region.kill", step("a")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range whole {
		if err := os.WriteFile(path, append(append([]byte{}, whole...), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		if entries, err := ReadUndoLog(path); err != nil || len(entries) != 1 {
			t.Fatalf("torn at %d: %d entries, %v", cut, len(entries), err)
		}
	}
	if err := os.WriteFile(path, append([]byte("{\"n\":\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadUndoLog(path); err == nil {
		t.Error("a broken line in the middle was read as if nothing were wrong")
	}
	if entries, err := ReadUndoLog(path + ".none"); err != nil || entries != nil {
		t.Errorf("no log: %v, %v", entries, err)
	}
}

func TestUndoLogIsNeverOverwritten(t *testing.T) {
	_, path := openLog(t)
	if _, err := CreateUndoLog(path, NewClock()); err == nil {
		t.Error("a second drill took over the undo log of the first")
	}
}

// TestAFullDiskIsNoFailedUndo: where the undo log cannot be written any more, what is taken back is taken back and proved; the drill
// says what happened, and nobody is told that something is in force.
func TestAFullDiskIsNoFailedUndo(t *testing.T) {
	r := newRig()
	undone := false
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := r.parts(dir, NewClock())
		p.Undone = func() { undone = true }
		d := newDrill(p)
		p.Watch = func(pr Progress) {
			if pr.Phase == "watch" && d.undoLog != nil {
				_ = d.undoLog.f.Close() // from here on nothing can be written
			}
		}
		d.Watch = p.Watch
		err := d.run(t.Context())
		if closeErr := d.close(); !errors.Is(closeErr, os.ErrClosed) {
			t.Errorf("%v, %v", err, closeErr)
		}
		if f := d.rec.Faults[0]; !d.rec.Undo.Complete || !undone || !f.Restored || f.Undone.Never() || !slices.Contains(r.told, "link.heal") {
			t.Errorf("undo %+v, fault %+v, told %v", d.rec.Undo, f, r.told)
		}
	})
	if open, err := ReadUndoLog(filepath.Join(dir, "undo.jsonl")); err != nil || len(open) != 1 {
		t.Errorf("the log was written: %v, %v", open, err)
	}
}
