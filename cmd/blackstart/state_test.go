package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// exitOf is the exit code that an error ends the process with, and its hint.
func exitOf(t *testing.T, err error) (code int, hint string) {
	t.Helper()
	var exit *exitError
	if !errors.As(err, &exit) {
		t.Fatalf("%v carries no exit code", err)
	}
	return exit.code, exit.hint
}

func TestStateDir(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", "here")
	if dir, err := stateDir(); err != nil || !filepath.IsAbs(dir) || filepath.Base(dir) != "here" {
		t.Errorf("%q, %v", dir, err)
	}
	t.Setenv("BLACKSTART_STATE", "")
	t.Setenv("XDG_STATE_HOME", "/xdg")
	want := "/xdg/blackstart"
	if os.Geteuid() == 0 {
		want = "/var/lib/blackstart"
	}
	if dir, err := stateDir(); err != nil || dir != want {
		t.Errorf("%q, want %q, %v", dir, want, err)
	}
}

func TestWriteAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, text := range []string{"first", "second, longer", "3"} {
		if err := writeAtomic(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something is left beside the file: %v", entries)
	}
	full := filepath.Join(dir, "full") // a folder in its place: the rename fails, the half-made file goes
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeAtomic(full, []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	if _, err := os.Stat(full + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-made file is left: %v", err)
	}
	if err := writeAtomic(filepath.Join(dir, "nowhere", "f"), nil); err == nil {
		t.Error("written into a folder that does not exist")
	}
}

func TestWriteAtomicOnAFullDiskKeepsTheOldFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small disk needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH) //nolint:errcheck // the folder goes with the test
	path := filepath.Join(dir, "record.json")
	if err := writeAtomic(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	if err := writeAtomic(path, make([]byte, 1<<20)); err == nil {
		t.Fatal("a megabyte went onto a disk of 64 KiB")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half-written file is left: %v", err)
	}
}

func TestLockIsHeldOnce(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	first, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	_, err = openState()
	if err == nil {
		t.Fatal("two hold the lock")
	}
	code, hint := exitOf(t, err)
	if code != harness.ExitHarness || !strings.Contains(err.Error(), fmt.Sprintf("pid %d since", os.Getpid())) || hint == "" {
		t.Errorf("exit %d, %v, hint %q", code, err, hint)
	}
	first.close()
	second, err := openState()
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	second.close()
}

// TestALockThatIsLookedAtIsNotHeld: whoever looks whether a lock is free has it for a moment, and keeps no drill from it.
func TestALockThatIsLookedAtIsNotHeld(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	first, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(lockPatience/5, first.close)
	second, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	second.close()
}

func TestLeftovers(t *testing.T) {
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	st, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	defer st.close()
	if left, err := st.unfinishedRuns(); err != nil || len(left) != 0 {
		t.Fatalf("%v, %v", left, err)
	}
	for _, info := range []runInfo{{RunID: "a", Name: "x"}, {RunID: "b", Kept: true}} {
		if _, err := st.begin(info); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(st.dir, "runs")
	err = errors.Join(os.Mkdir(filepath.Join(dir, "c"), 0o755), os.Mkdir(filepath.Join(dir, "d"), 0o755),
		os.WriteFile(filepath.Join(dir, "d", "run.json"), []byte(`{"run_id":`), 0o644), os.WriteFile(filepath.Join(dir, "note"), nil, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	left, err := st.unfinishedRuns()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, l := range left {
		ids = append(ids, l.info.RunID)
	}
	if strings.Join(ids, " ") != "a c d" {
		t.Errorf("leftovers %v, want a, c and d: b was kept on request, note is no directory", ids)
	}
}

func TestPlaceForKeepsEarlierPacks(t *testing.T) {
	dir := t.TempDir()
	path, err := placeFor(dir, "null")
	if err != nil || path != filepath.Join(dir, "null.zip") {
		t.Fatalf("%q, %v", path, err)
	}
	at := time.Date(2026, 5, 4, 3, 2, 1, 678_000_000, time.UTC)
	for _, name := range []string{"null.zip", "null.root.pem"} {
		p := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(p, []byte("first "+name), 0o644), os.Chtimes(p, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if path, err = placeFor(dir, "null"); err != nil || path != filepath.Join(dir, "null.zip") {
		t.Fatalf("%q, %v", path, err)
	}
	for from, name := range map[string]string{"null.zip": "null.20260504T030201.678Z.zip", "null.root.pem": "null.20260504T030201.678Z.root.pem"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != "first "+from {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the place is not free: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil { // one without a root
		t.Fatal(err)
	}
	if _, err := placeFor(dir, "null"); err != nil {
		t.Error(err)
	}
	if packs, _ := filepath.Glob(filepath.Join(dir, "*.zip")); len(packs) != 2 {
		t.Errorf("packs %v, want 2", packs)
	}
}

// halfDrill is a drill whose state directory exists and that has run nothing.
func halfDrill(t *testing.T, keep bool) *drillRun {
	t.Helper()
	t.Setenv("BLACKSTART_STATE", t.TempDir())
	st, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	d, err := newDrillRun(drillRequest{flags: runFlags{out: t.TempDir(), keepState: keep}, state: st})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGiveUp(t *testing.T) {
	cause := errors.New("cause")
	inForce := func(t *testing.T, d *drillRun) {
		log, err := harness.CreateUndoLog(filepath.Join(d.dir, "undo.jsonl"), d.clock)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = log.Put("region.partition", harness.Step{}); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		keep     bool
		before   func(*testing.T, *drillRun)
		err      error
		code     int
		says     string
		dirStays bool
		leftover bool
	}{
		"nothing started":       {err: cause, code: harness.ExitHarness, says: "cause"},
		"own exit code":         {err: usage(cause, ""), code: harness.ExitUsage, says: "cause"},
		"interrupted":           {err: fmt.Errorf("fetch: %w", context.Canceled), code: harness.ExitStopped, says: "interrupted before anything was started"},
		"kept on request":       {keep: true, err: cause, code: harness.ExitHarness, says: "cause", dirStays: true},
		"may be in force":       {before: inForce, err: cause, code: harness.ExitUndo, says: "state is kept in", dirStays: true, leftover: true},
		"undo log unreadable":   {before: func(t *testing.T, d *drillRun) { _ = os.Mkdir(filepath.Join(d.dir, "undo.jsonl"), 0o755) }, err: cause, code: harness.ExitUndo, says: "kept", dirStays: true, leftover: true},
		"recorded but unsealed": {before: func(_ *testing.T, d *drillRun) { d.unsealed = true }, err: cause, code: harness.ExitHarness, says: "what was recorded is kept in", dirStays: true, leftover: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := halfDrill(t, c.keep)
			if c.before != nil {
				c.before(t, d)
			}
			err := d.abandon(c.err)
			code, hint := exitOf(t, err)
			if code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("exit %d, %v; want %d, %q", code, err, c.code, c.says)
			}
			if c.leftover && !strings.Contains(hint, "blackstart undo") {
				t.Errorf("the hint does not name the undo command: %q", hint)
			}
			_, statErr := os.Stat(d.dir)
			if stays := statErr == nil; stays != c.dirStays {
				t.Errorf("the state directory stays: %v, want %v", stays, c.dirStays)
			}
			if left, err := d.state.unfinishedRuns(); err != nil || (len(left) == 1) != c.leftover {
				t.Errorf("leftovers %v (%v), want one: %v", left, err, c.leftover)
			}
		})
	}
}

func TestRunInfoSaysWhoseRunItIs(t *testing.T) {
	d := halfDrill(t, false)
	data, err := os.ReadFile(filepath.Join(d.dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info runInfo
	if err := json.Unmarshal(data, &info); err != nil {
		t.Fatal(err)
	}
	if info.RunID != d.runID || info.PID != os.Getpid() || info.Started.IsZero() || !filepath.IsAbs(info.Out) || info.Kept {
		t.Errorf("%+v", info)
	}
}

func TestExecuteSaysErrorAndHint(t *testing.T) {
	var out, errs strings.Builder
	if code := execute(t.Context(), []string{"list", "nothing"}, &out, &errs); code != harness.ExitUsage {
		t.Errorf("exit %d", code)
	}
	if out.Len() != 0 || !strings.HasPrefix(errs.String(), "error: there is no list of \"nothing\"\nhint: there are: ") {
		t.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
}
