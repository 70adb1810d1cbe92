package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root         = "../.."
	module       = "blackstart/"
	maxFuncLines = 70
	maxFileLines = 320
)

// rule is one row of the table.
type rule struct {
	tree    bool // the row speaks of everything below, too
	all     bool
	imports []string
}

var row = regexp.MustCompile("^\\| `([^`]+)` \\| ([^|]+) \\|")

// table reads the rules from the document, so that the document cannot drift.
func table(t *testing.T) map[string]rule {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs/architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]rule{}
	for _, line := range strings.Split(string(data), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name, tree := strings.CutSuffix(m[1], "/...")
		r := rule{tree: tree, all: strings.TrimSpace(m[2]) == "all"}
		if !strings.HasPrefix(m[2], "–") && !r.all {
			for _, s := range strings.Split(m[2], ",") {
				r.imports = append(r.imports, strings.TrimSpace(s))
			}
		}
		rules[name] = r
	}
	if len(rules) < 15 {
		t.Fatalf("only %d rules found in docs/architecture.md", len(rules))
	}
	return rules
}

// find gives the rule that speaks of a package.
func find(rules map[string]rule, pkg string) (string, rule, bool) {
	if r, ok := rules[pkg]; ok {
		return pkg, r, true
	}
	for dir := filepath.Dir(pkg); dir != "."; dir = filepath.Dir(dir) {
		if r, ok := rules[dir]; ok && r.tree {
			return dir, r, true
		}
	}
	return "", rule{}, false
}

// allowed tells whether the rule found at name lets pkg import imp.
func (r rule) allowed(name, imp string) bool {
	return r.all || slices.Contains(r.imports, imp) || (r.tree && strings.HasPrefix(imp, name+"/"))
}

// sources calls f for every Go file of the module.
func sources(t *testing.T, f func(path, pkg string, set *token.FileSet, file *ast.File, lines int)) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "out") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		set := token.NewFileSet()
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, path, data, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		n++
		f(path, filepath.ToSlash(rel), set, file, strings.Count(string(data), "\n"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 20 {
		t.Fatalf("only %d Go files found", n)
	}
}

func TestImportsKeepToTheTable(t *testing.T) {
	rules := table(t)
	sources(t, func(path, pkg string, _ *token.FileSet, file *ast.File, _ int) {
		name, r, ok := find(rules, pkg)
		if !ok {
			t.Errorf("%s: package %s has no row in docs/architecture.md", path, pkg)
			return
		}
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			ours, ok := strings.CutPrefix(imp, module)
			if ok && !r.allowed(name, ours) {
				t.Errorf("%s: %s may not import %s (docs/architecture.md)", path, pkg, ours)
			}
		}
	})
}

// TestTheImportRuleCanFail shows that a forbidden import is found.
func TestTheImportRuleCanFail(t *testing.T) {
	rules := table(t)
	for _, bad := range [][2]string{
		{"evidence/seal", "harness"}, {"harness/measure", "harness/probes"}, {"cmd/finrag/internal/region", "harness"},
		{"loadgen", "harness"}, {"harness", "harness/measure"},
	} {
		name, r, ok := find(rules, bad[0])
		if !ok || r.allowed(name, bad[1]) {
			t.Errorf("%s may import %s", bad[0], bad[1])
		}
	}
}

func TestFunctionsAndFilesStaySmall(t *testing.T) {
	sources(t, func(path, _ string, set *token.FileSet, file *ast.File, lines int) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		if lines > maxFileLines {
			t.Errorf("%s has %d lines, at most %d", path, lines, maxFileLines)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line + 1; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines, at most %d", path, f.Name.Name, n, maxFuncLines)
			}
		}
	})
}

// TestEveryPackageSaysWhatItIsFor demands a package comment.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	sources(t, func(path, pkg string, _ *token.FileSet, file *ast.File, _ int) {
		if !strings.HasSuffix(path, "_test.go") {
			said[pkg] = said[pkg] || file.Doc != nil
		}
	})
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}
