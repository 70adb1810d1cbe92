package main

import (
	"fmt"
	"strings"

	"blackstart/harness/measure"
)

// erratum is a rule that is known to be wrong, and what the right one changes in this drill.
type erratum struct {
	Rules     string   `json:"rules"`
	Wrong     string   `json:"wrong"`
	Corrected string   `json:"corrected_by"`
	Changes   []string `json:"changes"`
}

func errata(all []measure.Correction) []erratum {
	told := []erratum{}
	for _, c := range all {
		e := erratum{Rules: c.Erratum.Rules, Wrong: c.Erratum.Wrong, Corrected: c.Erratum.Corrected, Changes: []string{}}
		for _, x := range c.Changes {
			e.Changes = append(e.Changes, fmt.Sprintf("%s: was %s, is %s", x.What, x.Was, x.Is))
		}
		told = append(told, e)
	}
	return told
}

// String says both numbers, or that the error did not matter here.
func (e erratum) String() string {
	what := "it changes nothing in this drill"
	if len(e.Changes) > 0 {
		what = "in this drill " + strings.Join(e.Changes, "; ")
	}
	return fmt.Sprintf("%s is known to be wrong (%s); by %s %s", e.Rules, e.Wrong, e.Corrected, what)
}
