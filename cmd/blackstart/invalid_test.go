package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/scenarios"
)

const examples = "../../testdata/scenarios"

// TestInvalid reads one file for each refusal. The expected messages stand in one place, to be read as a user would.
func TestInvalid(t *testing.T) {
	files, err := filepath.Glob(examples + "/invalid-*.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var got strings.Builder
	for _, file := range files {
		fmt.Fprintf(&got, "== %s\n", filepath.Base(file))
		_, _, err := reader().Load(file, "fast")
		var all scenarios.Problems
		if !errors.As(err, &all) {
			t.Errorf("%s: error %v, want problems", file, err)
		}
		for _, p := range all {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Hint == "" {
				t.Errorf("%s: a problem lacks a part: %+v", file, p)
			}
			p.File = filepath.Base(p.File)
			fmt.Fprintln(&got, p)
		}
	}
	name := examples + "/invalid.golden"
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || string(want) != got.String() {
		t.Errorf("%s is stale: run make golden and look at the difference (%v)", name, err)
	}
}
