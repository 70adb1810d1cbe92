package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"blackstart/harness"
)

// planted are programs that a target of ours is made of, or asks for.
var planted = []string{"finrag", "finrag-previous", "postgres", "pg_ctl", "pg_config", "initdb", "redis-server", "docker", "podman", "git", "sh"}

// trap is a machine on which everything we might run or dial leaves a trace.
type trap struct {
	dir, ran string
	env      []string
	dialled  chan string
}

func setTrap(t *testing.T) trap {
	t.Helper()
	tr := trap{dir: t.TempDir(), dialled: make(chan string, 100)}
	tr.ran = filepath.Join(tr.dir, "ran")
	for _, name := range planted {
		script := "#!/bin/sh\necho " + name + " >>" + tr.ran + "\necho '{\"build\":\"planted\"}'\n"
		if err := os.WriteFile(filepath.Join(tr.dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			tr.dialled <- c.RemoteAddr().String()
			c.Close()
		}
	}()
	at := l.Addr().String()
	_, port, _ := net.SplitHostPort(at)
	tr.env = append(os.Environ(), "PATH="+tr.dir+":"+os.Getenv("PATH"), "BLACKSTART_STATE="+filepath.Join(tr.dir, "state"),
		"BLACKSTART_FINRAG=finrag", "BLACKSTART_POSTGRES="+tr.dir, "DOCKER_HOST=tcp://"+at, "PGHOST=127.0.0.1", "PGPORT="+port,
		"http_proxy=http://"+at, "https_proxy=http://"+at, "all_proxy=http://"+at, "GODEBUG=netdns=go")
	return tr
}

// traces says what was run and dialled.
func (tr trap) traces() string {
	ran, _ := os.ReadFile(tr.ran)
	text := string(ran)
	for {
		select {
		case from := <-tr.dialled:
			text += "dialled from " + from + "\n"
		case <-time.After(50 * time.Millisecond):
			return text
		}
	}
}

// calls runs blackstart and lists the system calls by which it would run, dial or resolve something: all of them where strace is
// there, none where it is not.
func (tr trap) calls(t *testing.T, args ...string) (calls, out string, exit int) {
	t.Helper()
	program, err := exec.LookPath("blackstart")
	if err != nil {
		t.Fatal(err)
	}
	argv, log := append([]string{program}, args...), filepath.Join(tr.dir, "strace")
	if straced() {
		argv = append([]string{"strace", "-f", "-qq", "-o", log, "-e", "trace=execve,socket,connect,sendto"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = tr.env
	cmd.Dir = tr.dir
	data, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	traced, _ := os.ReadFile(log)
	for line := range strings.Lines(string(traced)) {
		if !strings.Contains(line, program) && (strings.Contains(line, "execve(") || strings.Contains(line, "socket(") || strings.Contains(line, "connect(")) {
			calls += line
		}
	}
	return calls, string(data), cmd.ProcessState.ExitCode()
}

// straced tells whether system calls can be watched here.
var straced = sync.OnceValue(func() bool { return exec.Command("strace", "-o", os.DevNull, "true").Run() == nil })

// TestReadingRunsAndDialsNothing: validate and verify look at files. A plan asks the target's program for its version, which
// shows that the trap is set.
func TestReadingRunsAndDialsNothing(t *testing.T) {
	tr := setTrap(t)
	files, err := sealedFixture("")
	if err != nil {
		t.Fatal(err)
	}
	pack := ""
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(tr.dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".zip") {
			pack = name
		}
	}
	for _, args := range [][]string{
		{"validate", "scenarios/finrag/stale-code.yaml", "scenarios/finrag/region-partition.yaml"},
		{"validate", "--json", "scenarios/finrag/null.yaml"},
		{"verify", pack, "--recompute"},
		{"verify", pack},
		{"list"},
		{"samples", pack, "--format", "vegeta"},
	} {
		calls, out, exit := tr.calls(t, args...)
		if traces := tr.traces(); traces != "" || calls != "" || exit != 0 {
			t.Errorf("%v: exit %d, traces %q, calls %q\n%.500s", args, exit, traces, calls, out)
		}
	}
	if calls, _, _ := tr.calls(t, "plan", "scenarios/finrag/stale-code.yaml"); straced() && !strings.Contains(calls, "execve") {
		t.Error("a plan runs nothing that is seen: the trap is not set")
	}
	if traces := tr.traces(); !strings.Contains(traces, "finrag") {
		t.Errorf("a plan leaves no trace: the trap is not set (%q)", traces)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(valueOf(tr.env, "DOCKER_HOST"), "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if traces := tr.traces(); !strings.Contains(traces, "dialled") {
		t.Error("a dial leaves no trace: the trap is not set")
	}
}

func valueOf(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// TestInterruptEndsTheWaitForAPipe: a scenario may come through one, and nobody may ever write to it.
func TestInterruptEndsTheWaitForAPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	behind := filepath.Join(dir, "behind.yaml")
	if err := os.WriteFile(behind, []byte("extends: pipe.yaml\nmetadata: {name: behind}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"validate", pipe}, {"validate", behind}, {"plan", pipe}, {"run", pipe}} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		var stderr bytes.Buffer
		ended := make(chan int, 1)
		go func() { ended <- execute(ctx, args, &bytes.Buffer{}, &stderr) }()
		select {
		case code := <-ended:
			if code != harness.ExitHarness || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%v: exit %d, %s", args, code, stderr.String())
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%v does not end", args)
		}
		cancel()
	}
	written := filepath.Join(dir, "written.yaml")
	text, err := os.ReadFile(examples + "/valid.yaml")
	if err != nil || syscall.Mkfifo(written, 0o600) != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() {
		wrote <- os.WriteFile(written, bytes.Replace(text, []byte("name: valid"), []byte("name: written"), 1), 0o600)
	}()
	var stderr bytes.Buffer
	if code := execute(t.Context(), []string{"validate", written}, &bytes.Buffer{}, &stderr); code != harness.ExitPass {
		t.Errorf("a pipe that is written to: exit %d, %s", code, stderr.String())
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}
