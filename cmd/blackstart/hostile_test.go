package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"blackstart/evidence"
	"blackstart/harness"
	"blackstart/harness/probes"
)

// A run says why it ended without a pack even where the disk is full.
func TestOnAFullDiskARunStillSaysWhyItEnded(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer func() { _ = syscall.Unmount(dir, 0) }()
	st := state{dir: dir}
	run, err := st.begin(runInfo{RunID: "run"})
	if err != nil {
		t.Fatal(err)
	}
	fill, err := os.Create(filepath.Join(dir, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = fill.Write(bytes.Repeat([]byte("x"), 4096))
	}
	if err := fill.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.ENOSPC) || writeAtomic(filepath.Join(run, "more"), make([]byte, 4096)) == nil {
		t.Fatalf("the disk is not full: %v", err)
	}
	if err := writeEndReason(run, "seal pack: no space left on device "+strings.Repeat("é", endedBytes)); err != nil {
		t.Fatal(err)
	}
	l := unfinishedRun{dir: run}
	if got := l.gone(); !strings.HasPrefix(got, "the process ended without a pack (seal pack: no space left on device") {
		t.Errorf("told as %.100q", got)
	}
	if got := (unfinishedRun{dir: t.TempDir()}).gone(); !strings.Contains(got, "left no word") {
		t.Errorf("of a run that said nothing it is told: %q", got)
	}
}

// A run that can never be sealed is put aside and named; what the machine refuses waits for it to be mended.
func TestWhatCannotBeSealedIsParked(t *testing.T) {
	for name, c := range map[string]struct {
		why    error
		parked bool
	}{
		"its content":      {errors.New("External-Description must be one trimmed line"), true},
		"a full disk":      {fmt.Errorf("write: %w", syscall.ENOSPC), false},
		"a missing folder": {&os.PathError{Op: "open", Path: "/nowhere", Err: syscall.ENOENT}, false},
	} {
		state := t.TempDir()
		dir := filepath.Join(state, "runs", "run")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		e := unfinishedRun{dir: dir}.quarantine(c.why, evidence.NewRedactor())
		_, here := os.Stat(dir)
		_, aside := os.Stat(filepath.Join(state, "parked", "run"))
		if e.code != harness.ExitHarness || (aside == nil) != c.parked || (here == nil) == c.parked {
			t.Errorf("%s: exit %d, here %v, aside %v", name, e.code, here, aside)
		}
		if c.parked && !strings.Contains(e.hint, "blocks no other drill") {
			t.Errorf("%s: %q", name, e.hint)
		}
	}
}

// Files of a scenario stand apart in a pack: no line of one can be taken for the beginning of another.
func TestAScenarioMayBeginLikeADelimiter(t *testing.T) {
	base, err := os.ReadFile("../../scenarios/finrag/region-partition.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first := "--- # extends null.yaml\n"
	child := []byte(first + "extends: region-partition.yaml\nmetadata: {name: child, title: a child, why: to see it read again}\n")
	for name, files := range map[string][]evidence.ScenarioFile{
		"region-partition": {{Name: "region-partition.yaml", Data: append([]byte(first), base...)}},
		"child":            {{Name: "child.yaml", Data: child}, {Name: "region-partition.yaml", Data: base}},
	} {
		s, err := resolveScenario(files, "fast")
		if err != nil || s.Metadata.Name != name || len(s.Faults) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := resolveScenario(nil, "fast"); err == nil {
		t.Error("a pack whose inputs name no scenario has one")
	}
}

// A message that our receiver refused is not told as received.
func TestARefusedMessageIsNotToldAsReceived(t *testing.T) {
	a := harness.Arrival{Channel: "pagerduty", Event: "trigger", Summary: "the standby lags", Status: 400}
	if e := arrivalEvent(a); e.Kind != "alert.refused" || !strings.Contains(e.Text, "refused with 400") {
		t.Errorf("%+v", e)
	}
	a.Accepted, a.Status = true, 202
	if e := arrivalEvent(a); e.Kind != "alert.received" || e.Text != "pagerduty received (trigger) the standby lags" {
		t.Errorf("%+v", e)
	}
}

// More messages than a record has room for are a shortage of ours, and said.
func TestMessagesThatWereNotKeptAreSaid(t *testing.T) {
	if got := droppedMessages(0); got != nil {
		t.Errorf("%v", got)
	}
	if got := droppedMessages(3); len(got) != 1 || !strings.Contains(got[0], "3 messages") {
		t.Errorf("%v", got)
	}
}

// Probes that write are opened only where the scenario needs them.
func TestNothingIsWrittenThatTheScenarioDoesNotNeed(t *testing.T) {
	writers := 0
	for _, k := range probes.Probes.All() {
		if k.New().Traits().Writes == "" {
			continue
		}
		writers++
		if uses(&harness.Scenario{}, k.Name) {
			t.Errorf("%s is opened where nothing is broken and nobody asks for it", k.Name)
		}
		asked := harness.Scenario{Guards: []harness.Guard{{Probe: k.Name}}}
		if !uses(&asked, k.Name) || !uses(&harness.Scenario{Faults: make([]harness.FaultSpec, 1)}, k.Name) {
			t.Errorf("%s is not opened where it is needed", k.Name)
		}
	}
	if writers < 2 {
		t.Errorf("%d probes say that they write", writers)
	}
}
