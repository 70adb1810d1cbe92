package rows

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
)

func TestAppendAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.jsonl")
	want := []Row{
		{On: "processes", Scenario: "null", Took: 30 * time.Second, Up: 2 * time.Second, Findings: harness.Findings{Verdict: harness.Pass}},
		{On: "containers", Scenario: "null", Exit: 3, Findings: harness.Findings{Verdict: harness.Inconclusive}},
	}
	for _, r := range want {
		if err := Append(path, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Read(path)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if err := os.WriteFile(path, []byte("{\"on\": \"processes\"}\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("a damaged file: %v", err)
	}
}
