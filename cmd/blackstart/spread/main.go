// Command spread runs one scenario many times in a row and writes every run's RTO and alert latency into a page of the
// documentation: every run is shown, never only an average. It judges nothing beyond the exit codes it was given. With
// -rows it runs nothing and writes what the end-to-end tests ran, every scenario on both targets, side by side.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// section is a part of a page that this command owns, between two markers.
type section struct{ begin, end string }

var (
	spreading = section{"<!-- spread: written by make spread -->", "<!-- spread: end -->"}
	comparing = section{"<!-- compare: written by make compare -->", "<!-- compare: end -->"}
)

// rehearsalResult is what came of one rehearsal.
type rehearsalResult struct {
	exit     int
	took     time.Duration
	findings harness.Findings
}

func main() {
	n := flag.Int("n", 20, "rehearsals in a row")
	bin := flag.String("bin", "bin/blackstart", "the built program")
	scenario := flag.String("scenario", "scenarios/finrag/region-partition.yaml", "scenario to run")
	page := flag.String("md", "docs/performance.md", "page that gets the table")
	file := flag.String("rows", "", "run nothing: write the runs in this file, of the end-to-end tests, side by side")
	flag.Parse()
	if *file != "" {
		if err := compare(*file, *page); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(*n, *bin, *scenario, *page); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(n int, bin, scenario, page string) error {
	dir, err := os.MkdirTemp("", "blackstart-spread-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var all []rehearsalResult
	bad := 0
	for i := range n {
		o, err := rehearse(bin, scenario, dir)
		if err != nil {
			return err
		}
		all = append(all, o)
		if o.exit != harness.ExitPass {
			bad++
		}
		fmt.Fprintf(os.Stderr, "%2d of %d: exit %d in %s: %s\n", i+1, n, o.exit, o.took.Round(time.Second), o.findings.Reason)
	}
	if err := write(page, spreading, table(filepath.Base(scenario), all)); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d rehearsals did not pass", bad, n)
	}
	return nil
}

// rehearse runs the scenario once.
func rehearse(bin, scenario, dir string) (rehearsalResult, error) {
	cmd := exec.Command(bin, "run", scenario, "--out", dir, "--json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	o := rehearsalResult{exit: cmd.ProcessState.ExitCode(), took: time.Since(start)}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return o, fmt.Errorf("run %s: %w", bin, err)
	}
	var result struct {
		Findings harness.Findings `json:"findings"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		return o, fmt.Errorf("read the result: %w\n%s", err, stderr.String())
	}
	o.findings = result.Findings
	return o, nil
}

// table shows every run and the range over all of them.
func table(scenario string, all []rehearsalResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %d rehearsals of %s in a row\n\n", len(all), scenario)
	fmt.Fprintf(&b, "Written by `make spread`. Every run is shown; the timings are the `fast` profile's, on loopback.\n\n")
	b.WriteString("| run | exit | RTO (fresh) | alert received | lost writes | wall time |\n| --- | --- | --- | --- | --- | --- |\n")
	rto, page := boundsUnion{}, boundsUnion{}
	for i, o := range all {
		r, a, lost := find(o.findings, "rto", "fresh"), find(o.findings, "alert.received", ""), find(o.findings, "rpo.lost", "")
		rto.add(r)
		page.add(a)
		fmt.Fprintf(&b, "| %d | %d | %s | %s | %s | %s |\n", i+1, o.exit, measure.Value(r), measure.Value(a), measure.Value(lost), o.took.Round(time.Second))
	}
	fmt.Fprintf(&b, "\nOver all runs the truth lay within %s (RTO) and %s (alert).\n", rto, page)
	return b.String()
}

// boundsUnion is the union of the bounds of several measurements.
type boundsUnion struct {
	lo, hi int64
	any    bool
}

func (s *boundsUnion) add(m harness.Measurement) {
	if !m.Known || m.Unbounded {
		return
	}
	if !s.any {
		s.lo, s.hi, s.any = m.Lo, m.Hi, true
	}
	s.lo, s.hi = min(s.lo, m.Lo), max(s.hi, m.Hi)
}

func (s boundsUnion) String() string {
	if !s.any {
		return "nothing known"
	}
	return measure.Span(s.lo, s.hi)
}

func find(f harness.Findings, name, cohort string) harness.Measurement {
	for _, o := range f.Objectives {
		if o.Objective.Measure == name && (cohort == "" || o.Objective.Cohort == cohort) {
			return o.Measured
		}
	}
	for _, m := range f.Measurements {
		if m.Name == name && (cohort == "" || m.Cohort == cohort) {
			return m
		}
	}
	return harness.Measurement{}
}

// write replaces a part of the page, or adds it at the end.
func write(page string, p section, text string) error {
	old, err := os.ReadFile(page)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text = p.begin + "\n" + text + p.end + "\n"
	s := string(old)
	if i, j := strings.Index(s, p.begin), strings.Index(s, p.end); i >= 0 && j > i {
		return os.WriteFile(page, []byte(s[:i]+text+strings.TrimPrefix(s[j+len(p.end):], "\n")), 0o644)
	}
	return os.WriteFile(page, []byte(s+"\n"+text), 0o644)
}
