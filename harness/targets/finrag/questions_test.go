package finrag

import (
	"os"
	"regexp"
	"testing"
)

// TestQuestionsAreThoseOfTheContract compares the table with the one that finrag promises.
func TestQuestionsAreThoseOfTheContract(t *testing.T) {
	page, err := os.ReadFile("../../../docs/finrag.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([a-z]+) \\| ([^|]+) \\| `([a-z-]+)` \\| `([a-z-]+)` \\|$")
	rows := row.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 4 || len(rows) != len(questions) {
		t.Fatalf("the page has %d questions, the harness %d", len(rows), len(questions))
	}
	for i, q := range questions {
		older := q.Older
		if older == "" {
			older = q.Right
		}
		if got := [5]string{q.ID, q.Namespace, q.Text, q.Right, older}; got != [5]string(rows[i][1:]) {
			t.Errorf("the harness asks %q, the page promises %q", got, rows[i][1:])
		}
	}
}
