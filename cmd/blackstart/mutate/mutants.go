package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// mutant is one check that is taken out: bytes of one file replaced by others.
type mutant struct {
	name     string // file: name of the check (#n where a name occurs again)
	file     string
	from, to int    // bytes of the source
	with     string // what stands there instead
	check    string // name of the check; "" where it is made when the tool runs
}

// is tells whether a check that failed can be this one.
func (m mutant) is(name string) bool { return m.check == "" || m.check == name }

// findMutants lists the checks of the packages: calls of check and judge, whose last argument says what is wrong, and of add
// that report a failure.
func findMutants(dirs ...string) ([]mutant, error) {
	var all []mutant
	seen := map[string]int{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			found, err := inFile(file)
			if err != nil {
				return nil, err
			}
			for _, m := range found {
				if seen[m.name]++; seen[m.name] > 1 {
					m.name += fmt.Sprintf(" #%d", seen[m.name])
				}
				all = append(all, m)
			}
		}
	}
	return all, nil
}

func inFile(file string) ([]mutant, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, src, 0)
	if err != nil {
		return nil, err
	}
	offset := func(p token.Pos) int { return set.Position(p).Offset }
	var all []mutant
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		args, m := call.Args, mutant{file: file}
		switch {
		case sel.Sel.Name == "check" && len(args) == 3:
			m.name = nameOf(args[0], src, offset)
			m.from, m.to = offset(args[2].Pos()), offset(args[2].End())
			m.with = "taken(" + string(src[m.from:m.to]) + ")"
		case sel.Sel.Name == "judge" && len(args) == 4:
			m.name = nameOf(args[1], src, offset)
			m.from, m.to = offset(args[3].Pos()), offset(args[3].End())
			m.with = "taken(" + string(src[m.from:m.to]) + ")"
		case sel.Sel.Name == "add" && len(args) >= 4 && string(src[offset(args[2].Pos()):offset(args[2].End())]) == "Failed":
			m.name = nameOf(args[1], src, offset)
			m.from, m.to = offset(args[2].Pos()), offset(args[2].End())
			m.with = "OK"
		default:
			return true
		}
		if _, literal := nameArg(sel.Sel.Name, args).(*ast.BasicLit); literal {
			m.check = m.name
		}
		m.name = filepath.ToSlash(file) + ": " + m.name
		all = append(all, m)
		return true
	})
	return all, nil
}

// nameArg is the argument that names the check.
func nameArg(method string, args []ast.Expr) ast.Expr {
	if method == "check" {
		return args[0]
	}
	return args[1]
}

// nameOf is the name of a check: its text, or the expression that makes it.
func nameOf(arg ast.Expr, src []byte, offset func(token.Pos) int) string {
	if lit, ok := arg.(*ast.BasicLit); ok {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return string(src[offset(arg.Pos()):offset(arg.End())])
}

// takenSource is what a mutant's package has besides: it forgets what a check has found.
const takenSource = "\n\nfunc taken(error) error { return nil }\n"

// build makes the tool without one check; the zero mutant is the tool as it is.
func build(ctx context.Context, dir string, m mutant) (string, error) {
	bin := filepath.Join(dir, "blackstart")
	args := []string{"build", "-o", bin}
	if m.file != "" {
		src, err := os.ReadFile(m.file)
		if err != nil {
			return "", err
		}
		changed := bytes.Join([][]byte{src[:m.from], []byte(m.with), src[m.to:], []byte(takenSource)}, nil)
		if err := os.WriteFile(filepath.Join(dir, "mutant.go"), changed, 0o600); err != nil {
			return "", err
		}
		path, err := filepath.Abs(m.file)
		if err != nil {
			return "", err
		}
		overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: filepath.Join(dir, "mutant.go")}})
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
			return "", err
		}
		args = append(args, "-overlay", filepath.Join(dir, "overlay.json"))
	}
	out, err := exec.CommandContext(ctx, "go", append(args, "./cmd/blackstart")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build without %q: %w\n%s", m.name, err, out)
	}
	return bin, nil
}

// failing asks the tool as it is which checks find each attack. Attacks that it accepts are left out: they are known, and say so
// where they are made.
func failing(ctx context.Context, bin string, packs []string) (map[string][]string, error) {
	found := map[string][]string{}
	for _, pack := range packs {
		out, err := exec.CommandContext(ctx, bin, "verify", pack, "--recompute", "--json", "--root", strings.TrimSuffix(pack, ".zip")+".root.pem").Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			return nil, err
		}
		var told struct {
			Exit   int `json:"exit"`
			Checks []struct{ Name, Status string }
		}
		if err := json.Unmarshal(out, &told); err != nil {
			return nil, fmt.Errorf("verify %s: %w", pack, err)
		}
		for _, k := range told.Checks {
			if k.Status == "failed" && told.Exit != 0 {
				found[pack] = append(found[pack], k.Name)
			}
		}
	}
	return found, nil
}

// firstAccepted gives the first attack that the tool accepts, "" if it refuses all of them.
func firstAccepted(ctx context.Context, bin string, packs []string) (string, error) {
	for _, pack := range packs {
		err := exec.CommandContext(ctx, bin, "verify", pack, "--recompute", "--root", strings.TrimSuffix(pack, ".zip")+".root.pem").Run()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return pack, nil
		case !errors.As(err, &exit):
			return "", err
		}
	}
	return "", nil
}
