package procs

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawner hands functions to the one thread that forks. It is never joined: it
// has to live as long as this process, or the children would be killed.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// startOnSpawner starts cmd from the thread whose death kills the children.
func startOnSpawner(cmd *exec.Cmd) error {
	result := make(chan error)
	spawner() <- func() { result <- cmd.Start() }
	return <-result
}

// RunTied is cmd.Run for a short-lived tool that must not outlive us either.
func RunTied(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	if err := startOnSpawner(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
