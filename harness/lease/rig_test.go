package lease

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"blackstart/harness/host"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// needs skips a test whose programs are not there, or fails it where they must be.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("BLACKSTART_NEEDS_ENGINE") != "" {
				t.Fatalf("%s must not be skipped here: %v", t.Name(), err)
			}
			t.Skip(err)
		}
	}
}

// local is an executor: a shell of this machine, with a path of its own.
type local struct {
	before []string // what runs the shell
	path   string
}

func (l local) Run(ctx context.Context, q host.Question) (host.Answer, error) {
	argv := append(append([]string{}, l.before...), q.Argv...)
	cmd := exec.CommandContext(ctx, "/usr/bin/env", append([]string{"-i", "PATH=" + l.path}, argv...)...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(q.Stdin), &out, &complaint, time.Second
	err := cmd.Run()
	a := host.Answer{Ready: true, Sent: true, Stdout: out.Bytes(), Stderr: complaint.Len()}
	if complaint.Len() > 0 {
		fmt.Fprintf(os.Stderr, "the script complains: %s\n", complaint.Bytes())
	}
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		a.Ended, a.Code = true, cmd.ProcessState.ExitCode()
		return a, nil
	}
	return a, err
}

const standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shells are executors with the shells that hosts have: Debian's, and that of small images, with its own timeout, setsid, tail and so on.
func shells(t *testing.T) map[string]local {
	t.Helper()
	needs(t, "dash", "busybox", "flock")
	small, dash := t.TempDir(), t.TempDir()
	list, err := exec.Command("busybox", "--list").Output()
	must(t, err)
	busybox, err := exec.LookPath("busybox")
	must(t, err)
	for _, applet := range strings.Fields(string(list)) {
		must(t, os.Symlink(busybox, filepath.Join(small, applet)))
	}
	for dir, program := range map[string]string{small: "flock", dash: "dash"} {
		path, err := exec.LookPath(program)
		must(t, err)
		if program == "dash" {
			program = "sh"
		}
		_ = os.Symlink(path, filepath.Join(dir, program))
	}
	return map[string]local{"dash": {path: dash + ":" + standard}, "busybox": {path: small}}
}

// dash is the executor of tests in which the shell makes no difference.
func dash() local { return local{path: standard} }

var targets atomic.Int64

// rig is a target of the test's own on an executor, with one thing that can be broken: a file.
type rig struct {
	*testing.T
	x      Executor
	target string
	dir    string // of the lease
	file   string
	every  time.Duration // between renewals
}

func newRig(t *testing.T, x Executor) *rig {
	t.Helper()
	r := &rig{T: t, x: x, target: fmt.Sprintf("test-%d-%d", os.Getpid(), targets.Add(1)), file: filepath.Join(t.TempDir(), "thing"), every: renewal}
	r.dir = fmt.Sprintf("/var/tmp/blackstart-%d/%s", os.Geteuid(), r.target)
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(r.dir + "/log")
			t.Logf("the log of the executor:\n%s", text)
		}
		r.kill()
		_ = os.RemoveAll(r.dir)
	})
	return r
}

// watchdog is the process of the watchdog, 0 if there is none.
func (r *rig) watchdog() int {
	beat, _ := os.ReadFile(r.dir + "/beat")
	words := strings.Fields(string(beat))
	if len(words) != 2 {
		return 0
	}
	pid, _ := strconv.Atoi(words[1])
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if !strings.Contains(string(line), r.dir+"/lease.sh") {
		return 0
	}
	return pid
}

func (r *rig) kill() {
	if pid := r.watchdog(); pid != 0 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (r *rig) lease(run string, ttl time.Duration) *Lease {
	r.Helper()
	l, err := New(r.x, r.target, run, ttl, r.every)
	must(r.T, err)
	return l
}

func (r *rig) armed(run string, ttl time.Duration) *Lease {
	r.Helper()
	l := r.lease(run, ttl)
	s, err := l.Arm(r.Context())
	if err != nil || s.State != Armed || !s.Alive || !s.Mine || s.Run != run {
		r.Fatalf("armed: %+v, %v", s, err)
	}
	return l
}

// entry breaks the file: it is not there, or broken, or what others write into it.
func (r *rig) entry(id string) Entry {
	return Entry{ID: id, Hold: "rm the file by hand", Scripts: Scripts{
		State: fmt.Sprintf("cat %[1]s 2>/dev/null || echo absent", Quote(r.file)),
		Do:    "echo broken >" + Quote(r.file), Undo: "rm -f " + Quote(r.file),
		Free: []string{"absent"}, Ours: []string{"broken", "half"}, Held: true, Most: 1,
	}}
}

func (r *rig) did(l *Lease, e Entry) {
	r.Helper()
	if got, err := l.Do(r.Context(), e); err != nil || got.Now != "broken" {
		r.Fatalf("do: %+v, %v", got, err)
	}
}

func (r *rig) is(word string) {
	r.Helper()
	text, err := os.ReadFile(r.file)
	got := strings.TrimSpace(string(text))
	if err != nil {
		got = "absent"
	}
	if got != word {
		r.Errorf("it is %q, want %q", got, word)
	}
}

// wait waits until something holds.
func (r *rig) wait(limit time.Duration, what string, holds func() bool) {
	r.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(150 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("%s: not within %v", what, limit)
		}
	}
}

func (r *rig) status(l *Lease) Status {
	r.Helper()
	s, err := l.Status(r.Context())
	must(r.T, err)
	return s
}

// undoneInTime: the executor's record says that everything was undone by itself, no later than two seconds after the lease was over.
func (r *rig) undoneInTime(l *Lease, ttl time.Duration) {
	r.Helper()
	over := r.status(l)
	end := over.Now.Uptime + over.Left
	before := map[string]bool{}
	for _, e := range over.Entries {
		before[e.ID] = !e.InForce()
	}
	r.wait(ttl+10*time.Second, "undone by the executor", func() bool {
		s := r.status(l)
		if over.State == Armed {
			end = s.Now.Uptime + s.Left
		}
		over = s
		for _, e := range s.Entries {
			if e.InForce() {
				return false
			}
		}
		return s.State == Expired
	})
	for _, e := range over.Entries {
		if late := e.Undid.Uptime - end; !before[e.ID] && (late > 2*time.Second || late < 0) {
			r.Errorf("%s was undone %v after the end of the lease", e.ID, late)
		}
	}
	r.is("absent")
}

// as finds an error of a kind.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("the error is %T %v, want %T", err, err, e)
	}
	return e
}
