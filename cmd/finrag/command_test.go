package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersionPrintsTheBuildAndItsRule(t *testing.T) {
	c := command()
	var out strings.Builder
	c.SetOut(&out)
	c.SetArgs([]string{"version"})
	if err := c.Execute(); err != nil || out.String() != "{\"build\":\"dev\",\"ranking\":\"2\"}\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestMistakesOfTheUserAreUsageErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("nonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"region"}, {"dns", "--config", file + ".none"}, {"controller", "--config", file}, {"region", "extra"}, {"dns", "--flag"}, {"nothing"}} {
		c := command()
		c.SetArgs(args)
		if err := c.Execute(); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%v: error %v with exit code %d, want %d", args, err, exitCode(err), exitUsage)
		}
	}
}

func TestNoPGVariableIsLeft(t *testing.T) {
	t.Setenv("PGTARGETSESSIONATTRS", "read-write")
	t.Setenv("PGOPTIONS", "-c default_transaction_read_only=on")
	t.Setenv("OTHER", "kept")
	forgetPG()
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "PG") {
			t.Errorf("%s is left", entry)
		}
	}
	if os.Getenv("OTHER") != "kept" {
		t.Error("another variable is gone")
	}
}
