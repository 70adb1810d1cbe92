package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/conformance"
	"blackstart/harness/targets/containers"
	targetfinrag "blackstart/harness/targets/finrag"
	"blackstart/harness/targets/processes"
	"blackstart/harness/targets/undostate"
)

// recoverBy is a target's way of undoing what a killed run has left, without what only that target knows.
func recoverBy(f func(context.Context, string, *harness.Record) (undostate.Recovered, error)) func(context.Context, string, *harness.Record) ([]harness.Event, []int, error) {
	return func(ctx context.Context, dir string, rec *harness.Record) ([]harness.Event, []int, error) {
		done, err := f(ctx, dir, rec)
		return done.Events, done.Restored, err
	}
}

// onProcesses is the target of local processes.
var onProcesses = conformance.Target{
	Name: "processes",
	New: func() harness.Driver {
		o := processes.OptionsFromEnvironment()
		o.CacheDir = filepath.Join(os.TempDir(), fmt.Sprintf("blackstart-test-cache-%d", os.Getuid()))
		return processes.New(o)
	},
	Dir:     publicDir,
	Left:    processesLeft,
	Recover: recoverBy(processes.Recover),
}

// onContainers is the target of containers.
var onContainers = conformance.Target{
	Name: "containers",
	New:  func() harness.Driver { return containers.New(containers.OptionsFromEnvironment()) },
	Dir:  func(t *testing.T) string { return t.TempDir() },
	Left: func(t *testing.T, _, runID string) []string {
		t.Helper()
		found, err := containers.Left(context.Background(), runID)
		if err != nil {
			t.Fatal(err)
		}
		return found
	},
	Recover:         recoverBy(containers.Recover),
	OutlivesHarness: true,
}

// TestMain builds finrag as its image needs it, and turns this binary into the harness that one test kills.
func TestMain(m *testing.M) {
	conformance.Child(onProcesses, onContainers)
	dir, err := os.MkdirTemp("", "finrag-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(targetfinrag.ProgramVariable) == "" {
		if err := buildBoth(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Setenv(targetfinrag.ProgramVariable, filepath.Join(dir, "finrag"))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// buildBoth builds finrag and the build before it as `make build` does.
func buildBoth(dir string) error {
	for name, flags := range map[string]string{
		"finrag": "-X main.build=test", "finrag-previous": "-X main.build=test-previous -X blackstart/cmd/finrag/internal/vector.Rule=1",
	} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", flags, "-o", filepath.Join(dir, name), "blackstart/cmd/finrag")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("TestProcesses starts two regions several times; it is left out of the quick tests")
	}
	conformance.Run(t, onProcesses)
}

func TestContainers(t *testing.T) {
	if testing.Short() {
		t.Skip("TestContainers starts two regions several times; it is left out of the quick tests")
	}
	if err := onContainers.New().Check(context.Background(), harness.StartRequest{}); err != nil {
		if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
			t.Fatalf("TestContainers must not be skipped here: %v", err)
		}
		t.Skipf("TestContainers needs a container engine: %v", err)
	}
	conformance.Run(t, onContainers)
}

// publicDir is a state directory that PostgreSQL's account can reach.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "conformance-*")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// processesLeft finds what works in, or was started with, the directory, and the directory of the sockets.
func processesLeft(t *testing.T, dir, _ string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		b, _ := os.ReadFile(path) // a process may end meanwhile
		cwd, _ := os.Readlink(filepath.Join(filepath.Dir(path), "cwd"))
		if (strings.Contains(string(b), dir+"/") || strings.HasPrefix(cwd, dir+"/")) && len(b) > 0 {
			found = append(found, string(b))
		}
	}
	sockets, err := os.ReadFile(filepath.Join(dir, "target", "sockets"))
	if errors.Is(err, fs.ErrNotExist) {
		return found
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(string(sockets)); err == nil {
		found = append(found, string(sockets))
	}
	return found
}
