package scenarios

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

// child reads a scenario that extends the library's region-partition.
func child(t *testing.T, text string) error {
	t.Helper()
	text = "extends: region-partition.yaml\nmetadata: {name: tight, title: Tighter}\n" + text
	_, _, err := Parse("tight.yaml", []byte(text), func(n string) ([]byte, error) { return fs.ReadFile(library, "finrag/"+n) }, "fast")
	return err
}

func TestABoundThatAProfileHidesIsRefused(t *testing.T) {
	err := child(t, "objectives:\n  rto: {atMost: 4s, source: \"ticket 7\"}\n")
	var problems Problems
	if !errors.As(err, &problems) || !strings.Contains(err.Error(), "tight.yaml:4") || !strings.Contains(err.Error(), "under profile fast this has no effect") ||
		!strings.Contains(err.Error(), "profiles.fast") {
		t.Errorf("a bound without effect was read as if it had one: %v", err)
	}
	both := "objectives:\n  rto: {atMost: 4s, source: \"ticket 7\"}\nprofiles:\n  fast:\n    objectives:\n      rto: {atMost: 3s, source: \"ticket 7\"}\n"
	if err := child(t, both); err != nil {
		t.Errorf("a bound written for both was refused: %v", err)
	}
}

func TestAChangedBoundNeedsItsOwnSource(t *testing.T) {
	for name, text := range map[string]string{
		"by extends":   "objectives:\n  page: {atMost: 1m}\n",
		"by a profile": "profiles:\n  fast:\n    objectives:\n      rto: {atMost: 4s}\n",
	} {
		if err := child(t, text); err == nil || !strings.Contains(err.Error(), "source") {
			t.Errorf("%s: the old source was kept for a new bound: %v", name, err)
		}
	}
}
