package procs_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/targets/procs"
)

const patience = 10 * time.Second

// TestMain turns this binary into the harness that one test kills: it starts
// children in the state directory it is given, says so, and waits.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PROCS_TEST_HARNESS"); dir != "" {
		t, err := procs.NewTable(dir)
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		for i := range 3 {
			p, err := t.Start(sleeper(dir, fmt.Sprint("child", i), "exec sleep 600"))
			if err != nil {
				fmt.Println("error", err)
				os.Exit(1)
			}
			fmt.Println(p.PID)
		}
		go func() { // a tool at work, which dies as well
			_ = procs.RunTied(exec.Command("/bin/sh", "-c", "echo $$ >"+dir+"/tool; exec sleep 600"))
		}()
		for b := []byte(nil); len(b) == 0; time.Sleep(time.Millisecond) {
			if b, _ = os.ReadFile(dir + "/tool"); len(b) > 0 {
				fmt.Print(string(b))
			}
		}
		fmt.Println("ready")
		select {}
	}
	os.Exit(m.Run())
}

func sleeper(dir, name, script string) procs.Spec {
	return procs.Spec{Name: name, Argv: []string{"/bin/sh", "-c", script}, Dir: dir, Log: filepath.Join(dir, name+".log")}
}

// lastLine is what a sleeper said last.
func lastLine(dir, name string) string { return procs.Tail(filepath.Join(dir, name+".log"), 1) }

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func newTable(t *testing.T) (*procs.Table, string) {
	t.Helper()
	dir := t.TempDir()
	table, err := procs.NewTable(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := table.StopAll(); err != nil {
			t.Error(err)
		}
	})
	return table, dir
}

func start(t *testing.T, table *procs.Table, s procs.Spec) *procs.Process {
	t.Helper()
	p, err := table.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestChildrenDieWithUs(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "PROCS_TEST_HARNESS="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var children []procs.Identity
	for lines := bufio.NewScanner(out); lines.Scan() && lines.Text() != "ready"; {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(lines.Text())
		}
		id, err := procs.Identify(pid)
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, id)
	}
	if len(children) != 4 {
		t.Fatalf("%d children", len(children))
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, id := range children {
		eventually(t, "the child ends after kill -9 of its parent", func() bool { return !id.Alive() })
	}
	if ended, err := procs.Reap(dir); err != nil || len(ended) != 0 {
		t.Errorf("reap found %v, %v; want nothing left", ended, err)
	}
}

func TestStop(t *testing.T) {
	table, dir := newTable(t)
	p := start(t, table, sleeper(dir, "polite", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"))
	eventually(t, "start", func() bool { return lastLine(dir, "polite") == "up" })
	if _, err := table.Start(sleeper(dir, "polite", "true")); err == nil {
		t.Error("a second process of one name was started")
	}
	if err := p.Stop(); err != nil || p.Err() != nil || lastLine(dir, "polite") != "bye" {
		t.Errorf("stop: %v, exit %v, log %q", err, p.Err(), lastLine(dir, "polite"))
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stop again: %v", err)
	}
	deaf := start(t, table, sleeper(dir, "deaf", "trap '' TERM; echo up; while :; do sleep 0.01; done"))
	eventually(t, "start", func() bool { return lastLine(dir, "deaf") == "up" })
	if err := deaf.Stop(); err != nil || deaf.Alive() {
		t.Errorf("stop a deaf process: %v, alive %v", err, deaf.Alive())
	}
}

func TestKillTakesTheChildrenAlong(t *testing.T) {
	table, dir := newTable(t)
	p := start(t, table, sleeper(dir, "parent", "sleep 600 & sleep 600 & wait"))
	var children []procs.Identity
	eventually(t, "children", func() bool {
		children, _ = procs.Children(p.PID)
		return len(children) == 2
	})
	v, err := p.Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, id := range append(children, p.Identity) {
		if id.Alive() {
			t.Errorf("process %d lives", id.PID)
		}
	}
}

func state(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:min(1, len(rest))]
}

// Reap must end what is written down, orphans in its home too, and nothing else.
func TestReap(t *testing.T) {
	table, dir := newTable(t)
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	s := sleeper(dir, "db", "sh -c 'while :; do sleep 0.1; done' & echo $!; wait")
	s.Dir, s.Home = home, home
	p := start(t, table, s)
	eventually(t, "start", func() bool { return lastLine(dir, "db") != "" })
	orphanPID, err := strconv.Atoi(lastLine(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := procs.Identify(orphanPID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	visitor := exec.Command("/bin/sleep", "600") // as somebody who looks around in the home
	visitor.Dir = home
	if err := visitor.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := visitor.Process.Kill(); err != nil {
			t.Errorf("the visitor was ended: %v", err)
		}
		_ = visitor.Wait()
	}()
	bystander := start(t, table, sleeper(dir, "bystander", "exec sleep 600"))
	falsify(t, dir, "bystander") // as if its pid had been given to another
	ended, err := procs.Reap(dir)
	if err != nil || len(ended) != 1 || ended[0].Name != "db" {
		t.Errorf("reap: %v, %v", ended, err)
	}
	if orphan.Alive() {
		t.Error("the orphan in the home lives")
	}
	if state(visitor.Process.Pid) != "S" {
		t.Error("a visitor of the home was killed")
	}
	if !bystander.Alive() {
		t.Error("a process with another start time was killed")
	}
	if ended, err := procs.Reap(dir); err != nil || len(ended) != 0 {
		t.Errorf("second reap: %v, %v", ended, err)
	}
	if ended, err := procs.Reap(t.TempDir()); err != nil || ended != nil {
		t.Errorf("reap an empty directory: %v, %v", ended, err)
	}
}

func falsify(t *testing.T, dir, name string) {
	t.Helper()
	path := filepath.Join(dir, "procs.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Boot  string         `json:"boot"`
		Procs []procs.Record `json:"procs"`
	}
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	for i := range l.Procs {
		if l.Procs[i].Name == name {
			l.Procs[i].Start++
		}
	}
	if b, err = json.Marshal(l); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestStartFails(t *testing.T) {
	table, dir := newTable(t)
	s := sleeper(dir, "none", "")
	s.Argv = []string{filepath.Join(dir, "no-such-program")}
	if _, err := table.Start(s); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "start none") {
		t.Errorf("start a missing program: %v", err)
	}
	s.Log = filepath.Join(dir, "missing", "x.log")
	if _, err := table.Start(s); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("start with a log that cannot be made: %v", err)
	}
}
