package procs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A Spec says what to start.
type Spec struct {
	Name string   // unique within the table
	Argv []string // Argv[0] is the path of the program
	Dir  string   // working directory
	Env  []string // nil: Env()
	Log  string   // file that receives stdout and stderr, appended
	// Home is a directory in which no other process of this program works than
	// this one and its descendants; empty when there is none. It lets Reap find
	// descendants that lost their parent.
	Home string
	// Credential is the account to run as; nil: ours.
	Credential *syscall.Credential
	// StopSignal asks the process to end; 0: SIGTERM.
	StopSignal syscall.Signal
}

// A Process is one that we started. Its methods may be called from any goroutine.
type Process struct {
	Record
	spec Spec
	done chan struct{} // closed when the process has been waited for
	err  error         // set before done is closed
}

// Start starts a process and writes it down. On an error nothing is left running.
func (t *Table) Start(spec Spec) (*Process, error) {
	if old := t.Get(spec.Name); old != nil && old.Alive() {
		return nil, fmt.Errorf("start %s: it runs already, as process %d", spec.Name, old.PID)
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: open its log: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Argv[0], spec.Argv[1:]...)
	if spec.Env == nil {
		spec.Env = Env()
	}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = spec.Dir, spec.Env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: spec.Credential,
	}
	if err := startOnSpawner(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	// Not waited for yet, so the pid is its own even if it has ended already.
	id, err := Identify(cmd.Process.Pid)
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{
		Record: Record{Name: spec.Name, Identity: id, Home: spec.Home, Argv: spec.Argv},
		spec:   spec, done: make(chan struct{}),
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := t.add(p); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", spec.Name, err), p.Kill())
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err returns how the process ended: nil for exit status 0. Call it after Done.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Runs tells whether the process still runs; an error says that it cannot be told.
func (p *Process) Runs() (bool, error) {
	select {
	case <-p.done:
		return false, nil
	default:
		return p.Identity.Runs()
	}
}

// Alive is Runs for those who wait for an end: one that cannot be told has not come.
func (p *Process) Alive() bool {
	runs, err := p.Runs()
	return runs || err != nil
}

// Stop asks the process to end, waits StopWait, and kills it and whatever else
// belongs to it if that was not enough. A process that is gone is no error.
func (p *Process) Stop() error {
	sig := p.spec.StopSignal
	if sig == 0 {
		sig = syscall.SIGTERM
	}
	_ = p.Signal(sig)
	_ = p.Signal(syscall.SIGCONT) // a paused process hears nothing before it goes on
	select {
	case <-p.done:
	case <-time.After(StopWait):
	}
	return p.Kill() // of an ended process: ends what it left behind, if anything
}

// Kill sends SIGKILL to the process and to whatever else belongs to it, and
// waits until they are gone.
func (p *Process) Kill() error {
	v, err := p.Resolve()
	if err != nil {
		return err
	}
	return v.Kill()
}

// Victims are the processes that one kill ends, found beforehand: looking for
// them while the first of them is dying takes tens of milliseconds, in which a
// database may still acknowledge writes.
type Victims struct {
	process *Process
	ids     []Identity
}

// Resolve finds the process, its children and the inhabitants of its home.
func (p *Process) Resolve() (Victims, error) {
	ids, err := p.victims()
	if err != nil {
		return Victims{}, fmt.Errorf("resolve the processes of %s: %w", p.Name, err)
	}
	return Victims{p, ids}, nil
}

// Signal sends SIGKILL to all, the main process first, and waits for nothing, so
// that several can be struck in one moment. Kill follows and proves the effect.
func (v Victims) Signal() {
	for _, id := range v.ids {
		_ = id.Signal(syscall.SIGKILL) // what it did not reach, Kill will name
	}
}

// Kill sends SIGKILL to all, the main process first, then waits until each is
// gone, and looks once more for any that was born in between.
func (v Victims) Kill() error {
	v.Signal()
	var errs []error
	select {
	case <-v.process.done:
	case <-time.After(KillWait):
		errs = append(errs, fmt.Errorf("process %d is still there after %v", v.process.PID, KillWait))
	}
	late, err := v.process.victims()
	errs = append(errs, err)
	for _, id := range append(late, v.ids...) {
		errs = append(errs, id.kill())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("kill %s: %w", v.process.Name, err)
	}
	return nil
}

// Tail returns up to so many last lines of a file; an unreadable file is
// described in place of them.
func Tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	offset := max(0, info.Size()-maxTailBytes)
	b := make([]byte, info.Size()-offset)
	n, _ := f.ReadAt(b, offset)
	all := strings.Split(strings.TrimRight(string(b[:n]), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
