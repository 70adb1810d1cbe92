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
	"blackstart/harness/targets/containers"
)

func newDriver() harness.Driver { return containers.New(containers.OptionsFromEnvironment()) }

// TestAnEngineThatWasNotNamedIsRefused names an engine that is not there, on a machine that may have another.
func TestAnEngineThatWasNotNamedIsRefused(t *testing.T) {
	if os.Getenv("CONTAINERS_TEST_NAMED") != "" {
		fmt.Println("answer:", newDriver().Check(context.Background(), harness.StartRequest{}))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestAnEngineThatWasNotNamedIsRefused$")
	cmd.Env = append(os.Environ(), "CONTAINERS_TEST_NAMED=1", "DOCKER_HOST=unix://"+filepath.Join(t.TempDir(), "none.sock"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "answer: ") || strings.Contains(string(out), "answer: <nil>") ||
		!strings.Contains(string(out), "DOCKER_HOST") {
		t.Errorf("%v\n%s", err, out)
	}
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
