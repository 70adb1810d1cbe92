package finrag

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestAlertWordsAreThoseOfThePage holds what scenarios may ask for against the table of finrag's messages.
func TestAlertWordsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/finrag.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| ([^|]+) \\| trigger ?(`[a-z.]+`)?[^|]*\\| ?([a-z]*) ?\\|").FindAllStringSubmatch(string(page), -1)
	var classes, statuses []string
	for _, row := range rows {
		named := regexp.MustCompile("`([a-z]+\\.[a-z]+)`").FindAllStringSubmatch(row[2], -1)
		if len(named) == 0 { // the class is that of the event
			named = regexp.MustCompile("`([a-z]+\\.[a-z]+)`").FindAllStringSubmatch(row[1], -1)
		}
		for _, n := range named {
			classes = append(classes, n[1])
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `[^|]+\\|[^|]*\\| (investigating|failover|restored) \\|").FindAllStringSubmatch(string(page), -1) {
		statuses = append(statuses, row[1])
	}
	for what, lists := range map[string][2][]string{"classes": {classes, AlertClasses()}, "statuses": {statuses, PageStatuses()}} {
		got, want := lists[0], slices.Clone(lists[1])
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s: the page says %v, we say %v", what, got, want)
		}
	}
	about, _, err := Nominal(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range AlertComponents() {
		if _, ok := about.ComponentByName(name); !ok {
			t.Errorf("the target has no component %s", name)
		}
	}
}
