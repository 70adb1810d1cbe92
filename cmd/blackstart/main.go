// Command blackstart runs disaster-recovery drills written as YAML and seals the evidence.
//
// This package holds flags, wiring, printing and exit codes. It decides nothing about a drill: harness tells the story,
// harness/measure judges, evidence seals.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"blackstart/harness"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(Main()) }

// Main runs the command line of the process and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), shutdownSignals()...)
	defer stop()
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// shutdownSignals lists the signals that end a drill in good order. A terminal that goes away is one, unless we were told (nohup)
// to outlive it.
func shutdownSignals() []os.Signal {
	if signal.Ignored(syscall.SIGHUP) {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// ignoreBrokenPipe keeps a drill alive when nobody reads its progress any more: `run 2>&1 | head` must not end it with a
// fault in force.
func ignoreBrokenPipe() { signal.Ignore(syscall.SIGPIPE) }

// exitError carries an exit code with an error that has been, or is to be, shown.
type exitError struct {
	code  int
	err   error
	hint  string
	shown bool // the result on stdout already says it
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usage is a mistake of the person: exit 10, nothing was touched.
func usage(err error, hint string) error {
	return &exitError{code: harness.ExitUsage, err: err, hint: hint}
}

// harnessError is a problem of the harness or of this machine: exit 11.
func harnessError(err error, hint string) error {
	return &exitError{code: harness.ExitHarness, err: err, hint: hint}
}

// execute runs one command line.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return harness.ExitPass
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: harness.ExitUsage, err: err, hint: "blackstart --help lists commands and flags"} // cobra's own
	}
	if !exit.shown {
		fmt.Fprintf(stderr, "error: %v\n", exit.err)
		if exit.hint != "" {
			fmt.Fprintf(stderr, "hint: %s\n", exit.hint)
		}
	}
	return exit.code
}
