package harness

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Probes that were opened end, even where their answers cannot be kept and they never ask.
func TestOpenedProbesEndWhereTheyCannotStart(t *testing.T) {
	for name, block := range map[string]func(dir string) error{
		"no directory": func(dir string) error { return os.WriteFile(filepath.Join(dir, "data"), nil, 0o600) },
		"second file": func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, "data", "observations", "http.health-2.jsonl"), 0o755)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := block(dir); err != nil {
				t.Fatal(err)
			}
			ended := make(chan string, 4)
			r := &rig{}
			p := r.parts(dir, NewClock())
			p.Scenario.Guards = nil
			p.OpenProbe = func(RunningTarget) []ProbeRun {
				var runs []ProbeRun
				for _, on := range []string{"1", "2", "3"} {
					runs = append(runs, ProbeRun{Probe: "http.health", On: on, Every: time.Second,
						Run: func(ctx context.Context, _ func(Observation)) { <-ctx.Done(); ended <- on }})
				}
				return runs
			}
			d := newDrill(p)
			if err := d.startProbes(t.Context()); err == nil {
				t.Error("the probes started")
			}
			d.stopProbes()
			if len(ended) != 3 {
				t.Errorf("%d of 3 probes ended", len(ended))
			}
		})
	}
}
