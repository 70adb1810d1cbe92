package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/internal/rows"
)

// compare writes every run of every scenario, both targets side by side, into a page.
func compare(file, page string) error {
	all, err := rows.Read(file)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s holds no run", file)
	}
	if err := write(page, comparing, comparison(all)); err != nil {
		return err
	}
	unexpected := 0
	for _, r := range all {
		if r.Exit != r.Want {
			unexpected++
		}
	}
	fmt.Fprintf(os.Stderr, "%d runs, %d of them with another exit code than expected\n", len(all), unexpected)
	return nil
}

// comparison groups the runs by scenario, in the order in which scenarios first appear.
func comparison(all []rows.Row) string {
	var names, targets []string
	for _, r := range all {
		if !slices.Contains(names, r.Scenario) {
			names = append(names, r.Scenario)
		}
		if !slices.Contains(targets, r.On) {
			targets = append(targets, r.On)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "## Every run of every scenario\n\nWritten by `make compare`: %d runs. RTO is that of clients who dial anew.\n", len(all))
	for _, name := range names {
		fmt.Fprintf(&b, "\n### `%s`\n\n| run | on | exit | RTO | RPO | lost | alert | up, s | took, s |\n%s\n", name, strings.Repeat("| --- ", 9)+"|")
		for _, on := range targets {
			n := 0
			for _, r := range all {
				if r.Scenario == name && r.On == on {
					n++
					b.WriteString(line(n, r))
				}
			}
		}
	}
	return b.String()
}

func line(n int, r rows.Row) string {
	exit := fmt.Sprint(r.Exit)
	if r.Exit != r.Want {
		exit += fmt.Sprintf(" (expected %d)", r.Want)
	}
	value := func(name, cohort string) string {
		m := find(r.Findings, name, cohort)
		asked := slices.ContainsFunc(r.Findings.Objectives, func(o harness.Finding) bool { return o.Objective.Measure == name })
		if m.Name == "" || (!asked && !m.Known && !measure.Unexercised(m)) {
			return "–"
		}
		if measure.Unexercised(m) {
			return "not exercised"
		}
		return measure.Value(m)
	}
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s | %s | %.1f | %.0f |\n", n, r.On, exit, value(measure.MeasureRTO, "fresh"),
		value(measure.MeasureRPOTime, ""), value(measure.MeasureRPOLost, ""), value(measure.MeasureAlert, ""), r.Up.Seconds(), r.Took.Seconds())
}
