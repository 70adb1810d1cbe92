// Package conformance is the one table of tests that every driver of a target passes: stop, kill, cut, cut one way,
// restore, read logs, private path, fence and oracle, SQL, certificates and builds, crash and recover, refuse what it cannot
// do.
//
// It judges a driver by what a drill sees of it, and by nothing else; it knows no target, and never how one does what it
// does. What is asked of links is asked as a drill asks it, from the victim's side.
package conformance

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"blackstart/harness"
)

// patience bounds everything a test waits for.
const patience = 60 * time.Second

// What a child that one test kills is told: which target, in which state directory, as which run.
const (
	targetVariable = "BLACKSTART_CONFORMANCE_TARGET"
	dirVariable    = "BLACKSTART_CONFORMANCE_DIR"
	runVariable    = "BLACKSTART_CONFORMANCE_RUN"
	startedLine    = "started"
)

// A Target is a driver under test.
type Target struct {
	Name string
	New  func() harness.Driver
	// Dir makes a state directory that the target's processes can reach; it is removed with the test.
	Dir func(t *testing.T) string
	// Left names what is still there of a run: processes, containers, networks, volumes, sockets.
	Left func(t *testing.T, dir, runID string) []string
	// Recover takes back and removes what a run that was killed has left. It tells what it did, and which faults of the
	// record, by index, were seen to be over.
	Recover func(ctx context.Context, dir string, rec *harness.Record) ([]harness.Event, []int, error)
	// OutlivesHarness: what runs goes on when the harness is killed, until Recover.
	OutlivesHarness bool
}

// Child starts the target and waits for its end when this process is the child that the crash test kills. TestMain calls it
// first.
func Child(targets ...Target) {
	for _, target := range targets {
		if os.Getenv(targetVariable) != target.Name {
			continue
		}
		driver, dir := target.New(), os.Getenv(dirVariable)
		settings := map[string]string{"wal.latency": "20ms"} // what carries it may die with the harness
		err := driver.Start(context.Background(), request(dir, os.Getenv(runVariable), settings, nil))
		if err == nil {
			err = injectNamedFaults(driver, dir)
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(startedLine)
		select {}
	}
}

// Run runs the table.
func Run(t *testing.T, target Target) {
	t.Run("a drill's whole way", target.wholeWay)
	t.Run("kill and start again", target.killAndStart)
	t.Run("quiet faults", target.quietFaults)
	t.Run("killed harness", target.killedHarness)
	t.Run("killed in the middle of faults", target.killedInFaults)
	t.Run("interrupted start", target.interruptedStart)
	t.Run("before the start", target.beforeStart)
}

// settings of the tests: the controller fails over when it is told to, so that nothing happens by itself.
func settings() map[string]string {
	return map[string]string{"commit": "asynchronous", "documents": "20", "controller.failover": "manual", "pager.muted": "true"}
}

func request(dir, runID string, settings map[string]string, say func(string)) harness.StartRequest {
	return harness.StartRequest{
		RunID: runID, Dir: dir, Profile: "fast", Settings: settings, Progress: say,
		Deliveries: []harness.Delivery{
			{Channel: "pagerduty", URL: "http://127.0.0.1:9/v2/enqueue", Secret: "0123456789abcdef0123456789abcdef"},
			{Channel: "slack", URL: "http://127.0.0.1:9/services/T/B/slacksecretslacksecret", Secret: "slacksecretslacksecret"},
			{Channel: "smtp", URL: "127.0.0.1:9", Secret: "oncall-nonce@drill.test"},
			{Channel: "statuspage", URL: "http://127.0.0.1:9/status", Secret: "statussecretstatussecret"},
		},
	}
}

// fixture is a started target.
type fixture struct {
	Target
	driver harness.Driver
	about  harness.Description
	dir    string
	runID  string
}

func (target Target) start(t *testing.T, settings map[string]string) *fixture {
	t.Helper()
	b := &fixture{Target: target, driver: target.New(), dir: target.Dir(t), runID: uuid.NewString()}
	began := time.Now()
	req := request(b.dir, b.runID, settings, func(line string) { t.Logf("%6.2f s %s", time.Since(began).Seconds(), line) })
	must(t, b.driver.Check(context.Background(), req))
	t.Cleanup(func() {
		must(t, b.driver.Stop(context.Background()))
		nothingLeft(t, b)
	})
	must(t, b.driver.Start(context.Background(), req))
	t.Logf("%6.2f s ready", time.Since(began).Seconds())
	b.about = b.driver.Description()
	return b
}

func nothingLeft(t *testing.T, b *fixture) {
	t.Helper()
	var left []string
	eventually(t, "nothing is left", func() error {
		if left = b.Left(t, b.dir, b.runID); len(left) > 0 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = f(); last == nil {
			return
		}
	}
	t.Fatalf("%s: not within %v: %v", what, patience, last)
}

// spawn starts the test program again as the harness that is to be killed, and returns when its target has started.
func (target Target) spawn(t *testing.T, dir, runID string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(slices.Concat(os.Environ(), env), targetVariable+"="+target.Name, dirVariable+"="+dir, runVariable+"="+runID)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != startedLine {
		t.Fatalf("the child did not start: %s", lines.Text())
	}
	return cmd
}
