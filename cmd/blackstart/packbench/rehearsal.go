package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/internal/figures"
)

// untoldShare is the part of the drill's wall time that no phase may tell of.
const untoldShare = 0.01

// rehearsal runs a scenario once, which must pass, and itemises its seconds.
func rehearsal(ctx context.Context, bin, scenario string) (figures.Row, error) {
	dir, err := os.MkdirTemp("", "blackstart-packbench-")
	if err != nil {
		return figures.Row{}, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, bin, "run", scenario, "--out", dir, "--json")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it undoes what it broke
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err = cmd.Run()
	took := time.Since(start)
	if err != nil {
		return figures.Row{}, fmt.Errorf("rehearse %s: %w\n%s%s", scenario, err, stdout.String(), stderr.String())
	}
	var result struct {
		Findings harness.Findings `json:"findings"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		return figures.Row{}, fmt.Errorf("read the result of %s: %w", scenario, err)
	}
	return itemised(strings.TrimSuffix(filepath.Base(scenario), ".yaml"), result.Findings, took)
}

// itemised is the row of a rehearsal that took that long from the command's start to its end: the seconds of every phase, as
// its pack has them, and what came after the drill's own end, which is measuring and sealing.
func itemised(name string, f harness.Findings, took time.Duration) (figures.Row, error) {
	r := figures.Row{
		Name: "a rehearsal of " + name + ", by phase", Bar: fmt.Sprintf("phases tell of ≥ %g %%", 100*(1-untoldShare)),
		Raw:    map[string]float64{"command_s": took.Seconds()},
		Remark: "the fast profile; measuring, sealing and the command itself come after the drill's own end",
	}
	total, untold := -1.0, -1.0
	var parts []string
	for _, m := range f.Measurements {
		seconds := time.Duration(m.Lo).Seconds()
		phase, isPhase := strings.CutPrefix(m.Name, measure.NameWallPhase)
		switch {
		case !m.Known:
		case m.Name == measure.NameWallTotal:
			total = seconds
		case m.Name == measure.NameWallUnaccounted:
			untold = seconds
		case isPhase:
			parts = append(parts, fmt.Sprintf("%s %.1f", phase, seconds))
			r.Raw["phase_"+phase+"_s"] = seconds
		}
	}
	if total <= 0 || untold < 0 || len(parts) == 0 {
		return figures.Row{}, fmt.Errorf("the findings of %s do not itemise its wall time", name)
	}
	after := took.Seconds() - total
	r.Raw["drill_s"], r.Raw["untold_s"], r.Raw["after_s"] = total, untold, after
	r.Value = fmt.Sprintf("%.1f s: %s, seal %.1f", took.Seconds(), strings.Join(parts, ", "), after)
	r.Met = untold <= untoldShare*total
	return r, nil
}
