package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// changes make another build of the tool: its words, its catalogues and its layout are not today's. A pattern that is no
// longer found fails the test, so that it cannot come to change nothing.
var changes = []struct {
	file     string
	from, to string // regular expression, and what stands there instead
}{
	{"evidence/verifytext.go", `How to check this pack`, `How this pack is checked`},
	{"evidence/reports/first.go", `s\.section\("Result"\)`, `s.section("Outcome")`},
	{"evidence/reports/doc.go", `Size: 9\.5`, `Size: 10`},
	{"evidence/controls/finra-4370.yaml", `Written plan, updated on material change, reviewed annually`, `A plan in writing`},
	{"evidence/controls/icfr.yaml", `(?m)^(\s+title: ).*$`, `${1}worded anew`},
	{"harness/measure/conclude.go", `every objective met: `, `all of them were met: `},
	{"harness/measure/streams.go", `all of them closed and on schedule`, `each closed and on its schedule`},
	{"harness/measure/ended.go", `orUnknown\(d\.rec\.StatusReason\)`, `"in other words, " + orUnknown(d.rec.StatusReason)`},
}

// TestAnotherBuildAcceptsThePacks builds the tool with other words, catalogues and layouts, and has it verify the packs of every
// end: it finds the same numbers and verdicts, and says what it did not compare.
func TestAnotherBuildAcceptsThePacks(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the tool: left out of the quick part")
	}
	bin := otherBuild(t)
	packs, err := filepath.Glob(filepath.Join(packsDir, "*", "*.zip"))
	if err != nil || len(packs) < 5 {
		t.Fatalf("%d packs, %v", len(packs), err)
	}
	for _, pack := range packs {
		out, err := exec.Command(bin, "verify", pack, "--recompute", "--root", strings.TrimSuffix(pack, ".zip")+".root.pem").CombinedOutput()
		text := strings.Join(strings.Fields(string(out)), " ")
		if err != nil {
			t.Errorf("%s: %v\n%s", pack, err, out)
		}
		for _, want := range []string{"facts match", "not compared", "byte equality needs build"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the first screen does not say %q\n%s", pack, want, out)
			}
		}
	}
}

// otherBuild copies the sources, changes them, and builds the tool.
func otherBuild(t *testing.T) string {
	t.Helper()
	src, dir := "../..", t.TempDir()
	err := filepath.WalkDir(src, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			if rel == ".git" || rel == "bin" || rel == "out" || rel == filepath.Join("testdata", "packs") {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(dir, rel), 0o755)
		}
		if !e.Type().IsRegular() || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		path := filepath.Join(dir, filepath.FromSlash(c.file))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := regexp.MustCompile(c.from).ReplaceAllString(string(data), c.to)
		if changed == string(data) {
			t.Fatalf("%s holds no %s any more: the other build would be this one", c.file, c.from)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "blackstart")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "./cmd/blackstart")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}
