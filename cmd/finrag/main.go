// Command finrag is a small two-region system: an API over PostgreSQL and a vector index in each region, an authoritative
// DNS server for the public name, and a failover controller. docs/finrag.md describes its configuration.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// build is set by the linker: -ldflags "-X main.build=…".
var build = "dev"

// init keeps main on the process's first thread: a signal that whoever started this process asked for, should it die itself,
// is a property of that thread, and is lost if another thread replaces the program with a build that was deployed.
func init() { runtime.LockOSThread() }

// complain tells a person at the keyboard in words, and whoever collects logs in the form of the log.
func complain(err error) {
	if exitCode(err) == exitUsage {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		return
	}
	slog.New(slog.NewJSONHandler(os.Stderr, nil)).Error("stopped", "error", err.Error())
}

// forgetPG drops the PG* variables: a region's configuration says everything about its database.
func forgetPG() {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name) // fails for malformed names only
		}
	}
}

func main() {
	forgetPG()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		complain(err)
		os.Exit(exitCode(err))
	}
}
