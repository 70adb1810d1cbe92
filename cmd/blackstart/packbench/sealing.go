package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"blackstart/internal/figures"
)

const (
	sealSeconds = 3.0 // bar for each of sealing and verifying
	sealMB      = 100.0
)

// sealing runs the benchmarks of evidence/seal: what is measured is what that package measures of itself.
func sealing(ctx context.Context, quick bool) ([]figures.Row, error) {
	samples, name := "10000000", "10⁷"
	if quick {
		samples, name = "100000", "10⁵"
	}
	var rows []figures.Row
	for _, work := range []struct{ benchmark, verb, parts string }{
		{"BenchmarkSeal", "seal", "log tree, digests, signature, zip"},
		{"BenchmarkVerify", "verify", "every digest, signature and tree; no measurement is computed again"},
	} {
		cmd := exec.CommandContext(ctx, "go", "test", "./evidence/seal", "-run", "^$", "-benchtime", "3x",
			"-bench", "^"+work.benchmark+"$/^samples="+samples+"$")
		cmd.Stderr = os.Stderr
		text, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", work.benchmark, err, text)
		}
		m, err := metrics(string(text), work.benchmark+"/samples="+samples)
		if err != nil {
			return nil, err
		}
		seconds, peak := m["ns/op"]/1e9, m["peak-MB"]
		rows = append(rows, figures.Row{
			Name: fmt.Sprintf("%s %s samples", work.verb, name), Bar: fmt.Sprintf("≤ %g s, < %g MB", sealSeconds, sealMB),
			Value: fmt.Sprintf("%.2f s, peak memory %.0f MB", seconds, peak), Met: seconds <= sealSeconds && peak < sealMB,
			Raw:    map[string]float64{"seconds": seconds, "peak_mb": peak, "mb_per_s": m["MB/s"], "bytes_per_sample": m["B/sample"]},
			Remark: fmt.Sprintf("%s; %.2f bytes a sample in the pack", work.parts, m["B/sample"]),
		})
	}
	return rows, nil
}

// metrics reads the line of one benchmark: its name, how often it ran, then pairs of a number and its unit.
func metrics(text, benchmark string) (map[string]float64, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || (f[0] != benchmark && !strings.HasPrefix(f[0], benchmark+"-")) {
			continue
		}
		found := map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			n, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w in %q", benchmark, err, line)
			}
			found[f[i+1]] = n
		}
		for _, unit := range []string{"ns/op", "MB/s", "peak-MB", "B/sample"} {
			if found[unit] <= 0 {
				return nil, fmt.Errorf("%s tells no %s: %q", benchmark, unit, line)
			}
		}
		return found, nil
	}
	return nil, fmt.Errorf("%s did not run:\n%s", benchmark, text)
}
