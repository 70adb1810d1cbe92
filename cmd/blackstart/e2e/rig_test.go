package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

// bins holds the two programs, built once.
var bins string

func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		dir, err := os.MkdirTemp("", "blackstart-e2e-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL's account has to reach finrag
			return 1, err
		}
		bins = dir
		for _, p := range [][]string{
			{"blackstart", "blackstart", ""},
			{"finrag", "finrag", "-X main.build=2.1.0"},
			{"finrag-previous", "finrag", "-X main.build=2.0.0 -X blackstart/cmd/finrag/internal/vector.Rule=1"},
		} {
			name := p[0]
			build := exec.Command("go", "build", "-trimpath", "-ldflags", p[2], "-o", filepath.Join(dir, name), "blackstart/cmd/"+p[1])
			build.Env = append(os.Environ(), "CGO_ENABLED=0") // finrag's image has no libraries
			out, err := build.CombinedOutput()
			if err != nil {
				return 1, fmt.Errorf("build %s: %w\n%s", name, err, out)
			}
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const (
	scenarioDir = "../../../scenarios/finrag/"
	drillLimit  = 4 * time.Minute
)

// box is one state directory and one output directory.
type box struct {
	state, out string
	env        []string
	with       string // the program; "" for the one that was built for these tests
}

func newBox(t *testing.T) box {
	t.Helper()
	b := makeBox(t)
	b.removedAfter(t)
	return b
}

// makeBox makes a box that outlives the test.
func makeBox(t *testing.T) box {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "blackstart-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := box{state: filepath.Join(dir, "state"), out: filepath.Join(dir, "out")}
	b.env = append(os.Environ(), "BLACKSTART_STATE="+b.state)
	return b
}

// removedAfter removes the box once the test is over, and keeps the packs of a test that failed.
func (b box) removedAfter(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			keep, err := os.MkdirTemp("", "blackstart-failed-")
			if err == nil {
				_ = exec.Command("cp", "-r", b.out, keep).Run() // a help for people, no part of the test
				t.Logf("packs kept in %s", keep)
			}
		}
		_ = os.RemoveAll(filepath.Dir(b.state))
	})
}

// outcome is how a command ended.
type outcome struct {
	exit           int
	stdout, stderr string
}

func (b box) command(ctx context.Context, args ...string) *exec.Cmd {
	program := filepath.Join(bins, "blackstart")
	if b.with != "" {
		program = b.with
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = b.env
	return cmd
}

func (b box) run(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), drillLimit)
	defer cancel()
	cmd := b.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %v: %v", args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("run %v: not done after %s\n%s", args, drillLimit, stderr.String())
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// drill runs a drill that must be able to measure. Where the machine had other work and it says "inconclusive", it is run
// once more, and never a third time.
func (b box) drill(t *testing.T, args ...string) outcome {
	t.Helper()
	args = append([]string{"run", "--out", b.out}, args...)
	o := b.run(t, args...)
	if o.exit != harness.ExitInconclusive {
		return o
	}
	t.Logf("once more: %s", o.firstLine())
	if err := os.RemoveAll(b.out); err != nil {
		t.Fatal(err)
	}
	return b.run(t, args...)
}

// firstLine is the first line of a result, the one that must say why; on the screen it may be wrapped.
func (o outcome) firstLine() string {
	paragraph, _, _ := strings.Cut(o.stdout, "\n\n")
	return strings.Join(strings.Fields(paragraph), " ")
}

// pack gives the path of a scenario's pack.
func (b box) pack(name string) string { return filepath.Join(b.out, name+".zip") }

// nothingLeft fails if any process started below the box's directories still runs.
func (b box) nothingLeft(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	var left []string
	for time.Now().Before(deadline) {
		if left = b.processes(t); len(left) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("processes left behind:\n%s", strings.Join(left, "\n"))
}

// processes lists those whose command line or working directory names the state directory.
func (b box) processes(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		cmdline, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err != nil || len(cmdline) == 0 {
			continue
		}
		cwd, _ := os.Readlink(filepath.Join("/proc", e.Name(), "cwd"))
		line := strings.ReplaceAll(string(cmdline), "\x00", " ")
		if strings.Contains(line, b.state) || strings.HasPrefix(cwd, b.state) {
			found = append(found, e.Name()+" "+line)
		}
	}
	return found
}

// accepted verifies a pack with the root that lies beside it, and gives what was said.
func (b box) accepted(t *testing.T, name string) outcome {
	t.Helper()
	v := b.run(t, "verify", b.pack(name), "--recompute")
	if v.exit != harness.ExitPass {
		t.Errorf("verify --recompute: exit %d\n%s%s", v.exit, v.stdout, v.stderr)
	}
	return v
}
