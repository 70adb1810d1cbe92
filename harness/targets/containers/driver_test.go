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

// TestNoProxyBeforeTheEngine plants a proxy before an engine over TCP, in a process of its own: Go reads proxies once.
func TestNoProxyBeforeTheEngine(t *testing.T) {
	if os.Getenv("CONTAINERS_TEST_PROXY") != "" {
		fmt.Println("answer:", newDriver().Check(context.Background(), harness.StartRequest{}))
		return
	}
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	asked := make(chan struct{}, 100)
	go func() {
		for {
			c, err := proxy.Accept()
			if err != nil {
				return
			}
			asked <- struct{}{}
			_ = c.Close()
		}
	}()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestNoProxyBeforeTheEngine$")
	cmd.Env = append(os.Environ(), "CONTAINERS_TEST_PROXY=1", "DOCKER_HOST=tcp://engine.invalid:2375", "HOME="+t.TempDir())
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"=http://"+proxy.Addr().String())
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "answer: ") {
		t.Errorf("%v\n%s", err, out)
	}
	if len(asked) > 0 {
		t.Errorf("the proxy was asked %d times for the engine", len(asked))
	}
}
