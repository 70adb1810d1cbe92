package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const vegetaModule = "github.com/tsenart/vegeta/v12"

// bench holds what all rows need.
type bench struct {
	dir        string // temporary
	self       string // this program
	vegeta     string // vegeta's command
	version    string
	wrkVersion string // wrk is found on the PATH
	quick      bool
	load       int // CPU of the generators
	serve      int // CPU of the server
}

func newBench(ctx context.Context, quick bool) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "blackstart-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, self: self, vegeta: filepath.Join(dir, "vegeta"), quick: quick}
	if err := b.pickCPUs(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.vegeta, vegetaModule)
	if text, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build vegeta: %w: %s", err, text), os.RemoveAll(dir))
	}
	list, err := exec.CommandContext(ctx, "go", "list", "-m", vegetaModule).Output()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("find vegeta's version: %w", err), os.RemoveAll(dir))
	}
	b.version = strings.TrimSpace(string(list))
	if b.wrkVersion, err = findWrk(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return b, nil
}

// pickCPUs takes the last allowed CPU for the generators and the first for the
// server.
func (b *bench) pickCPUs() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return fmt.Errorf("read CPU affinity: %w", err)
	}
	b.load, b.serve = -1, -1
	for cpu := range len(set) * 64 {
		if !set.IsSet(cpu) {
			continue
		}
		if b.serve < 0 {
			b.serve = cpu
		}
		b.load = cpu
	}
	if b.load == b.serve {
		return errors.New("bench needs two CPUs: one for the load, one for the server")
	}
	return nil
}

// start runs cmd pinned to cpu: a child inherits the affinity of the thread that
// makes it.
func start(cmd *exec.Cmd, cpu int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, pinned unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	pinned.Set(cpu)
	if err := unix.SchedSetaffinity(0, &pinned); err != nil {
		return err
	}
	return errors.Join(cmd.Start(), unix.SchedSetaffinity(0, &before))
}

// usage is what the kernel counted for a process that ended.
type usage struct {
	cpu time.Duration
	rss int64 // peak, bytes
}

func usageOf(state *os.ProcessState) usage {
	u := usage{cpu: state.UserTime() + state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.rss = r.Maxrss * 1024
	}
	return u
}

// finish runs cmd pinned to the generators' CPU and returns its output.
func (b *bench) finish(cmd *exec.Cmd) ([]byte, usage, error) {
	var out, text strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &text
	if err := start(cmd, b.load); err != nil {
		return nil, usage{}, err
	}
	if err := cmd.Wait(); err != nil {
		return nil, usage{}, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, text.String())
	}
	return []byte(out.String()), usageOf(cmd.ProcessState), nil
}

// server is a running server process.
type server struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Reader
	URL   string
}

// startServer runs the server, which stalls once, from stallAfter after its
// first request on, for stallFor.
func (b *bench) startServer(ctx context.Context, stallAfter, stallFor time.Duration) (*server, error) {
	cmd := exec.CommandContext(ctx, b.self, "child-server", stallAfter.String(), stallFor.String())
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := start(cmd, b.serve); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, stdin: stdin, out: bufio.NewReader(stdout)}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start server: %w", err), s.cmd.Wait())
	}
	s.URL = "http://" + strings.TrimSpace(line) + "/"
	return s, nil
}

// stop ends the server and returns when its stall began and ended.
func (s *server) stop() (stallSpan, error) {
	var span stallSpan
	err := s.stdin.Close()
	decodeErr := json.NewDecoder(s.out).Decode(&span)
	return span, errors.Join(err, decodeErr, s.cmd.Wait())
}

// stallSpan is the server's stall in ns since the Unix epoch; zero: none.
type stallSpan struct{ From, To int64 }

// loadResult is what a load child prints.
type loadResult struct {
	Due, Sent, OK uint64
	PeakWorkers   int
	Seconds       float64 // from the first due time to the last answer
}

// ours runs loadgen in its own process and returns what it did; the samples are
// in the file.
func (b *bench) ours(ctx context.Context, url string, rate int, length, timeout time.Duration, file string) (loadResult, usage, error) {
	cmd := exec.CommandContext(ctx, b.self, "child-load", url, fmt.Sprint(rate), length.String(), timeout.String(), file)
	out, u, err := b.finish(cmd)
	if err != nil {
		return loadResult{}, u, err
	}
	var res loadResult
	if err := json.Unmarshal(out, &res); err != nil {
		return res, u, fmt.Errorf("read result of load: %w", err)
	}
	return res, u, nil
}

// theirs runs vegeta's attack and returns its report.
func (b *bench) theirs(ctx context.Context, url string, rate int, length time.Duration, args ...string) (vegetaReport, usage, error) {
	file := filepath.Join(b.dir, "vegeta.gob")
	cmd := exec.CommandContext(ctx, b.vegeta, append([]string{"attack", "-rate", fmt.Sprintf("%d/s", rate),
		"-duration", length.String(), "-output", file}, args...)...)
	cmd.Stdin = strings.NewReader("GET " + url + "\n")
	_, u, err := b.finish(cmd)
	if err != nil {
		return vegetaReport{}, u, err
	}
	out, err := exec.CommandContext(ctx, b.vegeta, "report", "-type", "json", file).Output()
	if err != nil {
		return vegetaReport{}, u, fmt.Errorf("vegeta report: %w", err)
	}
	var rep vegetaReport
	if err := json.Unmarshal(out, &rep); err != nil {
		return rep, u, fmt.Errorf("read vegeta's report: %w", err)
	}
	return rep, u, nil
}

type vegetaReport struct {
	Requests  uint64  `json:"requests"`
	Success   float64 `json:"success"`
	Latencies struct {
		P99 int64 `json:"99th"`
	} `json:"latencies"`
}
