package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"blackstart/evidence"
	"blackstart/evidence/seal"
	"blackstart/harness"
	"blackstart/harness/targets/finrag"
	"blackstart/scenarios"
)

// ofOtherTargets are the refusals of a plan that no scenario can bring about on the target of this build, by a part of their text:
// they speak of targets that lack something, or of words that are refused before.
var ofOtherTargets = []string{
	"no fault of kind", "cannot carry out", "has no region with the role", "does not allow region", "has no database in each",
	"has no API", "has no link", "no link of target", "has no component", "is not known", "has no known question", "needs two builds",
	"does not say which versions", "both builds of target", "its undo has to fence", "has no such component", "only a database can be fenced",
	"target %s has no %s region", "nobody can be asked", "from outside nobody can see", "has several components", "lets the harness make no call",
}

// TestEveryRefusalOfAPlanIsOneOfValidate goes through the texts of all refusals in the source. Each must be met by a file of
// testdata, be refused by the plan of that file, and be refused by validate before; or stand in the list above with its reason.
func TestEveryRefusalOfAPlanIsOneOfValidate(t *testing.T) {
	met := map[string]bool{}
	files, err := filepath.Glob(examples + "/invalid-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		s, _, err := scenarios.Load(file, "fast") // as far as it goes without knowing a target
		if err != nil {
			continue
		}
		target, can, err := finrag.Nominal(s.Target.Settings)
		if err != nil {
			continue
		}
		_, refused := harness.PlanAll(t.Context(), *s, target, withPeople(can), injector)
		if _, err := harness.PlanFaults(t.Context(), *s, target, withPeople(can), injector); (err == nil) != (len(refused) == 0) {
			t.Errorf("%s: a plan says %v, and there are %d refusals", file, err, len(refused))
		}
		_, _, err = reader().Load(file, "fast")
		var problems scenarios.Problems
		if len(refused) > 0 && !errors.As(err, &problems) {
			t.Errorf("%s: a plan says %v, and validate %v", file, refused[0].Err, err)
		}
		for _, r := range refused {
			met[r.Err.Error()] = true
		}
	}
	for _, text := range refusalTexts(t) {
		known := false
		for _, part := range ofOtherTargets {
			known = known || strings.Contains(text, part)
		}
		found := false
		for said := range met {
			found = found || formatPattern(text).MatchString(said)
		}
		switch {
		case known && found && !strings.Contains(text, "%w"):
			t.Errorf("a file brings %q about: take it out of the list", text)
		case !known && !found:
			t.Errorf("no file brings %q about: write testdata/scenarios/invalid-cannot-….yaml", text)
		}
	}
}

// refusalTexts lists the formats of the errors that planning makes.
func refusalTexts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../injectors/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	var texts []string
	for _, file := range append(files, "../../harness/planning.go") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Errorf" || f.Sel.Name == "New") {
				if text := literal(call.Args[0]); text != "" && text != "plan %s: %w" {
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	if len(texts) < 15 {
		t.Fatalf("only %d refusals were found in the source", len(texts))
	}
	return texts
}

// literal is a string of the source, joined by + or not.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		if err == nil {
			return text
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	}
	return ""
}

var verb = regexp.MustCompile(`%[a-z]`)

// formatPattern matches what a format can give.
func formatPattern(format string) *regexp.Regexp {
	return regexp.MustCompile("^(plan .*: )?" + verb.ReplaceAllString(regexp.QuoteMeta(format), ".*") + "$")
}

// variant reads the valid scenario with one text in place of another, as validate does.
func variant(t *testing.T, from, to string) error {
	t.Helper()
	text, err := os.ReadFile(examples + "/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) && from != to {
		t.Fatalf("%q is not in the file", from)
	}
	_, _, err = reader().Parse("valid.yaml", []byte(changed), nil, "")
	return err
}

// TestWhatTheTargetChecksValidateChecks holds settings and profiles against what a target refuses before its start.
func TestWhatTheTargetChecksValidateChecks(t *testing.T) {
	if err := variant(t, "", ""); err != nil {
		t.Fatal(err)
	}
	for key := range finrag.KnownSettings() {
		for _, value := range []string{"", "perhaps", "-1", "0", "1000001", "20s", "1us"} {
			target := finrag.CheckRequest(map[string]string{key: value}, "fast")
			ours := variant(t, "settings: {commit: synchronous}", fmt.Sprintf("settings: {%s: %q}", key, value))
			if (target == nil) != (ours == nil) {
				t.Errorf("setting %s: %q: the target says %v, validate %v", key, value, target, ours)
			}
		}
	}
	for _, profile := range []string{"fast", "standard", "quick"} {
		target := finrag.CheckRequest(nil, profile)
		ours := variant(t, "  fast: ", "  "+profile+": ")
		if (target == nil) != (ours == nil) {
			t.Errorf("profile %s: the target says %v, validate %v", profile, target, ours)
		}
	}
}

// TestWhatTheSealRefusesValidateRefuses holds titles and ids against what is demanded of them when a drill has already run.
func TestWhatTheSealRefusesValidateRefuses(t *testing.T) {
	titles := []string{strings.Repeat("long ", 220), strings.Repeat("x", 1100), strings.Repeat("ä", 600), "", " ", "two\nlines", "\u2028", "a\u2029b"}
	for c := rune(0); c < 0xa0; c++ {
		titles = append(titles, "a"+string(c)+"b")
	}
	refused := 0
	for _, title := range titles {
		quoted, err := json.Marshal(title)
		if err != nil {
			t.Fatal(err)
		}
		rec := &harness.Record{PackID: "p", RunID: "r", Ended: harness.Stamp(time.Now().UnixNano()), Environment: "production",
			Scenario: harness.Scenario{Metadata: harness.Metadata{Title: title}}}
		if _, err := evidence.BagInfo(rec).Bytes(); err == nil {
			continue
		}
		refused++
		if variant(t, "A scenario in which nothing is wrong", string(quoted)) == nil {
			t.Errorf("sealing refuses the title %.40q, and validate does not", title)
		}
	}
	if refused < 40 {
		t.Errorf("sealing refuses %d titles only: this test looks at nothing", refused)
	}
	for _, id := range []string{"a", strings.Repeat("a", 80), strings.Repeat("a", 81), strings.Repeat("a", 160), "a/b", "a.", "-a", "A", "ä", "a b"} {
		sealing := errors.Join(seal.CheckName("data/samples/"+id+".bin"+seal.TreeExt), seal.CheckName("data/ledger/"+id+".copies-east.db-serving.bin"+seal.TreeExt))
		ours := variant(t, "{id: isolated,", fmt.Sprintf("{id: %q,", id))
		if sealing != nil && ours == nil {
			t.Errorf("sealing refuses the file of load %.20q: %v; validate does not", id, sealing)
		}
	}
	text, err := os.ReadFile(examples + "/valid.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for n, fits := range map[int]bool{seal.MaxBaseBytes: true, seal.MaxBaseBytes + 1: false} { // the directory of a pack is the name
		name := strings.Repeat("n", n)
		_, _, err := reader().Parse(name+".yaml", bytes.Replace(text, []byte("name: valid"), []byte("name: "+name), 1), nil, "")
		if (err == nil) != fits {
			t.Errorf("a name of %d letters: %v", n, err)
		}
	}
}

// TestWhatTheRecordRefusesValidateRefuses: a number above 2^53 cannot be written into a record.
func TestWhatTheRecordRefusesValidateRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"settle: 60s", "settle: 2600000h"}, {"confirmWithin: 2s", "confirmWithin: 2600000h"}, {"failingFor: 5s", "failingFor: 2600000h"},
		{"    settle: 3s", "    settle: 2600000h"}, {"    settle: 3s", "    recovered: {window: 2600000h}"},
		{"    settle: 3s", "    faults: {none: {for: 2600000h}}"}, {"{at: 0s,", "{at: 2600000h,"},
	} {
		if variant(t, c[0], c[1]) == nil {
			t.Errorf("%s is valid", c[1])
		}
	}
}

// TestAnExecutorThatCannotBeSealedIsRefused before anything is looked at: the scenario does not even exist.
func TestAnExecutorThatCannotBeSealedIsRefused(t *testing.T) {
	for name, want := range map[string]string{
		"Ada\xffL": "not text in UTF-8", "Ada\x1b[31m": "control character U+001B", "Ada\nL": "control character", "Ada\u202e": "U+202E",
		strings.Repeat("A", maxExecutor+1): "at most 100", "Ada Lovelace": "nowhere.yaml", "": "nowhere.yaml",
	} {
		var stderr bytes.Buffer
		code := execute(t.Context(), []string{"run", "nowhere.yaml", "--executor", name}, &bytes.Buffer{}, &stderr)
		if code != harness.ExitUsage || !strings.Contains(stderr.String(), want) || strings.ContainsAny(stderr.String(), "\x1b\u202e") {
			t.Errorf("%.20q: exit %d, %q", name, code, stderr.String())
		}
	}
}
