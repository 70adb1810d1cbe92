package strictyaml

import (
	"fmt"
	"slices"
	"strings"
)

// Suggest says what to write instead of got: the nearest of the names, or all of them.
func Suggest(got string, names []string) string {
	best := Nearest(got, names)
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(names) == 0:
		return "there is none to choose from"
	case len(names) == 1:
		return "write " + names[0]
	}
	return "write one of " + Words(names)
}

// Nearest is the one of the names that got is a slip of the pen for, "" if none is.
func Nearest(got string, names []string) string {
	best, least := "", maxWord
	for _, n := range names {
		d := distance(strings.ToLower(got), strings.ToLower(n))
		if d < least && 3*d <= len(n) { // more changes make another word
			best, least = n, d
		}
	}
	return best
}

// Words joins names in order.
func Words(names []string) string {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return strings.Join(sorted, ", ")
}

// maxWord bounds what is compared; longer words are never a slip of the pen.
const maxWord = 64

// distance counts the letters to insert, drop, replace or swap with their neighbour to get from a to b.
func distance(a, b string) int {
	if len(a) > maxWord || len(b) > maxWord {
		return maxWord
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
