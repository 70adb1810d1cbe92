package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var requirement = regexp.MustCompile(`^\t(\S+) v\S+$`) // a direct one: indirect ones carry a comment

// TestEveryDependencyHasItsLine holds docs/dependencies.md against go.mod.
func TestEveryDependencyHasItsLine(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range strings.Split(string(mod), "\n") {
		if m := requirement.FindStringSubmatch(line); m != nil {
			n++
			if !strings.Contains(string(page), m[1]) {
				t.Errorf("%s has no line in docs/dependencies.md", m[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d direct dependencies were found in go.mod", n)
	}
}
