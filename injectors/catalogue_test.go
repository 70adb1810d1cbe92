package injectors

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"blackstart/harness"
)

const cataloguePage = "../docs/faults.md"

// catalogue is the generated page: every fault with what it does, how it is written, and what its plan looks like.
func catalogue(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("# Faults\n\nGenerated from the catalogue by `make golden`. The actions are those on a target with the regions east and west.\n")
	for _, k := range Faults.All() {
		plan, err := k.New().Plan(t.Context(), estate(), harness.FaultSpec{Kind: k.Name, Region: harness.Primary, StartsClock: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## %s\n%s\n\n```yaml\nfaults:\n  - %s\n```\n\n| do | undo | on |\n| --- | --- | --- |\n", k.Name, k.Doc, k.Example)
		for _, s := range plan.Steps {
			on := strings.Join(append(append([]string{}, s.Do.Links...), s.Do.Components...), ", ")
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", s.Do.Kind, s.Undo.Kind, on)
		}
		b.WriteString("\nIn force when, from the victim's side: ")
		b.WriteString(kinds(plan.InForce) + ". Over when: " + kinds(plan.Restored) + ".\n")
		if plan.FencesOld {
			b.WriteString("Before the undo the old primary is fenced, and seen to refuse writes.\n")
		}
	}
	return b.String()
}

// kinds counts the checks by kind, in order.
func kinds(checks []harness.Check) string {
	var names []string
	counts := map[harness.CheckKind]int{}
	for _, c := range checks {
		if counts[c.Kind]++; counts[c.Kind] == 1 {
			names = append(names, string(c.Kind))
		}
	}
	for i, n := range names {
		names[i] = fmt.Sprintf("`%s` (%d)", n, counts[harness.CheckKind(n)])
	}
	return strings.Join(names, ", ")
}

// TestCataloguePageIsFresh fails when the page is older than the catalogue.
func TestCataloguePageIsFresh(t *testing.T) {
	want := catalogue(t)
	if *update {
		if err := os.WriteFile(cataloguePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(cataloguePage)
	if err != nil || string(got) != want {
		t.Errorf("docs/faults.md is older than the catalogue: run make golden (%v)", err)
	}
}
