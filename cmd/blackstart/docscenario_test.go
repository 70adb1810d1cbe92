package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"blackstart/harness"
	"blackstart/harness/target"
)

// TestTheScenarioOfTheDocsIsValid holds the whole scenario of docs/external-targets.md against the file that target init prints.
func TestTheScenarioOfTheDocsIsValid(t *testing.T) {
	page, err := os.ReadFile("../../docs/external-targets.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "### A whole scenario\n")
	_, after, begun := strings.Cut(after, "```yaml\n")
	text, _, ended := strings.Cut(after, "```\n")
	if !found || !begun || !ended {
		t.Fatal("the page has no whole scenario")
	}
	dir := t.TempDir()
	scenario, file := filepath.Join(dir, "dc-loss.yaml"), filepath.Join(dir, "orders.target.yaml")
	for allows, want := range map[string]int{"allows: []": harness.ExitUsage, "allows: [{path: POST /orders}]": harness.ExitPass} {
		described := strings.Replace(string(target.Start), "allows: []", allows, 1)
		for path, content := range map[string]string{scenario: text, file: described} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, said bytes.Buffer
		if exit := execute(t.Context(), []string{"validate", scenario, "--target", file}, &out, &said); exit != want {
			t.Errorf("%s: exit %d, want %d\n%s%s", allows, exit, want, &out, &said)
		}
	}
}
