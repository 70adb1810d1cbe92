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
		plan, err := planned(t, k, exampleOf(t, k))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## %s\n%s\n\n```yaml\nfaults:\n  - %s\n```\n\n| do | undo | on |\n| --- | --- | --- |\n", k.Name, k.Doc, k.Example)
		for _, s := range plan.Steps {
			on := strings.Join(append(append([]string{}, s.Do.Links...), s.Do.Components...), ", ")
			fmt.Fprintf(&b, "| %s | %s | %s |\n", action(s.Do), action(s.Undo), on)
		}
		b.WriteString("\nIn force when, from the victim's side: ")
		b.WriteString(kinds(plan.InForce))
		if len(plan.Follows) > 0 {
			b.WriteString(". Follows from it, and must be seen too: " + kinds(plan.Follows))
		}
		b.WriteString(". Over when: " + kinds(plan.Restored) + ".\n")
		if task := plan.Task(); task != nil {
			b.WriteString("Nothing is fenced before its undo: who undoes it sees to it that no two databases take writes, and `primary.alone` asks.\n")
		} else if len(plan.Fences) > 0 {
			b.WriteString("Before the undo it fences " + strings.Join(plan.Fences, ", ") + ", and sees each refuse writes.\n")
		} else {
			b.WriteString("Its undo fences nothing: nobody is promoted while it is in force.\n")
		}
	}
	return b.String()
}

// action is the kind of an action and what it carries.
func action(a harness.Action) string {
	text := "`" + string(a.Kind) + "`"
	switch {
	case a.SQL != "":
		text += " `" + a.SQL + "`"
	case a.Certificate != nil:
		text += " " + a.Certificate.Wrong
	case a.Build != "":
		text += " " + a.Build
	}
	return text
}

// kinds counts the checks by kind, and by what they want, in order.
func kinds(checks []harness.Check) string {
	var names []string
	counts := map[string]int{}
	for _, c := range checks {
		name := "`" + string(c.Kind) + "`"
		if c.Want != "" {
			name += " " + c.Want
		}
		if counts[name]++; counts[name] == 1 {
			names = append(names, name)
		}
	}
	for i, n := range names {
		if counts[n] > 1 {
			names[i] = fmt.Sprintf("%s (%d)", n, counts[n])
		}
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
