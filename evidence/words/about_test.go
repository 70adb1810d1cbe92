package words

import (
	"fmt"
	"strings"
	"testing"

	"blackstart/harness"
)

// What is said of the bundled system is said of no other, and a drill that is none is not called a rehearsal.
func TestWordsOfATargetOfSomebodyElse(t *testing.T) {
	owned := &harness.Ownership{Owner: "Order desk", Service: "Order entry", Plan: "BCP 4.2", Critical: true}
	listed := &harness.Ownership{Owner: "Order desk", Service: "Order entry", Plan: "BCP 4.2"} // on no list
	for _, c := range []struct {
		environment, kind string
		owned             *harness.Ownership
		says, says2       string
		not               []string
	}{
		{harness.Rehearsal, "processes", nil, "bundled rehearsal system", "generated documents", []string{"BCP 4.2", "are not known"}},
		{harness.Rehearsal, harness.External, owned, "A rehearsal shows that the drill works", "yes, by its target file; owned by Order desk", []string{"bundled", "generated documents"}},
		{harness.Production, harness.External, listed, "the target's own timings are not known", "no, by its target file; owned by Order desk", []string{"ehearsal", "bundled", "generated"}},
		{harness.Staging, harness.External, owned, "the target's own timings are not known", "BCP 4.2, by its target file", []string{"ehearsal", "bundled", "generated"}},
	} {
		rec := &harness.Record{Environment: c.environment, Profile: "standard", Target: harness.Description{Name: "orders", Kind: c.kind, Owned: c.owned}}
		text := fmt.Sprint(identity(rec, ""), examiner(rec), limits(rec), plan(rec), retention(rec))
		if !strings.Contains(text, c.says) || !strings.Contains(text, c.says2) {
			t.Errorf("%s %s: neither %q nor %q in %s", c.environment, c.kind, c.says, c.says2, text)
		}
		for _, not := range c.not {
			if strings.Contains(text, not) {
				t.Errorf("%s %s: it says %q: %s", c.environment, c.kind, not, text)
			}
		}
	}
}
