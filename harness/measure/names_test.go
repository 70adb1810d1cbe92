package measure

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the table of measures in docs/measurement.md")

const (
	measurementPage = "../../docs/measurement.md"
	tableHead       = "| measure | formula | unit |\n| --- | --- | --- |\n"
)

// The page holds the table of measures as they are.
func TestTableOfMeasuresIsFresh(t *testing.T) {
	page, err := os.ReadFile(measurementPage)
	must(t, err)
	before, rest, found := strings.Cut(string(page), tableHead)
	written, after, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatal("docs/measurement.md has no table of measures")
	}
	var rows []string
	for _, r := range Rows() {
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |", r.Name, r.Formula, r.Unit))
	}
	table := strings.Join(rows, "\n")
	if *update {
		must(t, os.WriteFile(measurementPage, []byte(before+tableHead+table+"\n\n"+after), 0o644))
	} else if table != written {
		t.Errorf("docs/measurement.md is stale: run make golden and look at the difference.\ngot:\n%s\nwant:\n%s", table, written)
	}
}

// Every other name that a measurement can have stands on the page, too, in the table that maps it to its formula.
func TestEveryNameHasAFormula(t *testing.T) {
	doc, err := os.ReadFile(measurementPage)
	must(t, err)
	_, table, found := strings.Cut(string(doc), "## Every name of a measurement\n")
	table, _, ended := strings.Cut(table, "\n## ")
	if !found || !ended {
		t.Fatal("docs/measurement.md has no table of names")
	}
	names := []string{MeasureImpact, MeasureLoss, NameRTODeclared, NameRTOAnswering, NameErrors + "NAME", NameImpact, NameDetected,
		NameDeclared, NameFirstAnswer, NameSteady, NameWritable, NameRedundancyRestored, NameLostService, NameLostRequests, NameBrownout, NameRPODatabase,
		NameDivergence, NameDivergenceTime, NameDivergenceCost, NameAlertBeyond, NameLatencyMedian, NameLatencyP99, NameOverheadMedian,
		NameOverheadP99, NameUndoOutage, NameUndoRequests, NameUndoService, NameWallTotal, NameWallRecovery, NameWallRest, NameWallPhase + "NAME", NameWallUnaccounted}
	for _, w := range strangers() {
		for _, m := range mustJudge(t, w).Measurements {
			known := m.Name
			for _, family := range []string{NameErrors, NameWallPhase} {
				if strings.HasPrefix(known, family) {
					known = family + "NAME"
				}
			}
			names = append(names, known)
		}
	}
	for _, name := range names {
		if !strings.Contains(table, "`"+name+"`") {
			t.Errorf("docs/measurement.md gives no formula for %s", name)
		}
	}
}
