package vector

import "fmt"

// Rule is the ranking rule of this build. An older build has another one: the linker sets it, by
// -ldflags "-X blackstart/cmd/finrag/internal/vector.Rule=1".
//
//	1  every word of a document counts once, wherever it stands
//	2  a word of the title counts three times
var Rule = "2"

const ruleTwoWeight = 3

// titleWeight is how often a word of a title counts under a rule.
func titleWeight(rule string) (float32, error) {
	switch rule {
	case "1":
		return 1, nil
	case "2":
		return ruleTwoWeight, nil
	}
	return 0, fmt.Errorf("ranking rule %q: this build knows 1 and 2; build it again with one of them", rule)
}
