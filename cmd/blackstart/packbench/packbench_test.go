package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

const benchText = `goos: linux
BenchmarkSeal/samples=100000-2     3   20578271 ns/op   194.38 MB/s   40.05 B/sample   10.71 peak-MB
PASS
`

func TestMetrics(t *testing.T) {
	m, err := metrics(benchText, "BenchmarkSeal/samples=100000")
	if err != nil || m["ns/op"] != 20578271 || m["peak-MB"] != 10.71 {
		t.Errorf("%v, %v", m, err)
	}
	for name, text := range map[string]string{
		"nothing ran":    strings.ReplaceAll(benchText, "100000", "1000000"),
		"no peak":        strings.ReplaceAll(benchText, "peak-MB", "MB"),
		"no number":      strings.ReplaceAll(benchText, "194.38", "many"),
		"another's name": strings.ReplaceAll(benchText, "Seal", "SealTwice"),
	} {
		if m, err := metrics(text, "BenchmarkSeal/samples=100000"); err == nil {
			t.Errorf("%s: read %v", name, m)
		}
	}
}

// wall is the findings of a drill of that many seconds with one phase and what is untold.
func wall(total, phase, untold float64) harness.Findings {
	ns := func(name string, s float64) harness.Measurement {
		return harness.Measurement{Name: name, Unit: harness.UnitNS, Known: true, Lo: int64(s * 1e9), Hi: int64(s * 1e9)}
	}
	return harness.Findings{Measurements: []harness.Measurement{
		ns(measure.NameWallTotal, total), ns(measure.NameWallPhase+"watch", phase), ns(measure.NameWallUnaccounted, untold),
	}}
}

func TestARehearsalIsItemised(t *testing.T) {
	r, err := itemised("null", wall(30, 29.8, 0.2), 31*time.Second)
	if err != nil || !r.Met || r.Value != "31.0 s: watch 29.8, seal 1.0" || r.Raw["phase_watch_s"] != 29.8 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := itemised("null", wall(30, 29, 1), 31*time.Second); err != nil || r.Met {
		t.Errorf("a second that no phase tells of: %+v, %v", r, err)
	}
	unknown := wall(30, 30, 0)
	unknown.Measurements[0].Known = false
	for name, f := range map[string]harness.Findings{"nothing": {}, "unknown total": unknown} {
		if r, err := itemised("null", f, time.Second); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestARehearsalThatDoesNotPassIsAnError(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "blackstart")
	if err := os.WriteFile(bin, []byte("#!/bin/sh\necho inconclusive\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := rehearsal(t.Context(), bin, "null.yaml"); err == nil || !strings.Contains(err.Error(), "inconclusive") {
		t.Errorf("%v", err)
	}
}
