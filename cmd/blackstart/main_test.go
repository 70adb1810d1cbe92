package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// update rewrites what the scripts compare with.
var update = flag.Bool("update", false, "rewrite golden files")

// TestMain lets the scripts start the command line of this package as a program of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"blackstart": func() { os.Exit(Main()) }})
}
