package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// vocabulary is docs/vocabulary.md.
type vocabulary struct {
	stands  []entry             // what each word means, and where it stands in the code
	unused  []unused            // the words and names that are not used
	allowed map[string][]string // names that are declared all the same, and the words of why
}

// entry is one row: words that stand in the code at refs.
type entry struct {
	words, refs []string
	line        int
}

// unused is one word, or one whole name, that is not used, and what to write instead.
type unused struct {
	word    string
	whole   bool // a name as it stands, in code letters
	all     bool // of everything that is declared, not of types, functions, methods and packages alone
	instead string
}

var code = regexp.MustCompile("`([^`]+)`")

// parseVocabulary reads the tables of the page. A row that is in none of its forms is an error: it would hold nothing.
func parseVocabulary(page string) (v vocabulary, err error) {
	v.allowed = map[string][]string{}
	head, heads := "", 0
	for n, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			if !strings.HasPrefix(line, "|") {
				head = ""
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if head == "" {
			head, heads = cells[0], len(cells)
			continue
		}
		if len(cells) != heads {
			return v, fmt.Errorf("line %d: %d cells, want %d", n+1, len(cells), heads)
		}
		switch {
		case head == "word" && heads == 3:
			v.stands = append(v.stands, entry{strings.Split(cells[0], ", "), letters(cells[2]), n + 1})
		case head == "not used" && heads == 3 && (cells[1] == "types" || cells[1] == "all"):
			for _, w := range strings.Split(cells[0], ", ") {
				name := strings.Trim(w, "`")
				v.unused = append(v.unused, unused{name, name != w, cells[1] == "all", cells[2]})
			}
		case head == "yet there is" && heads == 2:
			for _, name := range letters(cells[0]) {
				v.allowed[name] = strings.Fields(cells[1])
			}
		default:
			return v, fmt.Errorf("line %d: a row of no known table", n+1)
		}
	}
	return v, nil
}

// letters lists what stands in code letters.
func letters(cell string) (all []string) {
	for _, m := range code.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// parts are the words that a name is made of, in lower case: "HTTPError2" has http, error2.
func parts(name string) (words []string) {
	runes := []rune(name)
	from := 0
	for i := 1; i <= len(runes); i++ {
		if i == len(runes) || unicode.IsUpper(runes[i]) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			words = append(words, strings.ToLower(string(runes[from:i])))
			from = i
		}
	}
	return words
}

// is tells whether a name is made of the word that is not used.
func (u unused) is(d declared) bool {
	switch {
	case u.whole:
		return d.name == u.word && d.sort != "local"
	case u.all:
		return slices.Contains(parts(d.name), u.word)
	}
	words := parts(d.name)
	return (d.sort == "type" || d.sort == "package") && strings.TrimSuffix(words[len(words)-1], "s") == u.word
}

// misuses says of each name that is made of a word that is not used, where it stands and what to write.
func (v vocabulary) misuses(names []declared) (all []string) {
	for _, d := range names {
		for _, u := range v.unused {
			if u.is(d) && v.allowed[d.full] == nil {
				all = append(all, fmt.Sprintf("%s: %s: %q is not used (docs/vocabulary.md): write %s", d.at, d.full, u.word, u.instead))
			}
		}
	}
	return all
}

// missing says which words do not stand in the code where the page says, and which exceptions are of nothing.
func (v vocabulary) missing(exists func(ref string) bool) (all []string) {
	for _, e := range v.stands {
		for _, ref := range e.refs {
			if !exists(ref) {
				all = append(all, fmt.Sprintf("docs/vocabulary.md:%d: `%s` does not stand in the code: name what %s is called there", e.line, ref, strings.Join(e.words, ", ")))
			}
		}
		for _, word := range e.words {
			fields := strings.Fields(strings.ToLower(word))
			if !slices.ContainsFunc(e.refs, func(ref string) bool { return strings.Contains(strings.ToLower(ref), fields[len(fields)-1]) }) {
				all = append(all, fmt.Sprintf("docs/vocabulary.md:%d: %q is in none of the names of its row: name where it stands in the code", e.line, word))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.allowed)) {
		if !exists(name) || len(v.allowed[name]) < 4 {
			all = append(all, fmt.Sprintf("docs/vocabulary.md: the exception `%s` is of nothing, or has no reason: take it out", name))
		}
	}
	return all
}

// TestTheVocabularyIsThatOfTheCode holds the page to the code, and the code to the page.
func TestTheVocabularyIsThatOfTheCode(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/vocabulary.md"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := parseVocabulary(string(page))
	if err != nil {
		t.Fatalf("docs/vocabulary.md: %v", err)
	}
	if len(v.stands) < 20 || len(v.unused) < 10 {
		t.Fatalf("docs/vocabulary.md: only %d rows of words and %d words that are not used", len(v.stands), len(v.unused))
	}
	known := map[string]bool{}
	var names []declared
	sources(t, func(path, pkg string, set *token.FileSet, file *ast.File, _ int) {
		all, texts := declarations(set, file, pkg)
		test := strings.HasSuffix(path, "_test.go")
		for _, d := range all {
			known[d.full] = known[d.full] || d.sort != "local"
		}
		if !test {
			names = append(names, all...)
			for _, text := range texts {
				known[text] = true
			}
		}
	})
	for _, text := range append(v.missing(func(ref string) bool { return known[ref] }), v.misuses(names)...) {
		t.Error(text)
	}
}

// TestTheVocabularyCanFail shows each fault that is looked for, and what is none.
func TestTheVocabularyCanFail(t *testing.T) {
	const page = "| word | means exactly | in code |\n| --- | --- | --- |\n" +
		"| Fault | what to break | `harness.FaultSpec`, `region.partition`, `starts_clock:` |\n| Gone, Drill | nothing | `harness.Away` |\n\n" +
		"| not used | for | write |\n| --- | --- | --- |\n| manager, base | types | what it does |\n| rollback | all | undo |\n| `told`, `in_old:` | all | result |\n\n" +
		"| yet there is | because |\n| --- | --- |\n| `harness.Base` | it is the base of all |\n| `harness.old` | nobody has it any more |\n"
	const source = "package harness\n" +
		"type FaultSpec struct { A string `json:\"starts_clock,omitempty\"`; told int `json:\"in_old\"` }\n" +
		"type LoadManagers struct{}\nfunc Base() {}\nfunc (FaultSpec) base() {}\nvar kind = \"region.partition\"\n" +
		"func f(rollback int) { told, base, doRollback := 1, 2, func() {}; tx.Rollback() }\nfunc BaseLine() {}\n"
	v, err := parseVocabulary(page)
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	names, texts := declarations(set, file, "harness")
	known := map[string]bool{}
	for _, d := range names {
		known[d.full] = true
	}
	for _, text := range texts {
		known[text] = true
	}
	want := []string{"`harness.Away`", `"Gone"`, `"Drill"`, "`harness.old`", "harness.FaultSpec.told", "x.go:2: in_old:", "harness.LoadManagers", "harness.FaultSpec.base",
		"x.go:7: harness.rollback", "harness.doRollback"}
	got := append(v.missing(func(ref string) bool { return known[ref] }), v.misuses(names)...)
	for _, w := range want {
		if n := strings.Count(strings.Join(got, "\n"), w); n != 1 {
			t.Errorf("%s is found %d times, want once, in\n%s", w, n, strings.Join(got, "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	if _, err := parseVocabulary("| word | means |\n| --- | --- |\n| a | b |\n"); err == nil {
		t.Error("a table without its column of code is read as one")
	}
}
