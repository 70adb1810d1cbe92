package e2e

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"blackstart/harness"
	"blackstart/harness/measure"
)

// row is what came of one drill.
type row struct {
	name      string
	want, got int
	took      time.Duration
	reason    string
	findings  harness.Findings
}

// printing keeps two tables apart.
var printing sync.Mutex

// printTable shows all drills of one target on 80 columns: what was expected, what came, RTO, RPO, the alert, and why.
func printTable(on string, rows []row) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf("\ndrills on %s\n%-43s %4s %3s %4s %7s %7s %7s\n", on, "scenario", "want", "got", "took", "RTO", "RPO", "alert")
	for _, r := range rows {
		fmt.Printf("%-43s %4d %3d %3.0fs %7s %7s %7s\n", r.name, r.want, r.got, r.took.Seconds(),
			found(r.findings, measure.MeasureRTO), found(r.findings, measure.MeasureRPOTime), found(r.findings, measure.MeasureAlert))
		for _, line := range folded(r.reason, 74) {
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
