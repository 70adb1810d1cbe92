package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"blackstart/evidence"
	"blackstart/evidence/register"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
)

// TestRunIsSealedOnce, by whoever seals it, and whatever is lost of its pack before its register is there again: undo puts the same
// bytes back, and the register is told of them.
func TestRunIsSealedOnce(t *testing.T) {
	for i, lost := range [][]string{nil, {".zip"}, {".root.pem"}, {".zip", ".root.pem"}} {
		d, b, store := openedBag(t)
		out := filepath.Join(filepath.Dir(store), "out")
		d.flags.out, d.scenario = out, b.rec.Scenario
		name := filepath.Join(out, d.scenario.Metadata.Name)
		l := unfinishedRun{dir: d.dir, info: runInfo{RunID: d.runID, Name: d.scenario.Metadata.Name, Out: out, Store: store, RegisterKey: d.register.flags.key}}
		undo := func() error {
			return l.keepRecord(t.Context(), false, undoOutcome{}, d.redact, func(string) {})
		}
		if err := errors.Join(b.bind(), b.die(out), os.MkdirAll(out, 0o755), os.Rename(store, store+".away")); err != nil {
			t.Fatal(err)
		}
		var err error
		if i%2 == 0 {
			if d.junit, err = os.Create(filepath.Join(t.TempDir(), "junit.xml")); err != nil {
				t.Fatal(err)
			}
			_, err = d.seal(t.Context(), b.rec)
		} else {
			err = undo()
		}
		if !strings.Contains(fmt.Sprint(err), "the drive mounted") && !strings.Contains(fmt.Sprint(err), "the store is gone") {
			t.Fatalf("the store is away: %v", err)
		}
		if d.junit != nil { // how the drill ended is told, though its register is away
			if said, err := os.ReadFile(d.junit.Name()); err != nil || !strings.Contains(string(said), "<testsuite") {
				t.Errorf("JUnit: %q, %v", said, err)
			}
		}
		first, err := digestOf(name + ".zip")
		if err != nil {
			t.Fatal(err)
		}
		for _, ext := range lost {
			if err := os.Rename(name+ext, filepath.Join(out, "moved"+ext)); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Rename(store+".away", store), undo()); err != nil {
			t.Fatal(err)
		}
		again, err := digestOf(name + ".zip")
		if _, rootErr := seal.LoadRoots(name + ".root.pem"); err != nil || rootErr != nil || again != first || outcomeIn(t, store).PackSHA256 != first {
			t.Errorf("%v lost: sealed %s, then %s, %v, %v; the register has %s", lost, first, again, err, rootErr, outcomeIn(t, store).PackSHA256)
		}
		if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
			t.Errorf("the run's state is left: %v", err)
		}
	}
}

// openedRun is a drill that was opened in a register and has recorded nothing yet.
func openedRun(t *testing.T) (*drillRun, string) {
	t.Helper()
	d, _, store := openedBag(t)
	return d, store
}

func openedBag(t *testing.T) (*drillRun, *bagged, string) {
	t.Helper()
	dir := t.TempDir()
	return openedIn(t, dir, storeFlags{filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")})
}

// openedIn makes the store, too, and gives its name as the run knows it.
func openedIn(t *testing.T, dir string, f storeFlags) (*drillRun, *bagged, string) {
	t.Helper()
	if out, code := command(t, "store", "init", f.place, "--register-key", f.key); code != 0 {
		t.Fatal(out)
	}
	w, err := f.writer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	k := fixtureKinds[""]
	k.register = w
	d := &drillRun{runID: uuid.Must(uuid.NewV7()).String(), dir: filepath.Join(dir, "run"), executor: "a tester", redact: evidence.NewRedactor(), shutdown: newGracefulShutdown()}
	d.register, d.screen = w, newScreen(io.Discard, false)
	d.shutdown.markUndone()
	fixtures.Lock()
	defer fixtures.Unlock()
	b, err := newBagOf(k, d.dir, d.runID, "queries", "edge")
	if err != nil {
		t.Fatal(err)
	}
	return d, b, f.place
}

// outcomeIn is how the one run of a store stands in its register.
func outcomeIn(t *testing.T, store string) register.Run {
	t.Helper()
	l, err := (&storeFlags{place: store}).open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l.Runs(l.Size())[0]
}

// TestRunThatEndsWithoutAPackIsClosed: as interrupted, with why.
func TestRunThatEndsWithoutAPackIsClosed(t *testing.T) {
	d, store := openedRun(t)
	if err := d.abandon(errors.New("the drill did not start")); err == nil {
		t.Error("it gave up without an error")
	}
	if r := outcomeIn(t, store); r.Outcome != register.Interrupted || r.Reason != "the drill did not start" || r.EndedBy != "a tester" {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
		t.Errorf("the run's state is left: %v", err)
	}
}

// TestRunWaitsForAStoreThatIsAway: its state is kept, and the person is told what closes it.
func TestRunWaitsForAStoreThatIsAway(t *testing.T) {
	d, store := openedRun(t)
	if err := os.Rename(store, store+".away"); err != nil {
		t.Fatal(err)
	}
	var exit *exitError
	err := d.abandon(errors.New("the drill did not start"))
	if !errors.As(err, &exit) || exit.code != harness.ExitHarness || !strings.Contains(exit.hint, "it closes the run in its register") ||
		!strings.Contains(err.Error(), "the store is gone") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(d.dir); err != nil {
		t.Errorf("the run's state is not kept: %v", err)
	}
	if r := outcomeIn(t, store+".away"); r.Outcome != register.NeverClosed {
		t.Errorf("%+v", r)
	}
}

// TestOpeningWhoseReplyWasLostIsClosed: it is not among the entries that this process knows.
func TestOpeningWhoseReplyWasLostIsClosed(t *testing.T) {
	d, store := openedRun(t)
	known := d.register.log
	d.register.log = &register.Log{About: known.About}
	if err := os.Rename(store, store+".away"); err != nil {
		t.Fatal(err)
	}
	if err := d.abandon(errors.New("connection reset")); !strings.Contains(fmt.Sprint(err), "the run's state is kept") {
		t.Errorf("a register that is away: %v", err)
	}
	if _, err := os.Stat(d.dir); err != nil {
		t.Errorf("the run's state is not kept: %v", err)
	}
	if err := os.Rename(store+".away", store); err != nil {
		t.Fatal(err)
	}
	d.unclosed = false
	if err := d.abandon(errors.New("connection reset")); err == nil {
		t.Error("it gave up without an error")
	}
	if r := outcomeIn(t, store); r.Outcome != register.Interrupted || r.Reason != "connection reset" {
		t.Errorf("%+v", r)
	}
}

// TestParkedReasonHasNoSecret: what keeps a run from being sealed may quote one.
func TestParkedReasonHasNoSecret(t *testing.T) {
	const secret = "918273645546372819000000000000"
	d, store := openedRun(t)
	l := unfinishedRun{dir: filepath.Join(t.TempDir(), "runs", d.runID), info: runInfo{RunID: d.runID, Store: store, RegisterKey: d.register.flags.key}}
	file := filepath.Join(finrag.TargetDir(l.dir), "secrets", finrag.CallToken)
	err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(secret+"\n"), 0o600),
		os.WriteFile(filepath.Join(l.dir, "record.json"), []byte(`{"anchor":`+secret+`}`), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	e := l.finish(t.Context(), func(string) {}, func() {})
	if r := outcomeIn(t, store); r.Outcome != register.ParkedOutcome || !strings.Contains(r.Reason, "cannot parse") || strings.Contains(r.Reason, secret) {
		t.Errorf("%v: %s, %s", e, r.Outcome, r.Reason)
	}
}

// TestParkedRunIsEntered: one that can never be sealed.
func TestParkedRunIsEntered(t *testing.T) {
	d, store := openedRun(t)
	l := unfinishedRun{dir: filepath.Join(t.TempDir(), "runs", d.runID), info: runInfo{RunID: d.runID, Store: store, RegisterKey: d.register.flags.key}}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	park := func() string {
		return l.quarantine(errors.New("its record is not JSON"), d.redact).hint
	}
	if err := os.Rename(store, store+".away"); err != nil {
		t.Fatal(err)
	}
	if hint := park(); !strings.Contains(hint, "its state is kept in") {
		t.Errorf("a register that is away: %s", hint)
	}
	if _, err := os.Stat(l.dir); err != nil {
		t.Errorf("it is put aside before its register was told: %v", err)
	}
	if err := os.Rename(store+".away", store); err != nil {
		t.Fatal(err)
	}
	if hint := park(); !strings.Contains(hint, "parked in") {
		t.Error(hint)
	}
	if r := outcomeIn(t, store); r.Outcome != register.ParkedOutcome || r.Reason != "its record is not JSON" {
		t.Errorf("%+v", r)
	}
}
