package containers_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/targets/conformance"
	"blackstart/harness/targets/containers"
	"blackstart/harness/targets/processes"
)

// TestMain builds finrag as its image needs it, and turns this binary into the harness that one test kills.
func TestMain(m *testing.M) {
	conformance.Child(newDriver)
	dir, err := os.MkdirTemp("", "finrag-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(processes.FinragVariable) == "" {
		finrag := filepath.Join(dir, "finrag")
		build := exec.Command("go", "build", "-trimpath", "-o", finrag, "blackstart/cmd/finrag")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build finrag: %v\n%s", err, out)
			os.Exit(1)
		}
		os.Setenv(processes.FinragVariable, finrag)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func newDriver() harness.Driver { return containers.New(containers.OptionsFromEnvironment()) }

// needEngine skips a test, by name and with the reason, where no engine answers.
func needEngine(t *testing.T) {
	t.Helper()
	if err := containers.New(containers.OptionsFromEnvironment()).Check(context.Background(), harness.StartRequest{}); err != nil {
		t.Skipf("%s needs a container engine: %v", t.Name(), err)
	}
}

func left(t *testing.T, _, runID string) []string {
	t.Helper()
	found, err := containers.Left(context.Background(), runID)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestConformance(t *testing.T) {
	needEngine(t)
	if testing.Short() {
		t.Skip("TestConformance starts containers; it is left out of the quick tests")
	}
	conformance.Run(t, conformance.Target{
		New: newDriver, Left: left, OutlivesHarness: true,
		Dir: func(t *testing.T) string { return t.TempDir() },
		Recover: func(ctx context.Context, dir string) error {
			_, err := containers.Recover(ctx, dir)
			return err
		},
	})
}

// TestSilentEngine asks an engine that never answers, in a process of its own: testcontainers remembers what it found.
func TestSilentEngine(t *testing.T) {
	if os.Getenv("CONTAINERS_TEST_SILENT") != "" {
		fmt.Println("answer:", newDriver().Check(context.Background(), harness.StartRequest{}))
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestSilentEngine$")
	cmd.Env = append(os.Environ(), "CONTAINERS_TEST_SILENT=1", "DOCKER_HOST=tcp://"+l.Addr().String())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "no container engine answers") || !strings.Contains(string(out), "--on processes") {
		t.Errorf("%v\n%s", err, out)
	}
}
