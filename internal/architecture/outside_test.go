package architecture

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// ambient are the functions and variables that take a direction from the environment, and where they may stand.
var ambient = map[string]struct {
	names []string
	in    []string // packages, and those below them
	why   string
}{
	"net/http": {
		names: []string{"DefaultClient", "DefaultTransport", "ProxyFromEnvironment", "Get", "Head", "Post", "PostForm"},
		why:   "takes its proxy from the environment: use a client with a transport of its own, without one",
	},
	"github.com/jackc/pgx/v5": {
		names: []string{"ParseConfig", "Connect", "ParseConfigWithOptions"},
		in:    []string{"internal/pgdial", "cmd/finrag"},
		why:   "reads PG* variables and files of the account: use internal/pgdial",
	},
	"github.com/jackc/pgx/v5/pgconn": {
		names: []string{"ParseConfig", "Connect", "ParseConfigWithOptions", "ConnectWithOptions"},
		in:    []string{"internal/pgdial", "cmd/finrag"},
		why:   "reads PG* variables and files of the account: use internal/pgdial",
	},
	"github.com/jackc/pgx/v5/pgxpool": {
		names: []string{"ParseConfig", "New"},
		in:    []string{"cmd/finrag"},
		why:   "reads PG* variables and files of the account: use internal/pgdial",
	},
	"github.com/aws/aws-sdk-go-v2/config": {
		names: []string{"LoadDefaultConfig"},
		in:    []string{"evidence/register/s3store"},
		why:   "reads AWS_* variables and files of the account: a store in a bucket alone takes its credentials there",
	},
	"os/exec": {
		names: []string{"Command", "CommandContext"},
		in: []string{"harness/targets/procs", "harness/targets/postgres", "harness/targets/finrag", "harness/targets/conformance",
			"cmd/finrag/internal/pgtest", "cmd/blackstart/mutate", "cmd/blackstart/packbench", "cmd/blackstart/spread", "loadgen/bench", "internal/untouched"},
		why: "hands everything on unless Env is set: start what belongs to a drill with procs.Env",
	},
	"os": {
		names: []string{"Environ"},
		in:    []string{"internal/pgdial", "harness/targets/conformance", "cmd/finrag/internal/region", "cmd/finrag/internal/pgtest", "cmd/finrag"},
		why:   "hands everything on: give a child procs.Env",
	},
}

// TestNothingTakesItsDirectionFromTheEnvironment holds the product's sources; tests may do as they like.
func TestNothingTakesItsDirectionFromTheEnvironment(t *testing.T) {
	seen := 0
	sources(t, func(path, pkg string, set *token.FileSet, file *ast.File, _ int) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, use := range ambientUses(file) {
			rule := ambient[use.from]
			if slices.ContainsFunc(rule.in, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") }) {
				seen++
				continue
			}
			t.Errorf("%s: %s.%s %s", set.Position(use.at), use.from, use.name, rule.why)
		}
	})
	if seen < 3 {
		t.Errorf("only %d uses were found where they may stand: the test finds nothing", seen)
	}
}

type use struct {
	from, name string
	at         token.Pos
}

// ambientUses finds the uses of names on the list, and clients without a transport, which use the default one.
func ambientUses(file *ast.File) []use {
	local := map[string]string{} // import path by the name it has in this file
	for _, spec := range file.Imports {
		path := strings.Trim(spec.Path.Value, `"`)
		if _, listed := ambient[path]; !listed {
			continue
		}
		name := strings.TrimSuffix(path, "/v5")
		name = name[strings.LastIndexByte(name, '/')+1:]
		if spec.Name != nil {
			name = spec.Name.Name
		}
		local[name] = path
	}
	var found []use
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && slices.Contains(ambient[local[x.Name]].names, n.Sel.Name) {
				found = append(found, use{local[x.Name], n.Sel.Name, n.Pos()})
			}
		case *ast.CompositeLit:
			sel, ok := n.Type.(*ast.SelectorExpr)
			if !ok {
				break
			}
			x, ok := sel.X.(*ast.Ident)
			if ok && local[x.Name] == "net/http" && sel.Sel.Name == "Client" && !sets(n, "Transport") {
				found = append(found, use{"net/http", "Client without Transport", n.Pos()})
			}
		}
		return true
	})
	return found
}

func sets(lit *ast.CompositeLit, field string) bool {
	return slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		key, ok := kv.Key.(*ast.Ident)
		return ok && key.Name == field
	})
}
