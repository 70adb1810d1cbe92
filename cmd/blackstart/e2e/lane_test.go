package e2e

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lane runs drills one after the other on one target. While a drill seals what it saw, the next one brings its target up:
// neither of them is measuring then. Two drills that measure at once would share two cores, and the steady state is lost.
type lane struct {
	on    string
	names []string // in their order
	next  *flight
}

// alone are the drills whose packs are examined for long: the next one begins after that.
var alone = []string{"region-partition", "region-partition.async-lag"}

// inContainers are the drills that run on the second target where BLACKSTART_SOME is set, as in CI, and then not on the first, but for that
// whose pack is examined: one without a fault, each named fault, and one that must fail. All run by make drills and make drills-containers.
var inContainers = []string{"null", "region-partition", "region-kill", "replication-break", "certificate-expiry", "stale-code", "region-partition.pager-muted"}

// byMake are the drills that run nowhere where BLACKSTART_SOME is set: each has a sibling that does, with the same fault. All run by make
// drills and make drills-containers.
var byMake = []string{"region-partition.controller-dead", "replication-break.sabotaged", "replication-pause", "replication-break-then-partition"}

// leftOut tells whether a drill is one that does not run this time.
func leftOut(on, name string) bool {
	some, there := os.Getenv("BLACKSTART_SOME") != "", slices.Contains(inContainers, name)
	if some && slices.Contains(byMake, name) {
		return true
	}
	if on == "containers" {
		return some && !there
	}
	return some && there && !slices.Contains(alone, name)
}

// newLane takes the drills that -run lets run.
func newLane(on string) *lane {
	_, picked, _ := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	picked, _, _ = strings.Cut(picked, "/") // what picks parts of a drill's test
	l := &lane{on: on}
	for _, d := range drills {
		if regexp.MustCompile(picked).MatchString(d.name) && !leftOut(on, d.name) {
			l.names = append(l.names, d.name)
		}
	}
	return l
}

// flight is a drill that has begun.
type flight struct {
	name   string
	box    box
	cmd    *exec.Cmd
	began  time.Time
	stdout bytes.Buffer
	stderr *watcher
	ended  chan struct{} // closed when the command has ended
}

// loadIsOver is what the tool says when nothing more is measured under load.
const loadIsOver = "load stopped; every request"

func (l *lane) begin(t *testing.T, name string) *flight {
	t.Helper()
	f := &flight{name: name, box: makeBox(t), began: time.Now(), stderr: newWatcher(loadIsOver), ended: make(chan struct{})}
	args := []string{"run", scenarioDir + name + ".yaml", "--on", l.on, "--out", f.box.out, "--junit", filepath.Join(f.box.out, "junit.xml")}
	if slices.Contains(alone, name) {
		args = append(args, "--keep-state")
	}
	f.cmd = exec.Command(filepath.Join(bins, "blackstart"), args...)
	f.cmd.Env = f.box.env
	f.cmd.Stdout, f.cmd.Stderr = &f.stdout, f.stderr
	if err := f.cmd.Start(); err != nil {
		t.Fatalf("run %s: %v", name, err)
	}
	go func() {
		_ = f.cmd.Wait() // the exit code tells
		close(f.ended)
	}()
	return f
}

// drill runs one drill to its end, and begins the one after it when this one's load has stopped.
func (l *lane) drill(t *testing.T, name string) (outcome, box, time.Duration) {
	t.Helper()
	f := l.next
	if l.next = nil; f == nil {
		f = l.begin(t, name)
	}
	f.box.removedAfter(t)
	f.box.copiedAfter(t, l.on)
	if f.name != name {
		t.Fatalf("%s has begun where %s was to come", f.name, name)
	}
	limit := time.After(drillLimit)
	stopped := f.stderr.seen
	for {
		select {
		case <-stopped:
			stopped = nil
			if i := slices.Index(l.names, name) + 1; i < len(l.names) && !slices.Contains(alone, name) {
				l.next = l.begin(t, l.names[i])
			}
		case <-f.ended:
			return outcome{f.cmd.ProcessState.ExitCode(), f.stdout.String(), f.stderr.text()}, f.box, time.Since(f.began)
		case <-limit:
			_ = f.cmd.Process.Signal(syscall.SIGINT) // it undoes what it broke
			<-f.ended
			t.Fatalf("run %s: not done after %s\n%s", name, drillLimit, f.stderr.text())
		}
	}
}

// copiedAfter keeps the packs of a drill in the directory that BLACKSTART_PACKS names, if it names one.
func (b box) copiedAfter(t *testing.T, on string) {
	dir := os.Getenv("BLACKSTART_PACKS")
	if dir == "" {
		return
	}
	t.Cleanup(func() {
		if err := os.CopyFS(filepath.Join(dir, on, filepath.Base(t.Name())), os.DirFS(b.out)); err != nil {
			t.Errorf("keep the packs: %v", err)
		}
	})
}
