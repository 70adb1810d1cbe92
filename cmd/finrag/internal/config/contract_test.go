package config

import (
	"os"
	"strings"
	"testing"
)

// TestTheContractPageLoads reads the examples of docs/finrag.md, so that the page cannot drift from the code.
func TestTheContractPageLoads(t *testing.T) {
	b, err := os.ReadFile("../../../../docs/finrag.md")
	if err != nil {
		t.Fatal(err)
	}
	loaders := []func(string) error{
		func(p string) error { _, err := LoadRegion(p); return err },
		func(p string) error { _, err := LoadDNS(p); return err },
		func(p string) error { _, err := LoadController(p); return err },
	}
	blocks := strings.Split(string(b), "```yaml\n")[1:]
	if len(blocks) != len(loaders) {
		t.Fatalf("the page has %d examples, want %d", len(blocks), len(loaders))
	}
	for i, load := range loaders {
		text, _, _ := strings.Cut(blocks[i], "```")
		if err := load(file(t, text)); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}
