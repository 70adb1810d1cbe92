package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/internal/rows"
)

func TestCompareShowsEveryRunAndReplacesItsPart(t *testing.T) {
	dir := t.TempDir()
	file, page := filepath.Join(dir, "rows.jsonl"), filepath.Join(dir, "page.md")
	rto := harness.Measurement{Name: measure.MeasureRTO, Unit: harness.UnitNS, Cohort: "fresh", Known: true, Lo: 5e9, Hi: 6e9}
	asked := harness.Finding{Objective: harness.Objective{Measure: measure.MeasureRTO, Cohort: "fresh"}, Measured: rto}
	unread := harness.Measurement{Name: measure.MeasureAlert, Unit: harness.UnitNS}
	idle := harness.Measurement{Name: measure.MeasureRPOTime, Unit: harness.UnitNS, Detail: "not exercised: nothing failed over"}
	for _, r := range []rows.Row{
		{On: "processes", Scenario: "null", Took: 30 * time.Second, Up: 2 * time.Second},
		{On: "containers", Scenario: "null", Exit: 3, Took: 40 * time.Second},
		{On: "processes", Scenario: "region-kill", Findings: harness.Findings{Objectives: []harness.Finding{asked}, Measurements: []harness.Measurement{unread}}},
		{On: "processes", Scenario: "replication-break", Findings: harness.Findings{Measurements: []harness.Measurement{idle}}},
	} {
		if err := rows.Append(file, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(page, []byte("before\n"+comparing.begin+"\nold\n"+comparing.end+"\nafter\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := compare(file, page); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "\nafter\n", "4 runs", "| 1 | processes | 0 | – | not exercised | – |",
		"| 1 | processes | 0 | – | – | – | – | 2.0 | 30 |\n| 1 | containers | 3 (expected 0) | – |",
		"### `region-kill`", "| 1 | processes | 0 | 5.0–6.0 s | – | – | – | 0.0 | 0 |"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("%q is missing in\n%s", want, data)
		}
	}
	if strings.Contains(string(data), "old") {
		t.Errorf("the old part is still there:\n%s", data)
	}
	if err := compare(filepath.Join(dir, "none"), page); err == nil {
		t.Error("a file that is not there is no error")
	}
}
