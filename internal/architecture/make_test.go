package architecture

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the targets that CI does not call, and what shows that they work.
var elsewhere = map[string]string{
	"help":            "prints the comments of the Makefile",
	"check":           "a part of what test runs",
	"integration":     "another name for drills",
	"drills-external": "ROUNDS times the drills of cmd/blackstart/e2e, which test runs once: twenty minutes",
	"drills-means":    "what test runs too, where not told to run some: six minutes",
	"stores":          "it builds a server of S3 first, two minutes; make test runs the same against a bucket of ours, with fewer appends",
	"mutate":          "it builds the tool once for each check of verify: a quarter of an hour, by hand when checks change",
	"release":         "a test of cmd/blackstart/e2e makes a release with it, and checks it as docs/release.md says",
	"reproduce":       "the same test builds that release again with it",
	"clean":           "removes two directories",
}

// TestCIRunsEveryTarget follows .ci/run through the Makefile: a target that nobody runs is broken one day.
func TestCIRunsEveryTarget(t *testing.T) {
	makefile := text(t, "Makefile")
	for _, fault := range untried(makefile, text(t, ".ci/run"), elsewhere) {
		t.Error(fault)
	}
	planted := "lone: ## called by nobody\n\ttrue\n\n" + makefile
	if !slices.Contains(untried(planted, text(t, ".ci/run"), elsewhere), "make lone is not called by .ci/run") {
		t.Error("a target that nobody calls was not found")
	}
}

var (
	makeRule = regexp.MustCompile(`(?m)^([a-z][a-z-]*):((?:[^=#\n][^#\n]*)?)(?:##.*)?\n((?:\t.*\n)*)`)
	made     = regexp.MustCompile(`(?:\bmake|\$\(MAKE\))((?: +[^ \n;&|:"]+)+)`)
)

// untried lists what is wrong: documented targets that .ci/run does not reach, and targets excused that it does reach.
func untried(makefile, ci string, excused map[string]string) []string {
	calls := map[string][]string{} // what a target needs or makes
	var documented []string
	for _, m := range makeRule.FindAllStringSubmatch(makefile, -1) {
		name := m[1]
		calls[name] = append(calls[name], strings.Fields(m[2])...)
		for _, c := range made.FindAllStringSubmatch(m[3], -1) {
			calls[name] = append(calls[name], strings.Fields(c[1])...)
		}
		if regexp.MustCompile(`(?m)^`+name+`:.*## `).MatchString(makefile) && !slices.Contains(documented, name) {
			documented = append(documented, name)
		}
	}
	var queue []string
	for line := range strings.Lines(ci) {
		if strings.HasPrefix(line, "say ") { // speaks of it and does not call it
			continue
		}
		for _, c := range made.FindAllStringSubmatch(line, -1) {
			queue = append(queue, strings.Fields(c[1])...)
		}
	}
	reached := map[string]bool{}
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if _, isTarget := calls[name]; isTarget && !reached[name] {
			reached[name] = true
			queue = append(queue, calls[name]...)
		}
	}
	var faults []string
	for _, name := range documented {
		switch {
		case !reached[name] && excused[name] == "":
			faults = append(faults, "make "+name+" is not called by .ci/run")
		case reached[name] && excused[name] != "":
			faults = append(faults, "make "+name+" is called by .ci/run and need not be excused")
		}
	}
	if len(documented) < 10 {
		faults = append(faults, "the Makefile's targets were not found")
	}
	return faults
}
