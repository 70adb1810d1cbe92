package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/evidence/register"
	"blackstart/harness"
)

// TestPopulationIsReconciled to a list from outside: a run that is in the list alone was run off the register.
func TestPopulationIsReconciled(t *testing.T) {
	dir := t.TempDir()
	f := storeFlags{filepath.Join(dir, "store"), filepath.Join(dir, "register.pem")}
	if out, code := command(t, "store", "init", f.place, "--register-key", f.key); code != 0 {
		t.Fatal(out)
	}
	w, err := f.writer(t.Context())
	if err == nil {
		err = enrol(w, "stopped", dir, "pack")
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, list := l.Runs(l.Size())[0], filepath.Join(dir, "ci.csv")
	told := []string{"--source", "CI of example.org", "--query", "pipeline=drill", "--extracted-by", "A. Auditor", "--extracted-at", run.Ended}
	for _, c := range []struct {
		rows  string
		more  []string
		code  int
		wants []string
	}{
		{"job,run\n17," + run.Run + "\n", told, 0, []string{"reconciled to a list from CI of example.org, extracted by A. Auditor", "1 rows, its source was not asked", "1 runs are on both sides"}},
		{"job,run\n17," + run.Run + "\n18,run-in-secret\n", told, harness.ExitFail, []string{"completeness not shown", "never opened in the register, the first is run-in-secret", "run-in-secret: off the register"}},
		{"job,run\n17," + run.Run + "\n", append([]string{"--control-total", "2"}, told...), harness.ExitFail, []string{"the list has 1 rows, its source counts 2"}},
		{"job,run\n17," + run.Run + "\n", told[:6], harness.ExitUsage, []string{"--extracted-at is missing"}},
		{"job,name\n17," + run.Run + "\n", told, harness.ExitUsage, []string{`one column must be called "run"`}},
		{"job,name\n17," + run.Run + "\n", append([]string{"--run-column", "name"}, told...), 0, []string{"reconciled to"}},
	} {
		if err := os.WriteFile(list, []byte(c.rows), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"register", "population", "--store", f.place, "--reconcile", list}, c.more...)
		out, code := command(t, args...)
		for _, want := range c.wants {
			if text := strings.Join(strings.Fields(out), " "); code != c.code || !strings.Contains(text, want) {
				t.Errorf("exit %d, want %d and %q\n%s", code, c.code, want, out)
			}
		}
		if out, _ := command(t, append(args, "--json")...); code < harness.ExitUsage {
			var p register.Population
			if err := json.NewDecoder(strings.NewReader(out)).Decode(&p); err != nil || p.Reconciled == nil || p.Reconciled.SHA256 == "" || len(p.Reconciled.Exceptions) != code {
				t.Errorf("%v, %+v", err, p.Reconciled)
			}
		}
	}
	if out, code := command(t, "register", "population", "--store", f.place, "--source", "CI"); code != harness.ExitUsage || !strings.Contains(out, "no list is given") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if out, _ := command(t, "register", "population", "--store", f.place); !strings.Contains(strings.Join(strings.Fields(out), " "), register.NotTested) {
		t.Error(out)
	}
}
