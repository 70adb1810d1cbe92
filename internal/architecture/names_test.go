package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"blackstart/harness/probes"
	"blackstart/harness/receivers"
	"blackstart/harness/victim"
	"blackstart/injectors"
	"blackstart/loadgen/workloads"
)

// nameless are the packages, with those below them, that ask a kind for its traits and know none by name.
var nameless = []string{"evidence", "harness/measure", "scenarios", "cmd/blackstart"}

// kindless are those that know faults, probes or checks by name, and no kind of component.
var kindless = []string{"injectors", "harness/reconcile", "harness/loads", "harness/target", "harness/targets/external"}

// named lists where a string may be that of a kind all the same, by file and string, and why.
var named = map[string]string{
	"cmd/blackstart/lossbench/main.go postgres.ledger": "the benchmark is of this workload",
	"injectors/injectors.go postgres":                  "faults of replication run SQL",
	"injectors/injectors.go api":                       "faults of certificates and builds break what answers over HTTPS",
	"evidence/consistent_events.go component.gone":     "an event of the drill's own log, which has the check's name and is not it",
}

const componentKind = "kind of component"

// below tells whether a package is one of these, or below one.
func below(pkg string, all []string) bool {
	return slices.ContainsFunc(all, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
}

// kinds lists the name of every registered fault, workload, probe, check and channel, and of every kind of component that a probe
// asks or a load dials, with what it is.
func kinds() map[string]string {
	all := map[string]string{}
	for _, k := range injectors.Faults.All() {
		all[k.Name] = "fault"
	}
	for _, k := range workloads.Workloads.All() {
		all[k.Name] = "workload"
		if speaks := k.New().Traits().Speaks; speaks != "" {
			all[speaks] = componentKind
		}
	}
	for _, k := range probes.Probes.All() {
		all[k.Name] = "probe"
		if speaks := k.New().Traits().Speaks; speaks != "" {
			all[speaks] = componentKind
		}
	}
	for _, k := range victim.Checks.All() {
		all[k.Name] = "check"
	}
	for _, k := range receivers.Channels.All() {
		all[k.Name] = "channel"
	}
	return all
}

// namesIn calls found for every string of a file that is the name of a kind.
func namesIn(file *ast.File, kinds map[string]string, found func(at token.Pos, name, kind string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			name, err := strconv.Unquote(n.Value)
			if kind, ok := kinds[name]; ok && err == nil && n.Kind == token.STRING {
				found(n.Pos(), name, kind)
			}
		}
		return true
	})
}

// TestKindsAreAskedForTheirTraits: what judges, reads scenarios, tells or wires knows no fault, workload, probe, check or channel
// by its name, so that another one is one new file; and what plans, drives and reconciles knows no kind of component.
func TestKindsAreAskedForTheirTraits(t *testing.T) {
	all, used := kinds(), map[string]bool{}
	if len(all) < 25 {
		t.Fatalf("only %d kinds are registered", len(all))
	}
	sources(t, func(path, pkg string, set *token.FileSet, file *ast.File, _ int) {
		bound, partly := below(pkg, nameless), below(pkg, kindless) || pkg == "harness"
		if !bound && !partly || strings.HasSuffix(path, "_test.go") {
			return
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		namesIn(file, all, func(at token.Pos, name, kind string) {
			if !bound && kind != componentKind {
				return
			}
			place := filepath.ToSlash(rel) + " " + name
			if named[place] == "" {
				t.Errorf("%s: %q is the name of a %s: ask for a trait of it", set.Position(at), name, kind)
			}
			used[place] = true
		})
	})
	for place := range named {
		if !used[place] {
			t.Errorf("%s: nothing is named so there any more: take it off the list", place)
		}
	}
}

// TestTheRuleOfNamesCanFail shows that a name is found wherever a string can stand, and nothing but a name.
func TestTheRuleOfNamesCanFail(t *testing.T) {
	const text = `package p
import _ "smtp"
const a = "smtp"
var b = map[string]int{"region.kill": 1}
func f(s string) bool { switch s { case "link.silent": return true }; return s == "http.query" || s == "not smtp" || s == ` + "`answers.known`" + ` }
`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	namesIn(file, kinds(), func(_ token.Pos, name, kind string) { got = append(got, kind+" "+name) })
	if s := strings.Join(got, ", "); s != "channel smtp, fault region.kill, check link.silent, workload http.query, probe answers.known" {
		t.Errorf("found %s", s)
	}
}
