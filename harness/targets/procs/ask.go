package procs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lastBreath is how long the output of a program is waited for once it has ended: what it left running may hold it open.
const lastBreath = time.Second

// StandardPath is where programs are looked for that must be found again by whoever comes after us.
const StandardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// StandardEnv is the environment that a program finds however we were started: from a terminal, by a timer, or again after we
// were killed. It holds the usual path, the account's home, and nothing of ours.
func StandardEnv() []string {
	home := "/"
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil && u.HomeDir != "" {
		home = u.HomeDir
	}
	return []string{"LC_ALL=C", "TZ=UTC", "PATH=" + StandardPath, "HOME=" + home}
}

// A Question is a short-lived program that is run for what it says.
type Question struct {
	Argv  []string // the program is looked for on the path of StandardEnv
	Stdin []byte
	Most  int // bytes that are kept of what it says

	// Gate, if there is one, gives Stdin in its place. It gets each line that the program writes to its stderr, while it runs: where
	// it opens, what it returns is the input; where it fails, there is none. Once it has done either, what it returns is not asked for.
	Gate func(line string) (open bool, stdin []byte, err error)
}

// An Answer is how it ended and what it said.
type Answer struct {
	Started bool
	Exited  bool // by itself: Code says how. Where it did not, nobody knows what it has done
	Code    int
	Over    bool   // it said more than was kept
	Stdout  []byte // at most Most bytes
	Stderr  []byte // the same; it may hold anything, secrets above all
}

// Ask runs a program until it ends, or until ctx does: then it is killed, with all that it started in its group. The error says
// why there is no exit code, and never what the program said.
func Ask(ctx context.Context, q Question) (Answer, error) {
	if len(q.Argv) == 0 {
		return Answer{}, errors.New("run a program: none is named")
	}
	path, err := Program(q.Argv[0])
	if err != nil {
		return Answer{}, err
	}
	out, complaint := capped{most: q.Most}, capped{most: q.Most}
	cmd := exec.CommandContext(ctx, path, q.Argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", StandardEnv(), &out, &complaint
	cmd.Stdin = bytes.NewReader(q.Stdin)
	if q.Gate != nil {
		g, err := gated(cmd, q.Gate, &complaint)
		if err != nil {
			return Answer{}, err
		}
		defer g.end()
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = lastBreath
	if err := startOnSpawner(cmd); err != nil {
		return Answer{}, fmt.Errorf("start %s: %w", q.Argv[0], err)
	}
	err = cmd.Wait()
	a := Answer{Started: true, Over: out.over, Stdout: out.kept.Bytes(), Stderr: complaint.kept.Bytes()}
	state := cmd.ProcessState
	switch {
	case ctx.Err() != nil:
		return a, fmt.Errorf("run %s: it had not ended in time and was killed", q.Argv[0])
	case errors.Is(err, exec.ErrWaitDelay):
		return a, fmt.Errorf("run %s: it left something running that holds its output open", q.Argv[0])
	case state == nil || !state.Exited():
		return a, fmt.Errorf("run %s: it was ended by a signal", q.Argv[0])
	}
	a.Exited, a.Code = true, state.ExitCode()
	return a, nil
}

// Program finds a program as Ask does: by its path, or by its name on the standard path.
func Program(name string) (string, error) {
	if strings.HasPrefix(name, "/") {
		return exec.LookPath(name)
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("find %s: write its whole path, or its name alone", name)
	}
	for _, dir := range strings.Split(StandardPath, ":") {
		if path, err := exec.LookPath(dir + "/" + name); err == nil && name != "" {
			return path, nil
		}
	}
	return "", fmt.Errorf("find %s: there is no such program on the path %s", name, StandardPath)
}

// capped keeps the beginning of what is written to it and takes the rest without a word, so that the writer goes on.
type capped struct {
	kept bytes.Buffer
	most int
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	if room := c.most - c.kept.Len(); len(p) > room {
		c.over = true
		c.kept.Write(p[:room])
		return len(p), nil
	}
	return c.kept.Write(p)
}
