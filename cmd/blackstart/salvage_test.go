package main

import (
	"os"
	"path/filepath"
	"testing"

	"blackstart/harness"
)

// Of a killed run's answers the whole lines are kept, and the probe ran until the last of them.
func TestWholeAnswersAreSalvaged(t *testing.T) {
	const whole = `{"probe":"a","at":{"lo":"2026-01-02T03:04:05.000000001Z","hi":"2026-01-02T03:04:05.000000009Z"}}` + "\n"
	for name, c := range map[string]struct {
		text, kept string
		count      int
	}{
		"whole":          {whole + whole, whole + whole, 2},
		"torn":           {whole + whole[:40], whole, 1},
		"nothing":        {"", "", 0},
		"torn at once":   {whole[:10], "", 0},
		"without an end": {whole + string(make([]byte, harness.MaxObservationLine)) + "\n" + whole, whole, 1},
		"no answer":      {whole + "{}\n", whole + "{}\n", 2},
	} {
		bag := t.TempDir()
		if err := os.WriteFile(filepath.Join(bag, "a.jsonl"), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		rec := &harness.Record{Probes: []harness.ProbeSeries{{Probe: "a", File: "a.jsonl", Ran: harness.Interval{Lo: 5}}, {Probe: "b", File: "gone.jsonl", Count: 3}}}
		salvageProbes(bag, rec)
		kept, err := os.ReadFile(filepath.Join(bag, "a.jsonl"))
		p := rec.Probes[0]
		if err != nil || string(kept) != c.kept || p.Count != c.count || (p.Ran.Hi > p.Ran.Lo) != (c.count > 0) || rec.Probes[1].Count != 3 {
			t.Errorf("%s: kept %.200q of %+v, %v", name, kept, p, err)
		}
	}
}
