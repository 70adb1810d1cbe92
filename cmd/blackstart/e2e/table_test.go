package e2e

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
	"blackstart/internal/rows"
)

// note makes a row of a drill, and appends it to the file that BLACKSTART_ROWS names, if it names one.
func note(t *testing.T, b box, r rows.Row) rows.Row {
	t.Helper()
	r.Findings = readFindings(t, b, r.Scenario)
	for _, p := range readRecord(t, b, r.Scenario).Acts {
		if p.Kind == harness.ActSetup {
			r.Up = p.At.Hi.Sub(p.At.Lo)
		}
	}
	if path := os.Getenv("BLACKSTART_ROWS"); path != "" {
		if err := rows.Append(path, r); err != nil {
			t.Error(err)
		}
	}
	return r
}

// printing keeps two tables apart.
var printing sync.Mutex

// printTable shows all drills of one target on 80 columns: what was expected, what came, RTO, RPO, the alert, and why.
func printTable(on string, all []rows.Row) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf("\ndrills on %s\n%-43s %4s %3s %4s %7s %7s %7s\n", on, "scenario", "want", "got", "took", "RTO", "RPO", "alert")
	for _, r := range all {
		fmt.Printf("%-43s %4d %3d %3.0fs %7s %7s %7s\n", r.Scenario, r.Want, r.Exit, r.Took.Seconds(),
			found(r.Findings, measure.MeasureRTO), found(r.Findings, measure.MeasureRPOTime), found(r.Findings, measure.MeasureAlert))
		for _, line := range folded(r.Findings.Reason, 74) {
			fmt.Println("      " + line)
		}
	}
}

// found gives what an objective on a measure came to: its upper bound in seconds, or more than the lower one.
func found(f harness.Findings, name string) string {
	for _, o := range f.Objectives {
		m := o.Measured
		switch {
		case o.Objective.Measure != name:
		case !m.Known:
			return "?"
		case m.Unbounded:
			return fmt.Sprintf(">%.1fs", time.Duration(m.Lo).Seconds())
		default:
			return fmt.Sprintf("%.2fs", time.Duration(m.Hi).Seconds())
		}
	}
	return "-"
}

// folded breaks a text into lines of at most width letters.
func folded(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line+" "+word)) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}
