package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	requirement = regexp.MustCompile(`^\t(\S+) v\S+$`) // a direct one: indirect ones carry a comment
	tool        = regexp.MustCompile(`(?m)^(?:tool |\t)([a-z]\S*\.[a-z]+/\S+)$`)
)

// TestEveryDependencyHasItsLine holds docs/dependencies.md against go.mod and the tools' own.
func TestEveryDependencyHasItsLine(t *testing.T) {
	page := text(t, "docs/dependencies.md")
	n := 0
	for _, line := range strings.Split(text(t, "go.mod"), "\n") {
		if m := requirement.FindStringSubmatch(line); m != nil {
			n++
			if !strings.Contains(page, m[1]) {
				t.Errorf("%s has no line in docs/dependencies.md", m[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d direct dependencies were found in go.mod", n)
	}
	for file, least := range map[string]int{"go.mod": 1, "tools/go.mod": 3, "tools/s3server/go.mod": 1} {
		tools := tool.FindAllStringSubmatch(text(t, file), -1)
		if len(tools) < least {
			t.Errorf("only %d tools were found in %s", len(tools), file)
		}
		for _, m := range tools {
			if !strings.Contains(page, m[1]) {
				t.Errorf("the tool %s of %s has no line in docs/dependencies.md", m[1], file)
			}
		}
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
